"""What learning a style costs: photos a second, FLOPs and memory, beside the classic recipe in the same run.

    python benchmarks/train_step.py

The classic recipe is Johnson's network of width 32 through VGG-16 in fp32, as pytorch/examples trains it; VGG-16
has random weights, which take the same time as any. The two take turns. FLOPs are those that torch's
FlopCounterMode counts (two for a multiply and add), of one step; of a style, times the default number of steps.
Memory is the most that a worker process held while it learned a style for a few steps.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from record import record
from torch.utils.flop_counter import FlopCounterMode

from models.registry import build
from models.style_network import StyleNetwork
from nst_core.features import LossNetwork, load_network
from nst_core.objective import Weights
from nst_core.vgg import VggNetwork
from train.child import learn_in_child
from train.module import UNSEEN_PX
from train.objective import StyleObjective
from train.running import precision
from train.style_job import StyleJob, describe
from train.style_options import StyleOptions

PAINTING = Path(__file__).parents[1] / "examples" / "paintings" / "swirling_night.jpg"


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
        """As `train.module` does it."""
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    defaults = StyleOptions()
    recipes = {
        "swift": Recipe(build("swift"), load_network("compact"), halves=True),
        "classic": Recipe(build("johnson"), VggNetwork("vgg16"), halves=False),
    }
    size = defaults.crop_px
    batch = torch.rand(defaults.batch_size, 3, size, size).contiguous(memory_format=torch.channels_last)
    times: dict[str, list[float]] = {name: [] for name in recipes}
    for _ in range(options.rounds):
        for name, recipe in recipes.items():
            for counted in (False, True, True) if name == "swift" else (False, True):
                began = time.perf_counter()
                recipe.step(batch)
                if counted:
                    times[name].append(time.perf_counter() - began)
    rates = {name: len(batch) / statistics.median(values) for name, values in times.items()}
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
        "peak_resident_gb": round(peak_gb(), 2),
    }
    print(figures)
    print(record("train_step", figures))


def peak_gb() -> float:
    """Of a worker that learns for a few steps."""
    with tempfile.TemporaryDirectory() as folder:
        options = replace(StyleOptions(), steps=12)
        output = Path(folder) / "style.onnx"
        job = StyleJob("style", "Style", (describe(PAINTING, {}),), options, None, None, None, output)
        for _ in learn_in_child(job, Path(folder) / "run", None):
            pass
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
