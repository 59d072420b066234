"""Style, content and total-variation losses, all relative, so that one set of weights fits every picture.

Style is a function of the features' moments alone, and moments are sums over positions: they can be
gathered tile by tile, which is what makes exact gradients of large pictures possible (see `objective`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BAND_ROWS = 256


class _GramMatrix(torch.autograd.Function):
    """`gram_matrix`, with one product of matrices in its backward pass, and none of what is as large copied."""

    @staticmethod
    def forward(ctx: Any, f: Tensor) -> Tensor:
        rows = f.flatten(2).mT  # (B, h w, c): as channels-last features lie in memory
        ctx.save_for_backward(rows)
        ctx.size = f.shape[2:]
        full = rows.float() if f.dtype in (torch.bfloat16, torch.float16) else rows
        return full.mT @ full / rows.shape[1]

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        symmetric = (slopes[0] + slopes[0].mT) / rows.shape[1]
        return (rows @ symmetric.to(rows.dtype)).mT.unflatten(2, ctx.size)


def gram_matrix(f: Tensor) -> Tensor:
    """Gram matrix of features, divided by the number of positions: (B, c, h, w) to (B, c, c), at least fp32.

    Source: Gatys et al. 2016, equation 3. Differs: divided by h w, so that it does not grow with the picture.
    """
    return _GramMatrix.apply(f)  # type: ignore[return-value]


@dataclass(frozen=True)
class Moments:
    """Weighted sums of features over positions; those of two tiles add up to those of both together."""

    weight: Tensor
    """Sum of the weights, a scalar."""
    total: Tensor
    """Weighted sum of feature vectors, (c,)."""
    outer: Tensor
    """Weighted sum of their outer products, (c, c)."""

    @classmethod
    def of(cls, f: Tensor, mask: Tensor | None = None) -> Moments:
        """Moments of one picture's features, (1, c, h, w), each position weighted by `mask`, (h, w), or by 1."""
        flat = f[0].flatten(1)  # (c, h w)
        if mask is None:
            return cls(flat.new_tensor(float(flat.shape[1])), flat.sum(1), flat @ flat.mT)
        weighted = flat * mask.flatten()
        return cls(mask.sum(), weighted.sum(1), weighted @ flat.mT)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.weight + other.weight, self.total + other.total, self.outer + other.outer)

    def through(self, head: Tensor | None) -> Moments:
        """The moments of `head @ f`, for a (k, c) linear head, without running it; None is the identity."""
        if head is None:
            return self
        return Moments(self.weight, head @ self.total, head @ self.outer @ head.mT)

    @property
    def mean(self) -> Tensor:
        """Mean feature vector, (c,)."""
        return self.total / self.weight.clamp_min(1e-6)

    @property
    def gram(self) -> Tensor:
        """Gram matrix over the number of positions, (c, c)."""
        return self.outer / self.weight.clamp_min(1e-6)

    @property
    def covariance(self) -> Tensor:
        """Covariance of the features, (c, c)."""
        return self.gram - torch.outer(self.mean, self.mean)


class GramLoss:
    """|G - T|^2 / |T|^2, with T the painting's Gram matrix: 0 is a match, 1 is as wrong as an empty picture.

    Source: Gatys et al. 2016, equation 4. Differs: relative to the target, so that layers and paintings weigh alike.
    """

    def __init__(self, target: Moments) -> None:
        self.target = target.gram
        self.scale = 1.0 / self.target.square().sum().clamp_min(1e-12)

    def __call__(self, moments: Moments) -> Tensor:
        return (moments.gram - self.target).square().sum() * self.scale


class WassersteinLoss:
    """Squared 2-Wasserstein distance of Gaussians with the features' means and covariances, over the painting's power.

    |m - n|^2 + tr(C + D - 2 (D^1/2 C D^1/2)^1/2), divided by |n|^2 + tr D.

    Source: Olkin & Pukelsheim 1982; as a style loss Vacher et al. 2020 (arXiv 2001.11412).
    """

    def __init__(self, target: Moments) -> None:
        values, vectors = torch.linalg.eigh(target.covariance.double())
        self.root = ((vectors * values.clamp_min(0).sqrt()) @ vectors.mT).to(target.total)  # D^1/2
        self.mean = target.mean
        self.trace = target.covariance.trace()
        self.scale = 1.0 / target.gram.trace().clamp_min(1e-12)

    def __call__(self, moments: Moments) -> Tensor:
        c = moments.covariance
        between = self.root @ c @ self.root
        values = torch.linalg.eigvalsh((between + between.mT) / 2)
        # Below this floor an eigenvalue is rounding; the square root's slope there would be noise.
        floor = 1e-6 * values.detach().amax().clamp_min(1e-12)
        cross = values.clamp_min(floor).sqrt().sum()
        return ((moments.mean - self.mean).square().sum() + c.trace() + self.trace - 2 * cross) * self.scale


def content_error(f: Tensor, target: Tensor, head: Tensor | None) -> tuple[Tensor, Tensor]:
    """|head (f - target)|^2 and its gradient in f; relative once divided by the target's own `content_power`.

    Args:
        f: features, (1, c, h, w).
        target: the photo's features, the same shape.
        head: (k, c) linear head, or None for the identity.

    Source: Gatys et al. 2016, equation 1. Differs: relative to the photo's features.
    """
    difference = f - target
    pulled = difference if head is None else torch.einsum("ij,bjhw->bihw", head.mT @ head, difference)
    return (difference * pulled).sum(), 2 * pulled


def content_power(target: Tensor, head: Tensor | None) -> Tensor:
    """|head target|^2 of the photo's features, (1, c, h, w): what content errors are relative to."""
    return content_error(target, torch.zeros_like(target), head)[0]


def content_errors(f: Tensor, target: Tensor, head: Tensor | None) -> Tensor:
    """|head (f - target)|^2 / |head target|^2 of each picture: (B, c, h, w) twice to (B,).

    Source: Gatys et al. 2016, equation 1. Differs: relative to the photo's features.
    """

    def power(g: Tensor) -> Tensor:
        pulled = g if head is None else torch.einsum("ij,bjhw->bihw", head.mT @ head, g)
        return (g * pulled).sum((1, 2, 3))

    return power(f - target) / power(target).clamp_min(1e-12)


def total_variation(x: Tensor) -> Tensor:
    """Sum of squared differences to the lower and right neighbors, by values: (B, 3, H, W) to (B,).

    Source: Mahendran & Vedaldi 2015, with beta = 2. Differs: divided by 3 H W.
    """
    down, right = x.diff(dim=2), x.diff(dim=3)
    return (down.square().sum((1, 2, 3)) + right.square().sum((1, 2, 3))) / x[0].numel()


def add_tv_gradient(x: Tensor, weight: float, gradient: Tensor) -> float:
    """Sum of squared differences to the lower and right neighbors; its gradient is added to another.

    Args:
        x: (1, 3, H, W); it is gone through by bands of rows, so that a large picture needs little memory.
        weight: what the gradient is multiplied by.
        gradient: (1, 3, H, W), changed in place.

    Returns:
        The sum, without the weight.

    Source: Mahendran & Vedaldi 2015, with beta = 2.
    """
    total = 0.0
    for top in range(0, x.shape[2], BAND_ROWS):
        for dim, rows in ((2, slice(top, top + BAND_ROWS + 1)), (3, slice(top, top + BAND_ROWS))):
            band, slope = x[:, :, rows], gradient[:, :, rows]
            length = band.shape[dim] - 1
            difference = band.narrow(dim, 1, length) - band.narrow(dim, 0, length)
            total += float(difference.square().sum())
            difference *= 2 * weight
            slope.narrow(dim, 1, length).add_(difference)
            slope.narrow(dim, 0, length).sub_(difference)
    return total
