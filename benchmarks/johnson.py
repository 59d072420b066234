"""Table 1 of Johnson et al. 2016: the optimizer with 100, 300 and 500 iterations against the network, on this machine.

    impasto bench johnson

The paper's pair is VGG-16 (of random weights, which take the same time as any) and Johnson's network of width 32;
ours is `compact` and a shipped style. The optimizer is `nst_core.gatys` with L-BFGS at the final size. Its iterations
all cost the same, one evaluation each (but for a history that is still growing, which makes those timed a little
cheaper): some are timed, in turns with the other loss network, and their median is multiplied by 100, 300 and 500. The
networks are timed in ONNX Runtime, in turns too. What the paper measured stands in `rows.py`.

Takes: 2 minutes, and 6 GB of memory.
Needs: nothing.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import skimage.data
import torch
from apply import export, session
from harness import EXAMPLE_PAINTING, argument_parser, median_seconds, record, run, seconds

from models.catalog import Style as StyleFile
from models.catalog import find_style
from nst_core.features import LossNetwork, load_network
from nst_core.gatys import Sources, Step, Style, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.picture import Picture, read_picture
from nst_core.vgg import VggNetwork

TIMED = {256: 15, 512: 9, 1024: 5}
"""Iterations that are timed at each size."""
ITERATIONS = (100, 300, 500)
STYLE = "starry_night"
PLENTY_BYTES = 16_000_000_000
"""So that the picture is not cut into tiles."""
ROUNDS = 9


def optimizer(network: LossNetwork, size: int, iterations: int) -> Iterator[Step]:
    """Iterations at one size, from the photo."""
    photo = Picture(skimage.data.astronaut()).resized(size, size)
    sources = Sources(photo, (Style(read_picture(EXAMPLE_PAINTING)),), draft=photo)
    options = GatysOptions(size=size, optimizer="lbfgs", start="picture", iterations=iterations, network=network.name)  # type: ignore[arg-type]
    return optimize(sources, options, network, make_plan(sources, options, network, PLENTY_BYTES))


def seconds_an_iteration(networks: list[LossNetwork], size: int) -> dict[str, float]:
    """The median for each loss network; the first iteration, which also looks at the painting, is not counted."""
    steps = {network.name: optimizer(network, size, 10 * TIMED[size]) for network in networks}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(1 + TIMED[size]):
        for name, work in steps.items():
            took = seconds(lambda work=work: next(work))
            if turn:
                times[name].append(took)
    return {name: statistics.median(found) for name, found in times.items()}


def measure(networks: list[LossNetwork], styles: dict[str, StyleFile], size: int) -> dict[str, object]:
    """The row of the table at a size."""
    iteration = seconds_an_iteration(networks, size)
    ways = {name: session(style, size, torch.get_num_threads()) for name, style in styles.items()}
    painting = median_seconds(ways, ROUNDS)
    return {
        "timed_iterations": TIMED[size],
        "seconds_an_iteration": {name: round(value, 4) for name, value in iteration.items()},
        "optimizer_seconds": {name: {n: round(value * n, 2) for n in ITERATIONS} for name, value in iteration.items()},
        "network_seconds": {name: round(value, 4) for name, value in painting.items()},
        "times_faster": {
            style: {name: {n: round(value * n / took) for n in ITERATIONS} for name, value in iteration.items()}
            for style, took in painting.items()
        },
    }


def main() -> None:
    argument_parser(__doc__).parse_args()
    networks: list[LossNetwork] = [VggNetwork("vgg16"), load_network("compact")]
    with tempfile.TemporaryDirectory() as folder:
        styles = {"johnson": export("johnson", Path(folder)), "swift": find_style(STYLE)}
        sizes = {size: measure(networks, styles, size) for size in TIMED}
    method = "seconds an iteration, the median of the timed ones, times 100, 300 and 500"
    record("johnson_table", {"threads": torch.get_num_threads(), "optimizer_method": method, "sizes": sizes})


if __name__ == "__main__":
    run(main)
