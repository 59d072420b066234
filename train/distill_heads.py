"""The last step of distillation: linear heads fitted to Gram matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.losses import gram_matrix
from nst_core.objective import CONTENT_LAYER
from nst_core.vgg import LAYERS
from train.distill import Teacher
from train.replay import Replay

BATCHES = 400
CROP_PX = 320
"""Larger than in training: Gram matrices of small crops scatter more than those of whole pictures."""
MOST_STEPS = 24
"""Of the optimizer, for a picture; few, so that they are many pictures."""
STEPS = 2500
PICTURES_A_STEP = 16
RATE = 0.01
"""Of Adam at the start, relative to the head's mean absolute entry; falls to 0 in a straight line."""
GOOD_ENOUGH = 0.03
"""Relative squared error; what is well below pulls little."""


def seen_pictures(
    student: CompactNetwork, crops: Iterable[Tensor], replay: float, generator: torch.Generator
) -> Iterator[Tensor]:
    """What heads are fitted to: crops as they are, and a share of them painted by the student's loss.

    Heads that were fitted to photos and paintings alone served these better, and painted pictures worse. With
    pictures augmented as in training they served neither.

    Args:
        student: on the device of the training.
        crops: (B, 3, S, S) uint8.
        replay: the share, 0 to 1.
        generator: source of all randomness.

    Yields:
        (B, 3, S, S) in [0, 1].
    """
    painting = Replay(MOST_STEPS)
    device = next(student.parameters()).device
    for batch in crops:
        yield painting.share(student, batch.to(device) / 255, replay, generator)


def fit_style_heads(student: CompactNetwork, teacher: Teacher, batches: Iterable[Tensor]) -> None:
    """Replace the least-squares heads of the layers that serve style alone by ones that give truer Gram matrices.

    Least squares keeps to the mean: what the student cannot predict is missing from the spread of its features, and
    so from their Gram matrix. The layer that content is measured at keeps its head.

    Args:
        student: trained, on the teacher's device.
        teacher: what it was distilled from.
        batches: pictures (B, 3, S, S) in [0, 1]; about a thousand in all.
    """
    layers = [layer for layer in LAYERS if layer != CONTENT_LAYER]
    found: dict[str, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in layers}
    with torch.no_grad():
        for batch in batches:
            x = batch.contiguous(memory_format=torch.channels_last)
            truth = teacher.features(x)
            for layer, f in student.features(x).items():
                if layer in layers:
                    found[layer].append((gram_matrix(f.float()).cpu(), gram_matrix(truth[layer].float()).cpu()))
    generator = torch.Generator().manual_seed(0)
    for layer in layers:
        grams, truths = (torch.cat(parts) for parts in zip(*found[layer], strict=True))
        weight = student.teacher_heads[layer].weight
        assert isinstance(weight, Tensor)
        weight.data = _fit(weight.data[:, :, 0, 0], grams, truths, generator)[:, :, None, None].contiguous()


def _fit(head: Tensor, grams: Tensor, truths: Tensor, generator: torch.Generator) -> Tensor:
    """The (k, c) head H with the least |H G H^T - T|^2 / |T|^2, from (N, c, c) and (N, k, k) Gram matrices.

    The steps are taken for features made uncorrelated, where all directions are as steep. The mean of all steps is
    truer to pictures that were not fitted to than the last one is.
    """
    typical = grams.mean(0).to(head.device)
    typical = typical + 1e-5 * typical.diagonal().mean() * torch.eye(len(typical), device=head.device)
    mix = torch.linalg.cholesky(typical)
    unmix = torch.linalg.inv(mix)
    turned = (head @ mix).clone().requires_grad_(True)
    size = float(turned.detach().abs().mean())
    optimizer = torch.optim.Adam([turned], RATE * size)
    mean = torch.zeros_like(head)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * size * (1 - step / STEPS)
        some = torch.randint(len(grams), (PICTURES_A_STEP,), generator=generator)
        gram, truth = grams[some].to(head.device), truths[some].to(head.device)
        with torch.enable_grad():
            fitted = turned @ unmix
            error = (fitted @ gram @ fitted.mT - truth).square().sum((1, 2))
            loss = (error / truth.square().sum((1, 2)) + GOOD_ENOUGH).log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean += turned.detach() / STEPS
    return mean @ unmix
