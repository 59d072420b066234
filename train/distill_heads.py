"""The last step of distillation: linear heads fitted to Gram matrices."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.losses import gram_matrix
from nst_core.objective import CONTENT_LAYER
from nst_core.vgg import LAYERS
from train.distill import Teacher

BATCHES = 128
STEPS = 2500
PICTURES_A_STEP = 16
RATE = 0.01
"""Of Adam at the start, relative to the head's mean absolute entry; falls to 0 in a straight line."""
GOOD_ENOUGH = 0.01
"""Relative squared error; what is well below pulls little."""


def fit_style_heads(student: CompactNetwork, teacher: Teacher, batches: Iterable[Tensor]) -> None:
    """Replace the least-squares heads of the layers that serve style alone by ones that give truer Gram matrices.

    Least squares keeps to the mean: what the student cannot predict is missing from the spread of its features, and
    so from their Gram matrix. The layer that content is measured at keeps its head.

    Args:
        student: trained, on the teacher's device.
        teacher: what it was distilled from.
        batches: photos (B, 3, S, S) in [0, 1]; some hundred pictures in all.
    """
    layers = [layer for layer in LAYERS if layer != CONTENT_LAYER]
    found: dict[str, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in layers}
    with torch.no_grad():
        for batch in batches:
            x = batch.contiguous(memory_format=torch.channels_last)
            truth = teacher.features(x)
            for layer, f in student.features(x).items():
                if layer in layers:
                    found[layer].append((gram_matrix(f.float()), gram_matrix(truth[layer].float())))
    generator = torch.Generator().manual_seed(0)
    for layer in layers:
        grams, truths = (torch.cat(parts) for parts in zip(*found[layer], strict=True))
        weight = student.teacher_heads[layer].weight
        assert isinstance(weight, Tensor)
        weight.data = _fit(weight.data[:, :, 0, 0], grams, truths, generator)[:, :, None, None].contiguous()


def _fit(head: Tensor, grams: Tensor, truths: Tensor, generator: torch.Generator) -> Tensor:
    """The (k, c) head H with the least |H G H^T - T|^2 / |T|^2, from (N, c, c) and (N, k, k) Gram matrices.

    The steps are taken for features made uncorrelated, where all directions are as steep.
    """
    typical = grams.mean(0)
    typical = typical + 1e-5 * typical.diagonal().mean() * torch.eye(len(typical), device=head.device)
    mix = torch.linalg.cholesky(typical)
    unmix = torch.linalg.inv(mix)
    turned = (head @ mix).clone().requires_grad_(True)
    size = float(turned.detach().abs().mean())
    optimizer = torch.optim.Adam([turned], RATE * size)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * size * (1 - step / STEPS)
        some = torch.randint(len(grams), (PICTURES_A_STEP,), generator=generator).to(head.device)
        with torch.enable_grad():
            fitted = turned @ unmix
            error = (fitted @ grams[some] @ fitted.mT - truths[some]).square().sum((1, 2))
            loss = (error / truths[some].square().sum((1, 2)) + GOOD_ENOUGH).log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return turned.detach() @ unmix
