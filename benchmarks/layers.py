"""Seconds and peak memory of laying a 12-megapixel photo and 8 renders of it out in layers.

    impasto bench layers

The photo is scikit-image's astronaut, enlarged and with noise, and the renders are it in other colors, smoothed and
ruled with strokes: what it shows matters little to the time, that all is as hard to pack as a photo does. The peak is
that of the whole process, as the kernel counted it.

Takes: 2 minutes.
Needs: the extra `studio`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage.data
from harness import argument_parser, record, run, run_apart
from PIL import Image, ImageFilter

MASKS = ("white", "saliency")


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--renders", type=int, default=8)
    options = parser.parse_args()
    figures: dict[str, object] = {"pixels": options.width * options.height, "renders": options.renders}
    with tempfile.TemporaryDirectory() as folder:
        photo, *renders = _pictures(Path(folder), options.width, options.height, options.renders)
        for suffix in ("psd", "ora"):
            for masks in MASKS if suffix == "psd" else MASKS[:1]:
                out = Path(folder) / f"layers.{suffix}"
                command = ["layers", photo, *renders, "-o", out, "--masks", masks]
                done = run_apart("-m", "impasto.main", *command)
                figures[f"{suffix}_{masks}"] = {
                    "seconds": round(done.seconds, 1),
                    "peak_gb": round(done.peak_bytes / 1e9, 3),
                    "file_mb": round(out.stat().st_size / 1e6),
                }
    record("layers", figures)


def _pictures(folder: Path, width: int, height: int, renders: int) -> Sequence[Path]:
    """The photo and its renders, as files."""
    image = Image.fromarray(skimage.data.astronaut()).resize((width, height), Image.Resampling.BICUBIC)
    random = np.random.default_rng(0)
    grain = random.integers(-6, 7, (height, width, 1), np.int16)
    rows = np.arange(height)[:, None, None]
    paths = [folder / "photo.jpg"]
    Image.fromarray(_levels(np.asarray(image) + grain)).save(paths[0], quality=92)
    for number in range(renders):
        paths.append(folder / f"photo-style_{number}.png")
        smooth = np.asarray(image.filter(ImageFilter.BoxBlur(2 + 3 * number)))
        strokes = 20 * np.sin(rows / (3 + 2 * number)).astype(np.float32)
        painted = np.roll(smooth, number, axis=2) + strokes + grain
        Image.fromarray(_levels(painted)).save(paths[-1], compress_level=1)
    return paths


def _levels(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    run(main)
