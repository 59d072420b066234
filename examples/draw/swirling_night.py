"""Impasto strokes that follow a swirling wind: deep blues against yellow and orange."""

import numpy as np
from PIL import Image

from draw.brush import Canvas, trace
from draw.noise import Floats, grid, mix, noise, ramp, rgb, step

# x, y, radius and turn of each whirl, in units of the long side.
WHIRLS = (
    (0.76, 0.19, 0.105, 1.0),
    (0.36, 0.30, 0.15, -1.0),
    (0.12, 0.13, 0.06, 1.0),
    (0.56, 0.10, 0.045, 1.0),
    (0.93, 0.40, 0.05, -1.0),
    (0.17, 0.42, 0.04, 1.0),
)
NIGHT = rgb("070d33", "10216b", "1c42a0", "2f6cc0", "6fa8d6")
LIGHT = rgb("fff6bf", "ffdf5a", "f8a81c", "e0661a")
FIELD = rgb("5a2a0e", "b8600f", "e59a1b", "f7cf4c", "fdeea0")


def wind(y: Floats, x: Floats, ridge: Floats, rng: np.random.Generator) -> Floats:
    """Direction of the strokes at each pixel in radians."""
    h, w = x.shape
    bend = noise(h, w, w / 3.5, rng, 2)
    u = np.ones_like(x)
    v = 0.35 * np.sin(x * 9 + 1) + 0.3 * bend
    for cx, cy, radius, turn in WHIRLS:
        dx, dy = x - cx, y - cy
        distance = np.hypot(dx, dy) + 1e-4
        pull = 5.0 * np.exp(-((distance / (1.5 * radius)) ** 2)) * turn / distance
        u, v = u - dy * pull, v + dx * pull
    sky = np.arctan2(v, u)
    slope = np.arctan2(np.gradient(ridge[0]), 1 / w).astype(np.float32)
    depth = np.clip(y - ridge, 0, 1)
    earth = slope[None, :] * np.exp(-depth * 6) + 0.5 * np.sin(x * 7 + depth * 14) - 0.9 * step(0.08, 0.3, depth)
    return np.where(y < ridge, sky, earth)


def design(y: Floats, x: Floats, ridge: Floats, rng: np.random.Generator) -> Floats:
    """The colors the strokes take up, (height, width, 3)."""
    h, w = x.shape
    tone = 0.42 + 0.17 * noise(h, w, w / 4, rng, 3) + 0.2 * np.sin(14 * y + 5 * np.sin(5 * x))
    color = ramp(NIGHT, np.clip(tone - 0.25 * step(0.25, 0.0, y), 0, 1))
    band = np.exp(-(((y - 0.47 - 0.035 * np.sin(8 * x)) / 0.035) ** 2))
    color = mix(color, rgb("c8dfc4"), 0.75 * band)
    for cx, cy, radius, turn in WHIRLS:
        distance = np.hypot(x - cx, y - cy) / radius
        around = np.arctan2(y - cy, x - cx) * turn
        arms = 0.5 + 0.5 * np.sin(2 * around - 11 * np.sqrt(distance))
        halo = np.exp(-((distance / 2.1) ** 2)) * (0.4 + 0.6 * arms)
        color = mix(color, rgb("5fb0c4"), 0.75 * step(0.25, 0.6, halo))
        # A sharp edge, since orange blended into blue would be mud.
        glow = np.exp(-((distance / 1.5) ** 2)) * (0.35 + 0.65 * np.maximum(arms, step(0.65, 0.4, distance)))
        color = mix(color, ramp(LIGHT, np.clip(distance * 0.8 - 0.1, 0, 1)), step(0.36, 0.46, glow))
    depth = np.clip((y - ridge) / 0.3, 0, 1)
    furrows = 0.5 + 0.5 * np.sin(34 * (x * 0.8 + y) + 6 * np.sin(5 * x))
    field = ramp(FIELD, np.clip(0.25 + 0.5 * furrows + 0.16 * noise(h, w, w / 6, rng, 3) + 0.1 * depth, 0, 1))
    shade = step(0.62, 0.95, 0.5 + 0.5 * np.sin(11 * x - 17 * y + 2)) * step(0.05, 0.3, depth)
    field = mix(field, rgb("1b3a6b"), 0.8 * shade)
    hill = ramp(rgb("0a1238", "123a5e", "1d6a63"), np.clip(0.5 + 0.35 * np.sin(60 * (y - ridge) + 9 * x), 0, 1))
    earth = mix(hill, field, step(0.16, 0.22, depth + 0.06 * np.sin(7 * x)))
    return np.where((y < ridge)[..., None], color, earth)


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Paints it, `long_side` pixels wide."""
    size = (long_side, round(long_side * 0.8))
    w, h = size[0] * 2, size[1] * 2
    unit = w / 768
    y, x = grid(h, w, w)
    ridge = 0.535 + 0.035 * np.sin(x * 5.5 + 0.6) + 0.018 * np.sin(x * 13)
    angle = wind(y, x, ridge, rng)
    colors = design(y, x, ridge, rng)
    canvas = Canvas((w, h), NIGHT[2])
    accents = rgb("f28c1c", "ffd84a", "14309a", "0c1650", "7fc2c9", "d8efe0")
    # The brush gets finer; the last pass leaves gaps, so that the broad strokes show.
    for brush, length, coverage in ((20, 85, 2.4), (11, 62, 2.2), (6.5, 40, 1.3)):
        count = int(768 * 614 * coverage / (brush * length))
        starts = (rng.random((count, 2)) * (w, h)).astype(np.float32)
        lengths = (unit * length * rng.uniform(0.6, 1.3, count)).astype(np.float32)
        paths = trace(angle, starts, lengths, 7)
        picked = colors[starts[:, 1].astype(int), starts[:, 0].astype(int)]
        for path, color in zip(paths, picked, strict=True):
            shade = color * rng.normal(1, 0.14) + rng.normal(0, 0.025, 3)
            if rng.random() < 0.04:
                shade = mix(shade, accents[rng.integers(len(accents))], 0.6)
            canvas.stroke(path, unit * brush * rng.uniform(0.7, 1.15), shade, rng, bristle=1.45 * unit)
    for cx, cy, radius, _ in WHIRLS:
        # No stroke turns this tightly by itself: the middle of a light is laid in rings.
        for share in np.linspace(0.42, 0.0, 60):
            turn = rng.uniform(0, 2 * np.pi) + np.linspace(0, 0.9, 6)
            ring = np.stack([np.cos(turn), np.sin(turn)], 1) * max(share, 0.03) * radius * w
            color = ramp(LIGHT, float(max(0.0, share - 0.08 + rng.normal(0, 0.06))))
            path = (np.array([cx * w, cy * w]) + ring).astype(np.float32)
            canvas.stroke(path, 0.13 * radius * w, color, rng, bristle=1.45 * unit)
    return canvas.lit(size, relief=1.5)
