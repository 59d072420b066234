"""Optimizers for pixels: L-BFGS with a short history, and Adam; both go on at the next scale.

They keep nothing but what they need, work in the box [0, 1], and their state can be resized and saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from nst_core.errors import NstError
from nst_core.objective import Evaluation

Evaluate = Callable[[Tensor], Evaluation]

ADAM_RATE = 0.04
"""Learning rate that serves at strength 1 and more, in units of the picture's range."""

BLOCKS = {2: 1.0, 4: 3.0, 8: 6.0, 16: 8.0}
"""Side of the blocks by whose means L-BFGS moves a picture, and how much more than single pixels."""


class Optimizer(Protocol):
    """One step at a time on a picture in [0, 1]."""

    def step(self, x: Tensor, evaluate: Evaluate, done: float) -> tuple[Tensor, Evaluation]:
        """Evaluate x once; return the picture to go on from and the evaluation of x.

        Args:
            x: (1, 3, H, W) in [0, 1].
            evaluate: the objective.
            done: share of this scale's steps that are done, 0 to below 1.
        """
        ...

    def resize(self, height: int, width: int) -> None:
        """Carry the state over to another size of the same picture."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on, as tensors."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        ...


def resize_picture(x: Tensor, height: int, width: int) -> Tensor:
    """(1, 3, H, W) to another size, bicubic; antialiased where it shrinks."""
    return F.interpolate(x, (height, width), mode="bicubic", antialias=height < x.shape[2])


def _coarse_first(x: Tensor) -> Tensor:
    """A picture plus its means over blocks, (1, 3, H, W): a symmetric, positive definite map.

    The losses pull at a pixel mainly through what is fine; as an estimate of the inverse Hessian this lets broad forms
    move as fast. On six pairs of photo and style at 512 px, with the shorter first step: an independent judge's mean J
    after 100 iterations from the photo fell from 0.503 to 0.483, after 25 from a fast picture from 0.514 to 0.503.
    """
    height, width = x.shape[2:]
    out = x.clone()
    for side, weight in BLOCKS.items():
        means = F.avg_pool2d(F.pad(x, (0, -width % side, 0, -height % side)), side)
        out.add_(F.interpolate(means, scale_factor=side)[:, :, :height, :width], alpha=weight)
    return out


def _dot(a: Tensor, b: Tensor) -> float:
    """Inner product of two pictures, without a third."""
    return float(torch.dot(a.reshape(-1), b.reshape(-1)))


class Lbfgs:
    """Limited-memory BFGS in a box: one evaluation a step, restarts from the best when a step fails.

    Pixels that lie on a bound and would leave the box stay where they are. A step that makes the loss
    worse than `patience` allows, or not a number, is taken back: the history is dropped and the next step
    from the best picture is a short one.

    Source: Liu & Nocedal 1989; bounds by gradient projection as in Bertsekas 1982. Differs: no line search,
    as every evaluation costs a pass through the loss network; unit steps nearly always serve. The first
    estimate of the inverse Hessian is not a multiple of the identity but `_coarse_first`.

    Args:
        history: how many corrections to keep; each takes two pictures of memory.
    """

    first_step = 0.01
    """Root mean square of the first step, in units of the picture's range."""
    patience = 1.05
    """A loss up to this multiple of the best is accepted."""

    def __init__(self, history: int) -> None:
        self.history = history
        self.pairs: list[tuple[Tensor, Tensor]] = []
        self.last: tuple[Tensor, Tensor] | None = None
        self.best: tuple[float, Tensor, Tensor] | None = None
        self.shrink = 1.0

    def step(self, x: Tensor, evaluate: Evaluate, done: float = 0.0) -> tuple[Tensor, Evaluation]:
        evaluation = evaluate(x)
        loss, gradient = evaluation.total, evaluation.gradient
        failed = not math.isfinite(loss) or not bool(torch.isfinite(gradient).all())
        if self.best is not None and (failed or loss > self.patience * self.best[0] + 1e-12):
            self.pairs.clear()
            self.last = None
            self.shrink *= 0.25
            _, x, gradient = self.best
        elif failed:
            raise NstError("the loss is not a number; lower --strength or the weights")
        else:
            self._learn(x, gradient)
            if self.best is None or loss < self.best[0]:
                self.best = (loss, x, gradient)
                self.shrink = min(1.0, self.shrink * 2)
        free = ~((x <= 0) & (gradient > 0) | (x >= 1) & (gradient < 0))
        downhill = gradient * free
        direction = self._direction(downhill).mul_(free)
        if _dot(direction, downhill) >= 0:  # it is not: forget the curvature
            self.pairs.clear()
            direction = self._direction(downhill)
        self.last = (x, gradient)
        return direction.mul_(self.shrink).add_(x).clamp_(0, 1), evaluation

    def _learn(self, x: Tensor, gradient: Tensor) -> None:
        if self.last is None:
            return
        s, y = x - self.last[0], gradient - self.last[1]
        if _dot(s, y) > 1e-8 * float(s.norm() * y.norm()):
            self.pairs.append((s, y))
            del self.pairs[: -self.history]

    def _direction(self, gradient: Tensor) -> Tensor:
        """Minus the inverse Hessian's estimate times the gradient: the two-loop recursion."""
        if not self.pairs:
            step = _coarse_first(gradient)
            return step.mul_(-self.first_step / step.square().mean().sqrt().clamp_min(1e-20))
        d = -gradient
        factors = []
        for s, y in reversed(self.pairs):
            rho = 1.0 / _dot(s, y)
            alpha = rho * _dot(s, d)
            d.add_(y, alpha=-alpha)
            factors.append((rho, alpha))
        s, y = self.pairs[-1]
        d = _coarse_first(d).mul_(_dot(s, y) / _dot(y, _coarse_first(y)))
        for (s, y), (rho, alpha) in zip(self.pairs, reversed(factors), strict=True):
            d.add_(s, alpha=alpha - rho * _dot(y, d))
        return d

    def resize(self, height: int, width: int) -> None:
        if self.best is None:
            return
        old = self.best[1].shape
        shrink = old[2] * old[3] / (height * width)
        # The loss hardly depends on the size, so a gradient, per pixel, shrinks as the pixels multiply.
        pairs = [(resize_picture(s, height, width), resize_picture(y, height, width) * shrink) for s, y in self.pairs]
        self.pairs = [(s, y) for s, y in pairs if _dot(s, y) > 1e-4 * float(s.norm() * y.norm())]
        self.last = self.best = None
        self.shrink = 1.0

    def state(self) -> dict[str, Tensor]:
        out = {f"s{i}": s for i, (s, _) in enumerate(self.pairs)} | {f"y{i}": y for i, (_, y) in enumerate(self.pairs)}
        if self.last is not None:
            out |= {"last_x": self.last[0], "last_gradient": self.last[1]}
        if self.best is not None:
            out |= {"best_loss": torch.tensor(self.best[0], dtype=torch.float64)}
            out |= {"best_x": self.best[1], "best_gradient": self.best[2]}
        return out | {"shrink": torch.tensor(self.shrink, dtype=torch.float64)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        count = sum(key.startswith("s") and key[1:].isdigit() for key in state)
        self.pairs = [(state[f"s{i}"], state[f"y{i}"]) for i in range(count)]
        self.last = (state["last_x"], state["last_gradient"]) if "last_x" in state else None
        if "best_loss" in state:
            self.best = (float(state["best_loss"]), state["best_x"], state["best_gradient"])
        self.shrink = float(state["shrink"])


class Adam:
    """Adam in a box: two pictures of memory beside the picture, which it changes in place, and its gradient.

    Source: Kingma & Ba 2015, algorithm 1.

    The rate falls along a half cosine over each scale, so that views that differ settle on what they agree on.

    Args:
        rate: learning rate at the start of a scale, in units of the picture's range.
    """

    beta1, beta2 = 0.9, 0.99
    band_rows = 256

    def __init__(self, rate: float = ADAM_RATE) -> None:
        self.rate = rate
        self.moments: tuple[Tensor, Tensor] | None = None
        self.steps = 0

    def step(self, x: Tensor, evaluate: Evaluate, done: float = 0.0) -> tuple[Tensor, Evaluation]:
        evaluation = evaluate(x)
        gradient = evaluation.gradient
        if not math.isfinite(evaluation.total):
            raise NstError("the loss is not a number; lower --strength or the weights")
        if self.moments is None:
            self.moments = torch.zeros_like(x), torch.zeros_like(x)
        first, second = self.moments
        self.steps += 1
        first.lerp_(gradient, 1 - self.beta1)
        second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        rate = self.rate * (0.5 + 0.5 * math.cos(math.pi * done)) / (1 - self.beta1**self.steps)
        for top in range(0, x.shape[2], self.band_rows):
            band = slice(top, top + self.band_rows)
            denominator = (second[:, :, band] / (1 - self.beta2**self.steps)).sqrt_().add_(1e-12)
            x[:, :, band].addcdiv_(first[:, :, band], denominator, value=-rate)
        return x.clamp_(0, 1), evaluation

    def resize(self, height: int, width: int) -> None:
        if self.moments is None:
            return
        first, second = self.moments
        shrink = first.shape[2] * first.shape[3] / (height * width)
        self.moments = (
            resize_picture(first, height, width) * shrink,
            resize_picture(second, height, width).clamp_min_(0) * shrink**2,
        )

    def state(self) -> dict[str, Tensor]:
        out = {"rate": torch.tensor(self.rate, dtype=torch.float64)}
        if self.moments is not None:
            out |= {"first": self.moments[0], "second": self.moments[1], "steps": torch.tensor(self.steps)}
        return out

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.rate = float(state["rate"])
        if "first" in state:
            self.moments = (state["first"], state["second"])
            self.steps = int(state["steps"])
