"""Table 1 of Johnson et al. 2016: the optimizer with 100, 300 and 500 iterations against the network, on this machine.

    impasto bench johnson

The paper's pair is VGG-16 (of random weights, which take the same time as any) and Johnson's network of width 32;
ours is `compact` and a shipped style. The optimizer is `nst_core.gatys` with L-BFGS at the final size. Its iterations
all cost the same, one evaluation each (but for a history that is still growing, which makes those timed a little
cheaper): the median of some is multiplied by 100, 300 and 500. The networks run in ONNX Runtime.
What the paper measured stands in `johnson_table.py`.

Takes: 3 minutes, and 6 GB of memory.
Needs: nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import skimage.data
import torch
from apply import export, session
from harness import EXAMPLE_PAINTING, argument_parser, median_seconds, record, run

from models.catalog import Style as StyleFile
from models.catalog import find_style
from nst_core.features import LossNetwork, load_network
from nst_core.gatys import Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.picture import Picture, read_picture
from nst_core.sources import Sources, Style
from nst_core.vgg import VggNetwork

TIMED = {256: 15, 512: 9, 1024: 5}
"""Iterations that are timed at each size."""
PASSES = 11
"""Of the networks."""
ITERATIONS = (100, 300, 500)
STYLE = "starry_night"
PLENTY_BYTES = 16_000_000_000
"""So that the picture is not cut into tiles."""


def optimizer(network: LossNetwork, size: int) -> Iterator[Step]:
    """Iterations at one size, from the photo, more than are timed."""
    photo = Picture(skimage.data.astronaut()).resized(size, size)
    sources = Sources(photo, (Style(read_picture(EXAMPLE_PAINTING)),), draft=photo)
    options = GatysOptions(size=size, optimizer="lbfgs", start="picture", iterations=100, network=network.name)  # type: ignore[arg-type]
    return optimize(sources, options, network, make_plan(sources, options, network, PLENTY_BYTES))


def measure(networks: list[LossNetwork], styles: dict[str, StyleFile], size: int) -> dict[str, object]:
    """The table's figures for a size; of the iterations every other one is timed."""
    rounds = TIMED[size]
    steps = {network.name: optimizer(network, size) for network in networks}
    medians = median_seconds({name: lambda work=work: next(work) for name, work in steps.items()}, rounds)
    # Not in turns with torch, whose threads wait busily for a while and would slow down who comes next.
    ways = {name: session(style, size, torch.get_num_threads()) for name, style in styles.items()}
    medians |= median_seconds(ways, PASSES)
    return {
        "timed_iterations": rounds,
        "seconds_an_iteration": {name: round(medians[name], 4) for name in steps},
        "optimizer_seconds": {name: {n: round(medians[name] * n, 2) for n in ITERATIONS} for name in steps},
        "network_seconds": {name: round(medians[name], 4) for name in styles},
        "times_faster": {
            style: {name: {n: round(medians[name] * n / medians[style]) for n in ITERATIONS} for name in steps}
            for style in styles
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
