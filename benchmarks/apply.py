"""Seconds to paint at 512x512 and 1024x1024 on the CPU: the swift network beside Johnson's, in ONNX Runtime.

    impasto bench apply

The networks have random weights, which take the same time as any, and go through the export that every style
goes through. They take turns. `session` is the network alone, as ONNX Runtime calls it; `engine` is the whole way of
`impasto paint` but for reading and writing files.

Takes: 2 minutes.
Needs: nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from harness import argument_parser, median_seconds, record, run
from torch.utils.flop_counter import FlopCounterMode

from models.card import PaintingCard, PhotosCard, StyleCard
from models.catalog import Style, read_style
from models.registry import build, default_options
from nst_core.picture import Picture
from serve.engine import Engine
from serve.providers import ComputeOptions
from train.style.export import export_style

SIZES_PX = (512, 1024)
TARGETS = {"swift_seconds": {512: 0.045, 1024: 0.22}, "times_faster": {512: 8}, "swift_gflop_512": 12, "swift_mb": 2}


def export(name: str, folder: Path) -> Style:
    """A style of a network's usual shape with random weights."""
    painting = PaintingCard(name, name, "nobody", "none", "none", "", {}, (0.5,) * 3, ((0.0,) * 3,) * 3)
    card = StyleCard(
        name=name, title=name, paintings=(painting,), network=name, network_options=default_options(name), size_px=512,
        brush_size=1.0, losses={}, loss_network="", loss_network_sha256="", photos=PhotosCard(0, ""), steps=0,
        seconds=0.0, hardware={}, provenance={}, seed=0, figures={}, created="",
    )  # fmt: skip
    path = folder / f"{name}.onnx"
    export_style(build(name), card, path)
    return read_style(path)


def gflop(name: str, size: int) -> float:
    """Multiplications and additions of one picture, counted without computing anything."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        build(name)(torch.empty(1, 3, size, size), torch.empty(1), torch.empty(1, 1))
    return counter.get_total_flops() / 1e9


def session(style: Style, size: int, threads: int) -> Callable[[], object]:
    """Paints a picture through ONNX Runtime alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    network = onnxruntime.InferenceSession(style.path, options, providers=["CPUExecutionProvider"])
    photo = np.random.default_rng(0).random((1, 3, size, size), np.float32)
    return lambda: network.run(None, {"photo": photo, "strength": np.ones(1, np.float32)})


def measure(styles: dict[str, Style], size: int, threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """The median seconds of `session` and of `engine` for each network."""
    engine = Engine(ComputeOptions("cpu", threads))
    picture = Picture(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8))
    ways = {(name, "session"): session(style, size, threads) for name, style in styles.items()}
    ways |= {(name, "engine"): lambda style=style: engine.stylize(picture, style) for name, style in styles.items()}
    medians = median_seconds(ways, rounds)
    return {name: {way: round(medians[name, way], 4) for way in ("session", "engine")} for name in styles}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    names = ("swift", "johnson")
    with tempfile.TemporaryDirectory() as folder:
        styles = {name: export(name, Path(folder)) for name in names}
        megabytes = {name: round(style.path.stat().st_size / 1e6, 2) for name, style in styles.items()}
        measured = {size: measure(styles, size, options.threads, options.rounds) for size in SIZES_PX}
    figures = {
        "threads": options.threads,
        "rounds": options.rounds,
        "seconds": measured,
        "times_faster": {
            size: {way: round(found["johnson"][way] / found["swift"][way], 1) for way in found["swift"]}
            for size, found in measured.items()
        },
        "gflop": {size: {name: round(gflop(name, size), 2) for name in names} for size in SIZES_PX},
        "mb": megabytes,
        "targets": TARGETS,
    }
    record("apply", figures)


if __name__ == "__main__":
    run(main)
