"""Pointillism: a harbor at sundown in dots of pure color, each beside its complement."""

import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from draw.brush import Canvas
from draw.noise import Floats, grid, mix, noise, ramp, rgb, step

# The palette of the divisionists: pure hues, and each of them with white.
PALETTE = rgb(
    "fff3c4", "ffe25e", "fdb62b", "f3802b", "dc4a2c", "b3233f", "f2a48c", "f7cfb5", "e58fb0",
    "8e3f8f", "5a3a9c", "b9a3dc", "1e2a78", "2b57b5", "6d9fe0", "bcd8f0", "1f8fa6", "7fd0c4",
    "0f6b4f", "3fa34d", "9fcf4f", "dfe88a", "12243f", "3b1f3f",
)  # fmt: skip


def design(y: Floats, x: Floats, rng: np.random.Generator) -> Floats:
    """What the dots stand for, (height, width, 3)."""
    h, w = x.shape
    sun = np.hypot(x - 0.63, (y - 0.335) * 1.05)
    sky = ramp(rgb("fff6c8", "ffd75a", "f9a24a", "e58fa0", "9a8fd6", "5c86d8", "3f62b8"), np.clip(sun * 1.45, 0, 1))
    cloud = step(0.55, 1.3, noise(h, w, 0.3 * w, rng, 3) + 1.4 * np.sin(28 * y + 3 * np.sin(4 * x)) - 2.5 * y)
    color = mix(sky, ramp(rgb("f7cfb5", "f2a48c", "b9a3dc", "8e7fc9"), np.clip(sun * 1.6, 0, 1)), 0.8 * cloud)
    color = mix(color, rgb("fffbe0"), step(0.07, 0.05, sun))
    hills = 0.375 - 0.05 * np.exp(-(((x - 0.25) / 0.16) ** 2)) - 0.06 * np.exp(-(((x - 0.95) / 0.13) ** 2))
    hills += 0.004 * np.sin(60 * x)
    color = np.where((y > hills)[..., None], ramp(rgb("7f86d0", "4a3f9c"), np.clip((y - hills) / 0.06, 0, 1)), color)
    shore = 0.415
    depth = np.clip((y - shore) / 0.27, 0, 1)
    water = ramp(rgb("a8c8ea", "4f8fd0", "2b57b5", "1e2a78"), np.clip(depth + 0.1 * noise(h, w, 0.1 * w, rng, 2), 0, 1))
    ripple = np.sin(150 * np.maximum(y - shore, 0) ** 0.8 + 6 * np.sin(11 * x) + 2 * noise(h, w, 0.08 * w, rng, 2))
    path = np.exp(-(((x - 0.63 - 0.015 * ripple) / (0.035 + 0.11 * depth)) ** 2))
    water = mix(
        water,
        ramp(rgb("fff3c4", "fdb62b", "f3802b"), depth),
        np.clip(1.3 * path - 0.25 + 0.35 * ripple * path, 0, 1),
    )
    water = mix(water, rgb("f2a48c"), 0.45 * step(0.75, 1.0, ripple))
    color = np.where((y > shore)[..., None], water, color)
    for at, foot, tall, hue in (
        (0.36, 0.475, 0.17, "b3233f"),
        (0.43, 0.455, 0.11, "f7cfb5"),
        (0.80, 0.50, 0.21, "dc4a2c"),
        (0.53, 0.44, 0.07, "fff3c4"),
    ):
        up = (foot - y) / tall
        sail = (
            (up > 0.06)
            & (up < 1)
            & (x - at < 0.42 * tall * (1 - up))
            & (x - at > -0.17 * tall * np.clip(1 - up, 0, 1) ** 1.5)
        )
        shaded = mix(rgb(hue), rgb("5a3a9c"), 0.5 * step(-0.02, 0.12, (x - at) / tall))
        color = np.where(sail[..., None], shaded, color)
        hull = (np.abs(x - at - 0.03 * tall) < 0.36 * tall - 0.5 * np.clip(y - foot + 0.02, 0, 1)) & (np.abs(up) < 0.06)
        color = np.where(hull[..., None], rgb("12243f"), color)
        mirror = (up < -0.07) & (up > -0.75) & (np.abs(x - at - 0.05 * tall + 0.01 * ripple) < 0.24 * tall * (1 + up))
        color = mix(color, mix(rgb(hue), rgb("1e2a78"), 0.35), 0.75 * mirror.astype(np.float32))
    bank = 0.63 - 0.13 * step(0.5, -0.05, x) + 0.014 * np.sin(17 * x) + 0.008 * np.sin(43 * x)
    lawn = np.clip((y - bank) / 0.16, 0, 1)
    shadow = step(0.1, 0.5, np.sin(9 * x - 26 * y + 1.5) + 0.35 * noise(h, w, 0.07 * w, rng, 3))
    grass = mix(ramp(rgb("dfe88a", "9fcf4f", "3fa34d"), lawn), ramp(rgb("1f8fa6", "1e2a78"), lawn), 0.85 * shadow)
    color = np.where((y > bank)[..., None], grass, color)
    trunk = np.abs(x - 0.115 - 0.035 * np.sin(7 * y) - 0.02 * np.sin(19 * y)) < 0.017 + 0.02 * np.clip(y - 0.5, 0, 1)
    color = np.where(
        (trunk & (y > 0.1) & (y < 0.63))[..., None],
        mix(rgb("3b1f3f"), rgb("dc4a2c"), 0.6 * step(0.11, 0.14, x)),
        color,
    )
    crown = 0.55 * noise(h, w, 0.13 * w, rng, 4)
    leaves = crown + 3.6 - 10.5 * np.hypot(x - 0.06, (y - 0.08) * 1.35)
    lit = np.clip(0.5 + 0.35 * noise(h, w, 0.06 * w, rng, 3) + 1.6 * (x - 0.12) - 0.6 * (y - 0.1), 0, 1)
    foliage = ramp(rgb("12243f", "12243f", "0f6b4f", "3fa34d", "fdb62b"), lit)
    return np.where((leaves > 0.6)[..., None], foliage, color)


def divided(color: Floats, rng: np.random.Generator) -> Floats:
    """For each color (n, 3) a pigment near it, so that neighbors mix in the eye; some its complement."""
    target = rgb2lab(color)
    target = target + rng.normal(0, 1, target.shape) * [5, 11, 11]
    against = rng.random(len(color)) < 0.05
    target[against] *= [0.8, -0.9, -0.9]
    return PALETTE[np.linalg.norm(target[:, None] - rgb2lab(PALETTE)[None], axis=2).argmin(1)]


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Paints it, `long_side` pixels wide."""
    size = (long_side, round(long_side * 0.78))
    w, h = size[0] * 2, size[1] * 2
    unit = w / 768
    y, x = grid(h, w, w)
    colors = design(y, x, rng)
    canvas = Canvas((w, h), rgb("e9dcc0"))
    for pitch, radius in ((6.6, 4.6), (5.2, 2.9)):
        rows, columns = np.mgrid[0 : h / unit : pitch, 0 : w / unit : pitch]
        at = np.stack([columns.ravel(), rows.ravel()], 1) + rng.normal(0, 0.33 * pitch, (rows.size, 2))
        at = rng.permutation(at) * unit
        at = at[(at[:, 0] >= 0) & (at[:, 0] < w) & (at[:, 1] >= 0) & (at[:, 1] < h)]
        pigments = divided(colors[at[:, 1].astype(int), at[:, 0].astype(int)], rng)
        shades = pigments * rng.normal(1, 0.05, (len(at), 1))
        radii = radius * unit * rng.uniform(0.75, 1.15, len(at))
        for (px, py), r, shade in zip(at, radii, shades.astype(np.float32), strict=True):
            canvas.dab(float(px), float(py), float(r), shade)
    return canvas.lit(size, relief=1.1)
