"""`impasto distill`: trains the compact loss network from VGG-19."""

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from impasto.values import number
from nst_core import weights
from nst_core.errors import ConfigError
from nst_core.features import load_network
from nst_core.picture import find_pictures
from train.distill.module import DistillOptions, Teacher
from train.distill.run import checkpoint_path, distill
from train.distill.teachers import LossNetworkTeacher, TwoPartTeacher

EXAMPLES = """\
examples:
  impasto distill --photos photos/ -o checkpoints/perceptual/compact.safetensors
  impasto distill --photos photos/ --evaluate others/ paintings/ -o compact.safetensors
  impasto distill --photos photos/ --config configs/distill/compact.yaml -o compact.safetensors
  impasto distill --photos photos/ -o compact.safetensors --resume      go on after Ctrl-C or a crash
  impasto distill --photos photos/ --start compact.safetensors --steps 0 -o new.safetensors      heads alone, anew
  impasto distill --photos photos/ --teacher-shallow vgg19_to_relu3_1.safetensors \\
      --teacher-deep vgg19_distilled16x.safetensors -o compact.safetensors

The teacher is VGG-19 (impasto weights get vgg19) unless files are named. The state of an unfinished run lies
beside the result, as .ckpt, written each minute; at the end, the result's card lies there, as .json.
"""

RANGES: dict[str, tuple[float, float]] = {
    "steps": (0, 10_000_000),
    "batch": (1, 1024),
    "crop_px": (64, 2048),
    "learning_rate": (1e-9, 1),
    "replay_after": (0, 10_000_000),
    "gram_weight": (0, 1e6),
    "hint_weight": (0, 100),
    "replay": (0, 1),
    "seed": (0, 2**63 - 1),
}
"""Least and greatest value of each of the `DistillOptions`."""

PLAIN_EVERY_S = 60.0
"""Between two lines where there is no terminal to show a bar on."""


def build_parser() -> ArgumentParser:
    """The command's options; those of the training come from `DistillOptions`."""
    parser = ArgumentParser(
        prog="impasto distill",
        description="Train the compact loss network: to see pictures as VGG-19 does, at a tenth of its work.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("--photos", required=True, type=Path, metavar="DIR", help="photos to train on, with subfolders; some thousands")
    add("--paintings", type=Path, metavar="DIR", help="paintings, of which a quarter of the crops are taken")
    add("-o", "--out", required=True, type=Path, metavar="FILE", help="the network (.safetensors)")
    add("--start", type=Path, metavar="FILE", help="a compact network to train further (.safetensors)")
    add("--evaluate", nargs="+", type=Path, default=[], metavar="DIR", help="other pictures, to measure the result on")
    add("--teacher", choices=["vgg19"], help="a network whose weights are on this machine (default: vgg19)")
    add("--teacher-shallow", type=Path, metavar="FILE", help="instead: VGG-19's filters to relu3_1 (.safetensors)")
    add("--teacher-deep", type=Path, metavar="FILE", help="and a distilled VGG-19 for relu4_1 and relu5_1")
    add("--resume", action="store_true", help="go on with an unfinished run")
    add("--config", action="config", metavar="YAML", help="options from a file, see configs/distill/")
    group = parser.add_argument_group("Training")
    hints = get_type_hints(DistillOptions)
    params = docstring_parser.parse_from_object(DistillOptions).params
    docs = {param.arg_name: " ".join((param.description or "").split()).rstrip(".") for param in params}
    for field in fields(DistillOptions):
        option = "--" + field.name.replace("_", "-")
        kind = number(option, *RANGES[field.name], whole=hints[field.name] is int)
        text = docs[field.name] + " (default: %(default)s)"
        group.add_argument(option, type=kind, default=field.default, metavar="N", help=text)
    return parser


def run(options: Namespace) -> int:
    """Trains, measures and writes; gives the exit code."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # it would greet, and advertise
    if options.out.suffix != ".safetensors":
        raise ConfigError(f"{options.out}: the name of the network must end in .safetensors")
    chosen = DistillOptions(**{field.name: options[field.name] for field in fields(DistillOptions)})
    evaluation = find_pictures(options.evaluate)
    teacher = _teacher(options)
    with Display() as display:
        try:
            card = distill(
                chosen, options.photos, teacher, options.out,
                paintings=options.paintings, start=options.start, evaluation=evaluation,
                resume=options.resume, progress=display.show,
            )  # fmt: skip
        except KeyboardInterrupt:
            if checkpoint_path(options.out).exists():
                print("the state of a minute ago or less is kept; go on with --resume", file=sys.stderr)
            raise
    print(f"{options.out}: {card['steps']} steps in {card['seconds'] / 60:.1f} min")
    if errors := card["gram_errors"]:
        print(f"Gram errors, median of {errors['pictures']} pictures:")
        print("\n".join(f"  {layer}  {value:.4f}" for layer, value in errors["median"].items()))
    return 0


def _teacher(options: Namespace) -> Teacher:
    shallow, deep = options.teacher_shallow, options.teacher_deep
    if shallow is None and deep is None:
        network = load_network("vgg19")
        file = weights.find("vgg19")
        assert file is not None  # or loading would have failed
        return LossNetworkTeacher(network, file)
    if shallow is None or deep is None or options.teacher is not None:
        raise ConfigError("give either --teacher, or both --teacher-shallow and --teacher-deep")
    return TwoPartTeacher(shallow, deep)


class Display:
    """A bar with the time left on a terminal, a line a minute elsewhere; on stderr."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        columns = (
            TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
            BarColumn(),
            TextColumn("{task.fields[error]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.plain = not console.is_terminal
        self.bar = Progress(*columns, console=console, transient=True, disable=self.plain, speed_estimate_period=300)
        self.error = self.last_line = 0.0

    def __enter__(self) -> "Display":
        self.bar.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.bar.stop()

    def show(self, step: int, steps: int, figures: Mapping[str, float]) -> None:
        """Progress of `distill`; the error is averaged over layers, and over the last twenty steps or so."""
        grams = [value for name, value in figures.items() if name.startswith("gram_")]
        if grams:
            mean = sum(grams) / len(grams)
            self.error = self.error + (mean - self.error) * 0.05 if self.error else mean
        error = f"Gram error {self.error:.3f}" if self.error else "fitting heads"
        if self.plain:
            if time.monotonic() - self.last_line > PLAIN_EVERY_S:
                self.last_line = time.monotonic()
                print(f"step {step} of {steps}, {error}", file=sys.stderr)
        elif not self.bar.tasks:
            self.bar.add_task("", total=steps, completed=step, error=error)
        else:
            self.bar.update(self.bar.task_ids[0], completed=step, error=error)
