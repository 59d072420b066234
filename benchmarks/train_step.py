"""What learning a style costs: photos a second, FLOPs and memory, beside the classic recipe in the same run.

    impasto bench train_step

The classic recipe is Johnson's network of width 32 through VGG-16 in fp32, as pytorch/examples trains it; VGG-16
has random weights, which take the same time as any. The two take turns. FLOPs are those that torch's
FlopCounterMode counts (two for a multiply and add), of one step; of a style, times the default number of steps.
Memory is the most that a worker process held while it learned a style for a few steps.

Takes: 2 minutes.
Needs: nothing.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from harness import EXAMPLE_PAINTING, argument_parser, median_seconds, record, run, run_apart
from torch.utils.flop_counter import FlopCounterMode

from models.registry import build
from models.style_network import StyleNetwork
from nst_core.features import LossNetwork, load_network
from nst_core.objective import Weights
from nst_core.vgg import VggNetwork
from train.night.child import learn_in_child
from train.running import precision
from train.style.job import StyleJob, describe
from train.style.module import UNSEEN_PX
from train.style.objective import StyleObjective
from train.style.options import StyleOptions


class Recipe:
    """A network, a loss network and an optimizer.

    Args:
        halves: computes in bf16, where the machine does.
    """

    def __init__(self, network: StyleNetwork, loss: LossNetwork, halves: bool) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        weights = Weights(1.0, 0.5, dict.fromkeys(loss.layers, 1.0))
        self.objective = StyleObjective(loss, [torch.rand(1, 3, 384, 512)], weights)
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.halves = halves and precision() == "bf16-mixed"

    def step(self, batch: torch.Tensor) -> None:
        """As `train.style.module` does it."""
        inner = slice(UNSEEN_PX, -UNSEEN_PX)
        full, alone = torch.ones(len(batch)), torch.ones(len(batch), 1)
        with torch.autocast("cpu", torch.bfloat16) if self.halves else contextlib.nullcontext():
            content = self.objective.content(batch[:, :, inner, inner], 0)
            painted = self.network(batch, full, alone)[:, :, inner, inner]
            loss = self.objective(painted, content, alone, full, 0).total.mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--apart", action="store_true", help="only learn for a few steps: for the memory it takes")
    options = parser.parse_args()
    if options.apart:
        learn()
        return
    defaults = StyleOptions()
    recipes = {
        "swift": Recipe(build("swift"), load_network("compact"), halves=True),
        "classic": Recipe(build("johnson"), VggNetwork("vgg16"), halves=False),
    }
    size = defaults.crop_px
    batch = torch.rand(defaults.batch_size, 3, size, size).contiguous(memory_format=torch.channels_last)
    ways = {name: lambda recipe=recipe: recipe.step(batch) for name, recipe in recipes.items()}
    rates = {name: len(batch) / seconds for name, seconds in median_seconds(ways, options.rounds).items()}
    flops = {}
    for name, recipe in recipes.items():
        with FlopCounterMode(display=False) as counter:
            recipe.step(batch)
        flops[name] = counter.get_total_flops()
    figures = {
        "batch": list(batch.shape),
        "threads": torch.get_num_threads(),
        "precision": precision(),
        "photos_per_s": {name: round(rate, 2) for name, rate in rates.items()},
        "times_the_classic": round(rates["swift"] / rates["classic"], 1),
        "gflop_per_step": {name: round(value / 1e9, 1) for name, value in flops.items()},
        "tflop_per_style": round(flops["swift"] * defaults.steps / 1e12, 1),
        "steps_per_style": defaults.steps,
        "peak_resident_gb": round(run_apart(__file__, "--apart").peak_bytes / 1e9, 2),
    }
    record("train_step", figures)


def learn() -> None:
    """A style for a few steps, in a worker process, as `impasto train` does."""
    with tempfile.TemporaryDirectory() as folder:
        options = replace(StyleOptions(), steps=12)
        output = Path(folder) / "style.onnx"
        job = StyleJob("style", "Style", (describe(EXAMPLE_PAINTING, {}),), options, None, None, None, output)
        for _ in learn_in_child(job, Path(folder) / "run", None):
            pass


if __name__ == "__main__":
    run(main)
