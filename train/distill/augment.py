"""Photos made into what a loss network meets on the optimizer's way."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def augment(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Take photos toward what a loss network meets on the optimizer's way: paint, noise, odd colors.

    Args:
        batch: (B, 3, S, S) in [0, 1].
        generator: source of all randomness.

    Returns:
        (B, 3, S, S) in [0, 1].
    """
    return torch.stack([_augment_one(image, batch, generator) for image in batch]).clamp(0, 1)


def _augment_one(image: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
    def chance(p: float) -> bool:
        return bool(torch.rand((), generator=generator) < p)

    def uniform(low: float, high: float) -> float:
        return float(torch.empty(()).uniform_(low, high, generator=generator))

    if chance(0.35):  # contrast, brightness and saturation about the mean
        mean = image.mean((1, 2), keepdim=True)
        gray = image.mean(0, keepdim=True)
        image = (gray + (image - gray) * uniform(0.0, 2.0)).sub(mean) * uniform(0.4, 1.8) + mean + uniform(-0.25, 0.25)
    if chance(0.1):
        image = image[torch.randperm(3, generator=generator)]
    if chance(0.1):  # one photo inside another, cut along an edge of a third
        other, cut = batch[_pick(batch, generator)], batch[_pick(batch, generator)].mean(0, keepdim=True)
        image = torch.where(cut > cut.median(), image, other)
    if chance(0.1):
        levels = uniform(2, 6)
        image = (image * levels).round() / levels
    if chance(0.1):  # tiles in another order: hard edges, no objects
        tile = image.shape[1] // int(torch.randint(3, 9, (), generator=generator))
        n = image.shape[1] // tile
        patches = image[:, : n * tile, : n * tile].unfold(1, tile, tile).unfold(2, tile, tile).flatten(1, 2)
        patches = patches[:, torch.randperm(n * n, generator=generator)].unflatten(1, (n, n))
        image = image.clone()
        image[:, : n * tile, : n * tile] = patches.permute(0, 1, 3, 2, 4).reshape(3, n * tile, n * tile)
    if chance(0.25):  # noise of some grain, colored or gray
        grain = int(torch.randint(1, 9, (), generator=generator))
        side = max(2, image.shape[1] // grain)
        noise = torch.randn((1, 3 if chance(0.7) else 1, side, side), generator=generator)
        noise = F.interpolate(noise, image.shape[1:], mode="bicubic" if grain > 1 else "nearest")[0]
        image = image + noise * uniform(0.0, 0.25)
    return image


def _pick(batch: Tensor, generator: torch.Generator) -> int:
    return int(torch.randint(len(batch), (), generator=generator))
