"""Woodcut: a valley in black and cream, engraved lines following every form."""

from copy import copy

import numpy as np
from PIL import Image

from draw.noise import Floats, as_image, grid, mix, noise, rgb, steepness, step, streaks

INK = rgb("17130f")
PAPER = rgb("f0e4c6")
SUN = (0.66, 0.235)


class Plate:
    """What has been cut so far: how black each pixel prints, 0 to 1."""

    def __init__(self, height: int, width: int, rng: np.random.Generator) -> None:
        self.y, self.x = grid(height, width, width)
        self.pixel = 1 / width
        self.black = np.zeros((height, width), np.float32)
        self.waver = noise(height, width, width / 22, rng, 3)
        self.fine = noise(height, width, width / 90, rng, 2)

    def around(self, x: float, y: float, reach: float) -> "Plate":
        """The part of the plate within `reach` of a point, to be cut without going over the rest."""
        rows, columns = (
            slice(
                np.clip(int((at - reach) / self.pixel), 0, end - 2),
                np.clip(int((at + reach) / self.pixel) + 2, 2, end),
            )
            for at, end in zip((y, x), self.x.shape, strict=True)
        )
        part = copy(self)
        for name in ("x", "y", "black", "waver", "fine"):
            setattr(part, name, getattr(self, name)[rows, columns])
        return part

    def engrave(self, region: Floats, phase: Floats, tone: Floats) -> None:
        """Cuts a region: one line for each whole number of `phase`, as thick as `tone` (0 to 1) is dark."""
        phase = phase + 0.09 * self.waver + 0.035 * self.fine
        off = np.abs(phase - np.round(phase)) * 2
        tone = tone + 0.05 * self.fine
        slope = steepness(phase) * 2 + 1e-6
        lines = np.clip((tone - off) / slope * 0.7 + 0.5, 0, 1)
        lines = np.where(tone < 0.07, 0, np.where(tone > 0.95, 1, lines))
        self.black[:] = self.black * (1 - region) + lines * region

    def inside(self, distance: Floats) -> Floats:
        """1 where `distance` is positive, with a smooth edge one pixel wide."""
        slope = steepness(distance) + 1e-9
        return np.clip(distance / slope + 0.5, 0, 1)

    def outline(self, distance: Floats, width: float) -> None:
        """Prints the line where `distance` is 0."""
        slope = steepness(distance) / self.pixel + 1e-9
        wide = width * (1 + 0.35 * self.waver)
        self.black[:] = np.maximum(self.black, self.inside(wide - np.abs(distance / slope)))


def cut_sky(plate: Plate) -> None:
    """A sun, its rays, and clouds that roll across them."""
    x, y = plate.x, plate.y
    dx, dy = x - SUN[0], y - SUN[1]
    distance, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    rays = angle * 96 / (2 * np.pi)
    long_rays = 0.5 + 0.5 * np.cos(angle * 24)
    tone = np.clip(0.1 + 1.15 * (distance - 0.1) + 0.28 * long_rays * step(0.08, 0.3, distance), 0.03, 0.86)
    plate.engrave(np.ones_like(x), np.where(distance > 0.0, rays, 0), tone)
    ring = plate.inside(0.105 - distance)
    plate.engrave(ring, distance * 90, np.full_like(x, 0.3))
    plate.engrave(plate.inside(0.075 - distance), distance * 90, np.zeros_like(x))
    plate.outline(0.075 - distance, 0.0022)


def cut_cloud(plate: Plate, cx: float, cy: float, size: float, rng: np.random.Generator) -> None:
    """A bank of round puffs, each shaded along its own rim."""
    puffs: list[tuple[float, float, float]] = []
    for t in np.linspace(-1, 1, 7):
        swell = 1 - 0.7 * t * t
        puffs.append((cx + size * t, cy - size * rng.uniform(0.0, 0.3) * swell, size * rng.uniform(0.3, 0.45) * swell))
    floor = cy + 0.03 * size
    for px, py, radius in sorted(puffs, key=lambda puff: puff[1]):
        part = plate.around(px, py, 1.2 * radius)
        dx, dy = part.x - px, part.y - py
        d = np.hypot(dx, dy * 1.1)
        inside = part.inside(radius - d) * part.inside(floor - part.y)
        sun_x, sun_y = SUN[0] - px, SUN[1] - py
        lit = (dx * sun_x + dy * sun_y) / (radius * np.hypot(sun_x, sun_y))
        tone = 0.85 * step(0.5, 1.0, d / radius) * step(0.0, 0.7, 0.35 - lit)
        part.engrave(inside, d * 130, tone)
        part.outline(np.maximum(d - radius, part.y - floor), 0.0016)


def cut_hill(plate: Plate, ridge: Floats, lean: float, fine: float, dark: float, seed: float) -> None:
    """One hill below `ridge`, its lines running down its flanks, dark in its folds."""
    x, y = plate.x, plate.y
    below = y - ridge
    inside = plate.inside(below)
    fold = np.sin(x * 17 + seed + 5 * below) + 0.5 * np.sin(x * 41 + 2 * seed - 9 * below)
    run = (
        x + lean * below + 0.016 * fold * step(0, 0.12, below) + 0.5 * below * np.gradient(ridge, axis=1) / plate.pixel
    )
    tone = dark + 0.42 * fold * 0.6 + 0.9 * np.clip(below, 0, 0.4) - 0.5 * step(0.025, 0.0, below)
    plate.engrave(inside, run * fine, np.clip(tone, 0.02, 0.97))
    plate.outline(below, 0.002)


def cut_field(plate: Plate, edge: Floats) -> None:
    """Furrows that meet far away, and a river across them."""
    x, y = plate.x, plate.y
    inside = plate.inside(y - edge)
    depth = np.maximum(y - edge, 0)
    spread = (x - 0.46) / (depth + 0.055)
    strip = np.floor(spread * 0.75 + 0.12 * np.sin(9 * depth))
    tone = np.where(strip % 3 == 0, 0.2, np.where(strip % 3 == 1, 0.5, 0.74)) + 0.3 * depth
    cross = np.log(depth + 0.03) * 26 + 0.8 * np.sin(spread * 6)
    plate.engrave(inside, np.where(strip % 2 == 0, spread * 5.2, cross), np.clip(tone, 0.05, 0.93))
    plate.outline(y - edge, 0.0015)
    bend = 0.50 + 0.17 * np.sin(depth * 13 + 0.4) * (0.25 + 2.2 * depth)
    half = 0.012 + 0.33 * depth**1.3
    river = half - np.abs(x - bend)
    water = plate.inside(river) * inside
    glint = np.exp(-(((x - bend) / (half + 1e-4)) ** 2) * 3)
    ripple = np.sin(60 * x + 90 * depth) * 0.1
    plate.engrave(water, depth * 110 + 0.25 * np.sin(40 * x), np.clip(0.62 - 0.6 * glint + ripple, 0.03, 0.9))
    bank = np.where(depth > 0, river, np.float32(-1))
    plate.outline(bank, 0.0028)


def cut_tree(plate: Plate, x0: float, foot: float, tall: float, rng: np.random.Generator) -> None:
    """A tree of round tufts, black on the far side of the sun."""
    x, y = plate.x, plate.y
    trunk_width = tall * (0.035 + 0.05 * step(0.85, 1.05, (y - foot + tall) / tall))
    bend = x0 + 0.03 * tall * np.sin((y - foot) / tall * 5)
    trunk = np.minimum(trunk_width - np.abs(x - bend), np.minimum(foot - y, y - foot + 0.7 * tall))
    plate.engrave(
        plate.inside(trunk),
        (x - bend) * 260 + 3 * (y - foot),
        np.clip(0.7 - 6 * (x - bend) / tall, 0.2, 0.95),
    )
    plate.outline(trunk, 0.0015)
    tufts = [
        (
            x0 + tall * rng.normal(0, 0.15),
            foot - tall * rng.uniform(0.42, 0.98),
            tall * rng.uniform(0.09, 0.17),
        )
        for _ in range(26)
    ]
    toward = np.sign(SUN[0] - x0)
    for px, py, radius in sorted(tufts, key=lambda tuft: (tuft[0] - x0) * toward - 0.4 * tuft[1]):
        part = plate.around(px, py, 1.2 * radius)
        dx, dy = part.x - px, part.y - py
        angle = np.arctan2(dy, dx)
        d = np.hypot(dx, dy * 1.15) * (1 + 0.07 * np.sin(9 * angle + px * 90))
        lit = (toward * dx - 0.8 * dy) / radius
        part.engrave(part.inside(radius - d), angle * 5.5 + d * 75, np.clip(0.74 - 0.62 * lit, 0.05, 1.0))
        part.outline(radius - d, 0.0013)


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Cuts and prints it, `long_side` pixels wide."""
    size = (long_side, round(long_side * 0.75))
    w, h = size[0] * 2, size[1] * 2
    plate = Plate(h, w, rng)
    x = plate.x
    cut_sky(plate)
    for cx, cy, scale in ((0.36, 0.16, 0.13), (0.95, 0.19, 0.12), (0.33, 0.05, 0.07)):
        cut_cloud(plate, cx, cy, scale, rng)
    cut_hill(
        plate,
        0.36 - 0.09 * np.abs(np.sin(5.2 * x + 0.3)) ** 1.6 + 0.012 * np.sin(31 * x),
        0.5,
        130,
        0.22,
        0.0,
    )
    cut_hill(plate, 0.385 - 0.065 * np.sin(4.1 * x + 2.6), -0.6, 105, 0.36, 1.7)
    cut_hill(plate, 0.43 + 0.05 * np.sin(5.3 * x + 0.4), 0.7, 84, 0.48, 4.1)
    cut_field(plate, (0.475 + 0.02 * np.sin(3 * x + 1)).astype(np.float32))
    for x0, foot, tall in (
        (0.79, 0.50, 0.07),
        (0.85, 0.505, 0.085),
        (0.335, 0.5, 0.075),
        (0.28, 0.52, 0.1),
        (0.92, 0.6, 0.26),
        (0.09, 0.69, 0.5),
    ):
        cut_tree(plate, x0, foot, tall, rng)
    grain = streaks(h, w, 0.2 * w, 0.003 * w, rng)
    bare = step(2.3, 3.0, 0.7 * grain + noise(h, w, 0.003 * w, rng, 2))
    black = plate.black * (1 - 0.85 * bare)
    paper = PAPER * (1 + 0.018 * noise(h, w, 0.3 * w, rng, 6) + 0.012 * noise(h, w, 0.004 * w, rng, 2))[..., None]
    ink = INK * (1 + 0.25 * grain)[..., None]
    return as_image(mix(paper, ink, black)).resize(size, Image.Resampling.LANCZOS)
