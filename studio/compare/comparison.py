"""What a comparison of the fast network with the slow optimizer found, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nst_core.curve import Point
from nst_core.evaluate import EqualIterations, Losses
from nst_core.picture import Picture


@dataclass(frozen=True)
class Likeness:
    """Figures without a loss network; see `nst_core.likeness`."""

    ssim: float
    """To the photo, up to 1."""
    edge_agreement: float
    """With the photo, up to 1."""
    color_distance: float | None
    """To the painting, in units of Lab; None where the painting itself is not at hand."""


@dataclass(frozen=True)
class Rendering:
    """One painted picture, with all that was measured of it."""

    key: str
    """`fast`; `slow 25` after 25 iterations from the photo (or noise); `refined 25`: the fast one, refined by 25."""
    title: str
    picture: Picture = field(repr=False)
    losses: Mapping[str, Losses]
    """By loss network."""
    equal: Mapping[str, EqualIterations]
    """By loss network, where it stands on the optimizer's curve."""
    likeness: Likeness
    seconds: float
    """To paint it; of a refined one without the fast painting that it began from."""
    peak_bytes: int
    """The most memory that painting it took, beyond what the program had before."""


@dataclass(frozen=True)
class CurveRecord:
    """The optimizer's curve."""

    key: str
    """`slow` or `refined`."""
    start: str
    """photo, noise, or draft: the fast picture, mixed with the photo."""
    points: Sequence[Point]


@dataclass(frozen=True)
class Comparison:
    """One photo in one style, painted both ways. The first rendering is the fast one."""

    photo: Picture = field(repr=False)
    painting: Picture | None = field(repr=False)
    """At the size of its comparison; None where only its Gram matrices are known."""
    style: Mapping[str, Any]
    """name, title, sha256, and paintings: a list of title, artist, license."""
    measured_under: str
    """The loss network whose loss the curves are of."""
    trained_under: str
    """The loss network that the style was trained under."""
    renderings: Sequence[Rendering]
    curves: Sequence[CurveRecord]
    settings: Mapping[str, Any]
    """All options, versions, the machine and the device."""

    @property
    def fast(self) -> Rendering:
        return self.renderings[0]

    def slow(self) -> list[Rendering]:
        """Those of the optimizer from the photo or noise, by iterations."""
        return [rendering for rendering in self.renderings if rendering.key.startswith("slow")]

    def refined(self) -> list[Rendering]:
        """Those of the optimizer from the fast picture, by iterations."""
        return [rendering for rendering in self.renderings if rendering.key.startswith("refined")]

    @property
    def equal(self) -> EqualIterations:
        """Which iteration of the optimizer the fast picture equals, under `measured_under`."""
        return self.fast.equal[self.measured_under]

    @property
    def speed_up(self) -> float | None:
        """How many times as long as the network the optimizer takes to be as good; None where that is not known.

        Beyond the curve it is at least that.
        """
        iterations = self.equal.iterations
        if iterations is None:
            return None
        slow = next(curve for curve in self.curves if curve.key == "slow")
        return seconds_at(slow.points, iterations) / self.fast.seconds

    def to_json(self) -> dict[str, Any]:
        """All figures, without the pictures."""
        return {
            "photo": _about(self.photo),
            "painting": self.painting and _about(self.painting),
            "style": dict(self.style),
            "measured_under": self.measured_under,
            "trained_under": self.trained_under,
            "equal_iterations": asdict(self.equal),
            "speed_up": self.speed_up,
            "renderings": [_rendering(rendering) for rendering in self.renderings],
            "curves": [curve_json(curve) for curve in self.curves],
            "settings": dict(self.settings),
        }


def seconds_at(points: Sequence[Point], iterations: float) -> float:
    """Seconds of the optimizer up to an iteration, interpolated; points are one an iteration, from 0."""
    low = min(int(iterations), len(points) - 1)
    high = min(low + 1, len(points) - 1)
    return points[low].seconds + (iterations - low) * (points[high].seconds - points[low].seconds)


def _about(picture: Picture) -> dict[str, Any]:
    return {"file": picture.name, "sha256": picture.sha256, "width": picture.width, "height": picture.height}


def _rendering(rendering: Rendering) -> dict[str, Any]:
    return {
        "key": rendering.key,
        "title": rendering.title,
        "seconds": rendering.seconds,
        "peak_bytes": rendering.peak_bytes,
        "losses": {name: asdict(losses) for name, losses in rendering.losses.items()},
        "equal_iterations": {name: asdict(equal) for name, equal in rendering.equal.items()},
        "likeness": asdict(rendering.likeness),
    }


def curve_json(curve: CurveRecord) -> dict[str, Any]:
    """Each point as [iteration, seconds, total, style, content]."""
    points = []
    for point in curve.points:
        losses = (point.losses.total, point.losses.style, point.losses.content)
        points.append([point.iteration, round(point.seconds, 3), *(round(loss, 6) for loss in losses)])
    return {"key": curve.key, "start": curve.start, "points": points}
