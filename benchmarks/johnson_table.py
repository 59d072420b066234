"""Table 1 of Johnson et al. 2016 as the README shows it: theirs beside what `johnson.py` measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Speed(NamedTuple):
    """A line of the paper's table."""

    optimizer_s: tuple[float, float, float]
    """With 100, 300 and 500 iterations."""
    network_s: float
    times_faster: tuple[int, int, int]


# Johnson, Alahi & Fei-Fei 2016 (arXiv 1603.08155), table 1, by size in pixels.
PAPER = {
    "256": Speed((3.17, 9.52, 15.86), 0.015, (212, 636, 1060)),
    "512": Speed((10.97, 32.91, 54.85), 0.05, (205, 615, 1026)),
    "1024": Speed((42.89, 128.66, 214.44), 0.21, (208, 625, 1042)),
}
PAIRS = {"vgg16": "johnson", "compact": "swift"}
"""The network that stands beside the optimizer through each loss network."""
HEAD = """\
The fast network against the slow optimizer, as the paper that began it counts:

| size | optimizer through | 100 / 300 / 500 iterations | network | network is faster by a factor of |
|---|---|---|---|---|
"""
NOTE = """
The paper: Johnson et al. 2016 (arXiv 1603.08155), table 1, on a GTX Titan X. Here: on the machine above, without a
graphics card; L-BFGS at the final size, seconds an iteration measured over {timed} iterations, times 100 / 300 / 500;
the networks in ONNX Runtime.
"""


def johnson_table(figures: dict[str, Any]) -> str:
    """The table, and how it was measured."""
    timed = [size["timed_iterations"] for size in figures["sizes"].values()]
    lines = "".join(f"| {' | '.join(line)} |\n" for line in _lines(figures["sizes"]))
    return HEAD + lines + NOTE.format(timed=" / ".join(map(str, timed)))


def _lines(sizes: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for size, measured in sizes.items():
        paper = PAPER[size]
        theirs = " / ".join(f"{value:.2f}" for value in paper.optimizer_s)
        yield size, "VGG-16, the paper", f"{theirs} s", f"{paper.network_s} s", _times(paper.times_faster)
        for loss, network in PAIRS.items():
            yield (
                "",
                f"{loss.replace('vgg', 'VGG-')}, here",
                f"{_three_figures(measured['optimizer_seconds'][loss].values())} s",
                f"{network}: {measured['network_seconds'][network]:.2g} s",
                _times(measured["times_faster"][network][loss].values()),
            )


def _three_figures(values: Iterable[float]) -> str:
    return " / ".join(f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in values)


def _times(values: Iterable[int]) -> str:
    return " / ".join(f"{value:,}" for value in values)
