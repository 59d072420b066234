"""One definition of how good a painted picture is: its losses, and which of an optimizer's iterations it equals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from nst_core.features import LossNetwork
from nst_core.gatys import make_plan
from nst_core.gatys_options import GatysOptions
from nst_core.picture import Picture
from nst_core.scale_objective import ScaleObjective, scale_finish
from nst_core.sources import Sources
from nst_core.tensor import to_tensor

UNBOUNDED_BYTES = 1 << 60


@dataclass(frozen=True)
class Losses:
    """What a picture loses, relative to painting and photo; see `nst_core.losses`."""

    network: str
    """The loss network that it was measured under."""
    total: float
    """Of style, content and total variation, each with its weight."""
    style: float
    """Sum over the layers, unweighted: 0 matches the painting's texture."""
    content: float
    """At relu4_1, unweighted: 0 is the photo."""
    tv: float
    layers: Mapping[str, float]
    """The style loss of each layer."""

    @classmethod
    def of(cls, network: str, total: float, parts: Mapping[str, float]) -> Losses:
        """From an iteration of the optimizer: see `nst_core.gatys.Step`."""
        layers = {layer: loss for layer, loss in parts.items() if layer not in ("content", "tv")}
        return cls(network, total, sum(layers.values()), parts["content"], parts["tv"], layers)


class Yardstick:
    """Measures pictures of one photo and painting under one loss network, which the optimizer would go by, too.

    Args:
        sources: photo and painting.
        options: sizes and weights; the loss network is seen upright, and whole pictures at once.
        network: the loss network.
        device: where to compute.
    """

    def __init__(
        self, sources: Sources, options: GatysOptions, network: LossNetwork, device: torch.device | str = "cpu"
    ) -> None:
        self.network = network
        self._device = torch.device(device)
        plan = make_plan(sources, replace(options, optimizer="lbfgs"), network, UNBOUNDED_BYTES)
        self.width, self.height = plan.scales[-1].width, plan.scales[-1].height
        finish = scale_finish(sources, options, plan.scales[-1])
        self._objective = ScaleObjective(sources, options, network, plan.scales[-1], finish, self._device)

    def losses(self, picture: Picture) -> Losses:
        """Of a picture, compared at this yardstick's size."""
        x = to_tensor(picture.resized(self.width, self.height), self._device)
        evaluation = self._objective(x)
        return Losses.of(self.network.name, evaluation.total, evaluation.parts)


Standing = Literal["on the curve", "beyond the curve", "not comparable"]


@dataclass(frozen=True)
class EqualIterations:
    """Where on an optimizer's curve a picture stands."""

    standing: Standing
    """beyond the curve: better than all of it; not comparable: no better than what the optimizer began with."""
    iterations: float | None
    """At which the optimizer is as good, interpolated; beyond the curve, how far that goes; else None."""

    def __str__(self) -> str:
        if self.iterations is None:
            return self.standing
        return f"more than {self.iterations:.0f}" if self.standing == "beyond the curve" else f"{self.iterations:.0f}"


def equal_iterations(loss: float, curve: Sequence[tuple[int, float]]) -> EqualIterations:
    """How many iterations of an optimizer a picture equals.

    Args:
        loss: of the picture.
        curve: iterations and the loss after them, under the same loss network and weights, from 0 on. Where an
            iteration is worse than an earlier one, the earlier one counts, as the optimizer keeps the best.
    """
    if not curve or not math.isfinite(loss) or loss >= curve[0][1]:
        return EqualIterations("not comparable", None)
    before, best = curve[0]
    for iteration, value in curve[1:]:
        if value <= loss:
            share = (best - loss) / (best - value)
            return EqualIterations("on the curve", before + share * (iteration - before))
        if value < best:
            before, best = iteration, value
    return EqualIterations("beyond the curve", curve[-1][0])
