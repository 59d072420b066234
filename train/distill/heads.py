"""The last step of distillation: linear heads fitted to Gram matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.losses import gram_matrix
from nst_core.objective import CONTENT_LAYER
from nst_core.vgg import LAYERS
from train.distill.module import Teacher

STYLE_LAYERS = [layer for layer in LAYERS if layer != CONTENT_LAYER]
STEPS = 2500
STEPS_A_TICK = 100
PICTURES_A_STEP = 16
RATE = 0.01
"""Of Adam at the start, relative to the head's mean absolute entry; falls to 0 in a straight line."""
GOOD_ENOUGH = 0.003
"""Relative squared error; what is well below pulls little."""


def ticks(pictures: int) -> int:
    """How often `fit_style_heads` tells that it goes on."""
    return pictures + len(STYLE_LAYERS) * -(-STEPS // STEPS_A_TICK)


def fit_style_heads(student: CompactNetwork, teacher: Teacher, pictures: Iterable[Tensor]) -> Iterator[None]:
    """Replace the least-squares heads of the layers that serve style alone by ones that give truer Gram matrices.

    Least squares keeps to the mean: what the student cannot predict is missing from the spread of its features, and
    so from their Gram matrix. The layer that content is measured at keeps its head.

    Args:
        student: trained, on the teacher's device.
        teacher: what it was distilled from.
        pictures: (1, 3, H, W) in [0, 1] of any sizes; some hundred.

    Yields:
        Nothing, from time to time, `ticks` times in all.
    """
    found: dict[str, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in STYLE_LAYERS}
    for x in pictures:
        with torch.no_grad():
            truth, features = teacher.features(x), student.features(x, STYLE_LAYERS)
            for layer, f in features.items():
                gram, wanted = gram_matrix(f.float())[0], gram_matrix(truth[layer].float())[0]
                size = torch.linalg.matrix_norm(wanted)
                # The truths alone in fp16, as of a thousand there are gigabytes: features may be of any size.
                found[layer].append((gram / size, (wanted / size).half()))
        yield
    generator = torch.Generator().manual_seed(0)
    for layer in STYLE_LAYERS:
        grams, truths = (torch.stack(parts) for parts in zip(*found.pop(layer), strict=True))
        weight = student.teacher_heads[layer].weight
        assert isinstance(weight, Tensor)
        fit = HeadFit(weight.data[:, :, 0, 0], grams, truths, generator)
        for step in range(STEPS):
            fit.step(step)
            if (step + 1) % STEPS_A_TICK == 0 or step + 1 == STEPS:
                yield
        weight.data = fit.head[:, :, None, None].contiguous()


class HeadFit:
    """The search for the (k, c) head H with the least mean log |H G H^T - T|^2, |T| being 1.

    The steps are taken for features made uncorrelated, where all directions are as steep.

    Args:
        head: to begin with, (k, c).
        grams, truths: (N, c, c) and (N, k, k), the latter in fp16; both divided by the norm of the latter.
        generator: chooses the pictures of each step.
    """

    def __init__(self, head: Tensor, grams: Tensor, truths: Tensor, generator: torch.Generator) -> None:
        self._grams, self._truths, self._generator = grams, truths, generator
        typical = grams.mean(0)
        typical = typical + 1e-5 * typical.diagonal().mean() * torch.eye(len(typical), device=head.device)
        mix = torch.linalg.cholesky(typical)
        self._unmix = torch.linalg.inv(mix)
        self._turned = (head @ mix).clone().requires_grad_(True)
        self._size = float(self._turned.detach().abs().mean())
        self._optimizer = torch.optim.Adam([self._turned], RATE * self._size)

    @property
    def head(self) -> Tensor:
        """As it is now."""
        return self._turned.detach() @ self._unmix

    def step(self, index: int) -> None:
        """The step of this index, of `STEPS`."""
        self._optimizer.param_groups[0]["lr"] = RATE * self._size * (1 - index / STEPS)
        some = torch.randint(len(self._grams), (PICTURES_A_STEP,), generator=self._generator).to(self._grams.device)
        with torch.enable_grad():
            fitted = self._turned @ self._unmix
            error = (fitted @ self._grams[some] @ fitted.mT - self._truths[some].float()).square().sum((1, 2))
            loss = (error + GOOD_ENOUGH).log().mean()
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
