"""Photos on disk to batches of augmented square crops."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import IterableDataset

from nst_core.errors import ConfigError, ImageError
from nst_core.picture import find_pictures, fit_long_side, read_picture

log = logging.getLogger(__name__)


class PhotoCrops(IterableDataset[Tensor]):
    """An endless, seeded stream of (3, size, size) uint8 crops; unreadable photos are logged and skipped.

    Args:
        folder: where the photos are, searched through its subfolders.
        size_px: side of a crop.
        seed: order and position of the crops.
        start: how many crops of the stream to pass over, to continue where a training stopped.
        scales: the short side of the crop before resizing lies between these multiples of `size_px`.
        paintings: a second folder, of which a quarter of the crops are taken; None for photos alone.
    """

    painting_share = 0.25

    def __init__(
        self,
        folder: Path,
        size_px: int,
        seed: int,
        start: int = 0,
        scales: tuple[float, float] = (0.6, 1.6),
        paintings: Path | None = None,
    ) -> None:
        self.paths, self.paintings = _found(folder), _found(paintings) if paintings else []
        self.size_px, self.seed, self.start, self.scales = size_px, seed, start, scales
        self._cache: dict[Path, np.ndarray | None] = {}

    def _photo(self, path: Path) -> np.ndarray | None:
        if path not in self._cache:
            try:
                picture = read_picture(path)
                short = min(picture.height, picture.width)
                limit = round(self.size_px * 2.5)  # keeps thousands of large photos within memory
                if short > limit:
                    long = round(max(picture.height, picture.width) * limit / short)
                    picture = picture.resized(*fit_long_side(picture.width, picture.height, long))
                self._cache[path] = picture.pixels if picture.bit_depth == 8 else (picture.pixels >> 8).astype(np.uint8)
            except ImageError as error:
                log.warning("skipped: %s", error)
                self._cache[path] = None
        return self._cache[path]

    def __iter__(self) -> Iterator[Tensor]:
        for index in itertools.count(self.start):
            yield self._crop(np.random.default_rng((self.seed, index)))

    def _crop(self, rng: np.random.Generator) -> Tensor:
        for _ in range(10 * len(self.paths)):
            paths = self.paintings if self.paintings and rng.random() < self.painting_share else self.paths
            photo = self._photo(paths[rng.integers(len(paths))])
            if photo is not None:
                return random_crop(photo, self.size_px, self.scales, rng)
        raise ConfigError("none of the photos can be read")


def _found(folder: Path) -> list[Path]:
    paths = find_pictures([folder])
    if not paths:
        raise ConfigError(f"{folder}: no photos found; name a folder of JPEG or PNG photos")
    return paths


def random_crop(photo: np.ndarray, size_px: int, scales: tuple[float, float], rng: np.random.Generator) -> Tensor:
    """A randomly placed, scaled and mirrored (3, size, size) uint8 crop of an (H, W, 3) uint8 photo."""
    side = min(round(size_px * rng.uniform(*scales)), *photo.shape[:2])
    top, left = (int(rng.integers(n - side + 1)) for n in photo.shape[:2])
    crop = torch.from_numpy(photo[top : top + side, left : left + side].copy()).permute(2, 0, 1)
    if rng.random() < 0.5:
        crop = crop.flip(2)
    if side != size_px:
        resized = F.interpolate(crop[None].float(), (size_px, size_px), mode="bilinear", antialias=True)
        crop = resized[0].round().clamp(0, 255).to(torch.uint8)
    return crop.contiguous()


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
