"""A small comparison whose figures can be told by hand: the optimizer halves its loss every ten iterations."""

from typing import Any

import numpy as np

from nst_core.curve import Point
from nst_core.evaluate import EqualIterations, Losses, equal_iterations
from nst_core.picture import Picture
from studio.compare.comparison import Comparison, CurveRecord, Likeness, Rendering

LAST = 50
SECONDS = 0.5
"""Of an iteration."""
WIDTH, HEIGHT = 96, 64


def slow_loss(iteration: float) -> float:
    return 2.0 * 0.5 ** (iteration / 10)


def refined_loss(iteration: float) -> float:
    return 0.5 * slow_loss(iteration)


def losses(total: float, network: str = "compact") -> Losses:
    """Style 60 %, half of it at relu1_1; content 40 %."""
    style = 0.6 * total
    layers = {"relu1_1": style / 2, **{f"relu{number}_1": style / 8 for number in range(2, 6)}}
    return Losses(network, total, style, 0.4 * total, 0.01, layers)


def plain(red: int, green: int, blue: int, name: str = "") -> Picture:
    return Picture(np.full((HEIGHT, WIDTH, 3), (red, green, blue), np.uint8), name=name)


def rendering(key: str, total: float, seconds: float, red: int, networks: tuple[str, ...] = ("compact",)) -> Rendering:
    """Under each further network the loss is half of that under the one before."""
    measured = {name: losses(total / 2**place, name) for place, name in enumerate(networks)}
    curve = [(iteration, slow_loss(iteration)) for iteration in range(LAST + 1)]
    equal = {name: equal_iterations(found.total, curve) for name, found in measured.items()}
    likeness = Likeness(0.5, 0.25, 12.5)
    return Rendering(key, key.title(), plain(red, 100, 50), measured, equal, likeness, seconds, 250_000_000)


def toy_comparison(fast: float = slow_loss(20), networks: tuple[str, ...] = ("compact",), **changes: Any) -> Comparison:
    """A comparison with the loss of the fast picture; by default that of 20 iterations, in 1/100 of their time."""
    slow = [rendering(f"slow {i}", slow_loss(i), i * SECONDS, 100 + i, networks) for i in (10, 25, 50)]
    refined = [rendering(f"refined {i}", refined_loss(i), i * SECONDS, 200 + i, networks) for i in (25, 50)]
    points = {
        key: [Point(i, i * SECONDS, losses(loss(i))) for i in range(LAST + 1)]
        for key, loss in (("slow", slow_loss), ("refined", refined_loss))
    }
    fields: dict[str, Any] = {
        "photo": plain(10, 20, 30, "cat.png"),
        "painting": plain(30, 60, 200),
        "style": {"name": "toy", "title": "Toy", "sha256": "ab" * 32, "paintings": [painting("Waves")]},
        "measured_under": "compact",
        "trained_under": "compact",
        "renderings": [rendering("fast", fast, 0.1, 80, networks), *slow, *refined],
        "curves": [CurveRecord("slow", "photo", points["slow"]), CurveRecord("refined", "draft", points["refined"])],
        "settings": {"options": {"iterations": LAST}, "device": "cpu"},
    }
    return Comparison(**fields | changes)


def painting(title: str, artist: str = "A. Painter") -> dict[str, str]:
    return {"title": title, "artist": artist, "license": "public domain"}


ON, BEYOND, NOT = (
    EqualIterations("on the curve", 20.0),
    EqualIterations("beyond the curve", float(LAST)),
    EqualIterations("not comparable", None),
)
