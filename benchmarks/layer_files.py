"""What it takes to write a stack of layers as a Photoshop and an OpenRaster file, and to add a render to each.

    impasto bench layer_files

Twelve pictures in layers with masks, four of them blended, and an empty layer, as `impasto layers` stacks them. The
stack lies in memory before the clock starts; the peak is that of the whole program. The file is read again by
psd-tools, and what it composes of the layers is compared with the picture that was written.

Takes: 3 minutes.
Needs: the extra `studio`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from harness import argument_parser, record, run, run_apart, seconds
from PIL import Image

from studio.layers.composite import composite
from studio.layers.documents import update_document, write_stack
from studio.layers.stack import Blend, Group, Layer, Stack

PICTURES, PHOTOS = 12, ("astronaut", "coffee", "chelsea", "rocket")
FINISHING: tuple[Blend, ...] = ("soft_light", "overlay", "luminosity", "screen")


def picture(seed: int, width: int, height: int) -> np.ndarray:
    """A photo of that size with grain, as a camera's, on which run lengths save little."""
    rng = np.random.default_rng(seed)
    photo = Image.fromarray(getattr(skimage.data, PHOTOS[seed % len(PHOTOS)])()).resize((width, height))
    grain = rng.integers(-3, 4, (height, width, 3), np.int16)
    return np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8)


def stack_of(width: int, height: int) -> Stack:
    """Photo, base, six renders, four finishing layers, and an empty one."""
    ramp = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8), (height, width))
    layers = [Layer(f"layer {seed}", picture(seed, width, height), mask=ramp) for seed in range(PICTURES)]
    finishing = [
        Layer(layer.name, layer.pixels, mask=ramp, blend=blend)
        for layer, blend in zip(layers[-len(FINISHING) :], FINISHING, strict=True)
    ]
    renders = Group("Renders", layers[2 : -len(FINISHING)])
    clear = np.broadcast_to(np.uint8(0), (height, width))
    details = Layer("Details", np.broadcast_to(np.uint8(0), (height, width, 3)), alpha=clear)
    return Stack(
        width, height, [Layer("Photo", layers[0].pixels), layers[1], renders, Group("Finishing", finishing), details]
    )


def write_here(path: Path, width: int, height: int) -> dict[str, float]:
    stack = stack_of(width, height)
    took = seconds(lambda: write_stack(stack, path))
    shown = seconds(lambda: composite(stack))
    return {
        "seconds": round(took, 1),
        "of_that_composing": round(shown, 1),
        "megabytes": path.stat().st_size / 1e6 // 1,
    }


def update_here(path: Path, width: int, height: int) -> dict[str, float]:
    render = Layer(
        "new", picture(99, width, height), mask=np.broadcast_to(np.uint8(255), (height, width)), origin="9" * 64
    )
    return {"seconds": round(seconds(lambda: update_document(path, [render], "Renders")), 1)}


def compare_here(path: Path, width: int, height: int) -> dict[str, float]:
    from psd_tools import PSDImage

    again = np.asarray(PSDImage.open(path).composite(ignore_preview=True, apply_icc=False).convert("RGB"))
    with Image.open(path) as merged:
        off = np.abs(np.asarray(merged).astype(np.int16) - again)
    return {"most_levels_off": int(off.max())}


PARTS = {"write": write_here, "compare": compare_here, "update": update_here}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--width", type=int, default=4000, help="pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=3000, help="pixels (default: %(default)s)")
    parser.add_argument("--apart", nargs=2, metavar=("PART", "FILE"), help="only this part, for the benchmark itself")
    options = parser.parse_args()
    size = options.width, options.height
    if options.apart:
        part, path = options.apart
        print(json.dumps(PARTS[part](Path(path), *size)))
        return
    figures: dict[str, Any] = {"size_px": size, "layers": PICTURES + 1}
    with tempfile.TemporaryDirectory() as folder:
        for suffix, parts in (("psd", ("write", "compare", "update")), ("ora", ("write", "update"))):
            for part in parts:
                path = Path(folder) / f"painting.{suffix}"
                words = ["--apart", part, str(path), "--width", str(size[0]), "--height", str(size[1])]
                done = run_apart(__file__, *words)
                found = json.loads(done.output.splitlines()[-1])
                figures[f"{suffix}_{part}"] = {**found, "peak_gb": round(done.peak_bytes / 1e9, 2)}
    record("layer_files", figures)


if __name__ == "__main__":
    run(main)
