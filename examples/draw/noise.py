"""Smooth noise and colors: what every painting starts from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating[Any]]


def noise(height: int, width: int, cell: float, rng: np.random.Generator, octaves: int = 4) -> Floats:
    """Smooth noise of mean 0 and standard deviation 1, shape (height, width); `cell` in pixels."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = cell / 2**octave
        if step < 1:
            break
        grid = rng.standard_normal((int(height / step) + 4, int(width / step) + 4)).astype(np.float32)
        box = (1, 1, 1 + width / step, 1 + height / step)
        smooth = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC, box=box)
        total += np.asarray(smooth) / 2**octave
    return (total - total.mean()) / (total.std() + 1e-6)


def streaks(height: int, width: int, length: float, thickness: float, rng: np.random.Generator) -> Floats:
    """Noise drawn out along the horizontal, as wood grain and paper fibers are; mean 0, deviation 1."""
    grid = rng.standard_normal((int(height / thickness) + 4, int(width / length) + 4)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / (smooth.std() + 1e-6)


def grid(height: int, width: int, unit: float) -> tuple[Floats, Floats]:
    """The y and x of every pixel's center, counted in drawing units of `unit` pixels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return (y + 0.5) / unit, (x + 0.5) / unit


def step(edge0: float, edge1: float, value: Floats) -> Floats:
    """0 up to `edge0`, 1 from `edge1` on, smooth between."""
    t = np.clip((value - edge0) / (edge1 - edge0), 0, 1)
    return t * t * (3 - 2 * t)


def steepness(field: Floats) -> Floats:
    """How much a map changes from one pixel to the next."""
    down, right = np.gradient(field)
    return np.hypot(down, right)


def rgb(*codes: str) -> Floats:
    """Colors in [0, 1] from codes such as 1d3b8b: shape (n, 3), or (3,) for one."""
    colors = np.array([[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in codes], np.float32)
    return colors[0] if len(codes) == 1 else colors


def mix(a: Floats, b: Floats, t: Floats | float) -> Floats:
    """From color `a` (t = 0) to color `b` (t = 1); `t` may be a map."""
    weight = np.asarray(t, np.float32)[..., None]
    return a * (1 - weight) + b * weight


def ramp(colors: Floats, t: Floats | float) -> Floats:
    """The color at `t` in [0, 1] along evenly spaced `colors` (n, 3)."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(t, stops, colors[:, i]) for i in range(3)], -1).astype(np.float32)


def as_bytes(color: Sequence[float] | Floats) -> tuple[int, int, int]:
    """A color in [0, 1] (clipped) as Pillow draws it."""
    r, g, b = (round(255 * min(max(float(c), 0.0), 1.0)) for c in color)
    return r, g, b


def as_image(pixels: Floats) -> Image.Image:
    """Pixels (height, width, 3) in [0, 1], clipped, as an RGB image."""
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def as_floats(image: Image.Image) -> Floats:
    """An image's pixels in [0, 1]."""
    return np.asarray(image, np.float32) / 255
