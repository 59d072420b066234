"""Breaking waves in the manner of Japanese prints: flat blues, cream paper, foam like claws."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from draw.curves import flat, normals, resample, spline
from draw.noise import Floats, as_bytes, as_floats, as_image, grid, mix, noise, ramp, rgb, step, streaks

INK = rgb("14264f")
PRUSSIAN = rgb("1d3f7d")
MIDDLE = rgb("3f78ad")
PALE = rgb("9fc4cf")
FOAM = rgb("f6efdc")
PAPER = rgb("ecdfbf")

# A breaker of height 1, standing at the origin and falling to the right; y points up here.
BACK = [
    (-1.9, 0.0),
    (-1.2, 0.13),
    (-0.7, 0.42),
    (-0.3, 0.8),
    (0.08, 1.0),
    (0.42, 0.97),
    (0.66, 0.8),
    (0.72, 0.62),
]
FACE = [
    (1.7, 0.0),
    (1.0, 0.02),
    (0.45, 0.1),
    (0.16, 0.3),
    (0.1, 0.52),
    (0.24, 0.7),
    (0.48, 0.74),
    (0.72, 0.62),
]


@dataclass(frozen=True)
class Wave:
    """A breaker's foot (x, y) and height, in units of the width; `facing` -1 falls to the left."""

    x: float
    y: float
    height: float
    facing: int = 1


class Block:
    """The printing block: flat shapes in ink on paper, in units of the width."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.unit = image.width
        self.draw = ImageDraw.Draw(image)

    def fill(self, path: Floats, color: Floats) -> None:
        self.draw.polygon(flat(path * self.unit), fill=as_bytes(color))

    def line(self, path: Floats, width: Floats, color: Floats) -> None:
        """A line that swells and tapers: `width` at each point."""
        side = normals(path) * (width / 2)[:, None]
        self.fill(np.vstack([path + side, (path - side)[::-1]]), color)

    def spot(self, x: float, y: float, radius: float, color: Floats) -> None:
        box = [v * self.unit for v in (x - radius, y - radius, x + radius, y + radius)]
        self.draw.ellipse(box, fill=as_bytes(color))


def taper(count: int, width: float) -> Floats:
    """Widths that swell from a point and run out again."""
    return (width * np.sin(np.linspace(0.06, np.pi - 0.03, count)) ** 0.7).astype(np.float32)


def claw(at: Floats, heading: float, length: float, curl: float, depth: int, rng: np.random.Generator) -> list[Floats]:
    """A hooked finger of foam and the smaller ones that grow from it, as outlines."""
    n = 16
    turn = heading + curl * np.linspace(0, 1, n) ** 1.3
    steps = np.stack([np.cos(turn), np.sin(turn)], 1) * (length / n)
    path = (at + np.cumsum(steps, 0)).astype(np.float32)
    width = length * 0.46 * (1 - np.linspace(0, 1, n) ** 1.5) + length * 0.015
    side = normals(path) * (width / 2)[:, None]
    shapes: list[Floats] = [np.vstack([path + side, (path - side)[::-1]])]
    if depth:
        for share in (0.25, 0.55, 0.8):
            i = int(share * n)
            sign = -1 if curl > 0 else 1
            branch = turn[i] + sign * rng.uniform(0.5, 1.0)
            small = length * (0.62 - 0.3 * share) * rng.uniform(0.8, 1.1)
            shapes += claw(path[i], branch, small, curl * 1.15, depth - 1, rng)
    return shapes


def outset(shape: Floats, margin: float) -> Floats:
    """A finger's outline (its two sides end to end), wider by `margin` all around."""
    half = len(shape) // 2
    left, right = shape[:half], shape[half:][::-1]
    across = left - right
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    tip = left[-1:] + (left[-1:] - left[-2:-1]) * margin * 1.5 / (np.linalg.norm(left[-1] - left[-2]) + 1e-9)
    return np.vstack([left + across * margin, tip, (right - across * margin)[::-1]])


def foam(block: Block, lip: Floats, wave: Wave, rng: np.random.Generator) -> None:
    """Scalloped foam along the crest, claws where it falls, spray before it."""
    n, size = len(lip), wave.height
    outward = -normals(lip) * wave.facing
    share = np.linspace(0, 1, n)
    puffs: list[tuple[float, float, float]] = []
    for i in rng.integers(0, n, 170):
        thick = 0.35 + 0.65 * np.sin(2.6 * share[i])
        x, y = lip[i] - outward[i] * size * rng.uniform(-0.01, 0.08) * thick
        puffs.append((float(x), float(y), float(size * rng.uniform(0.022, 0.05) * thick)))
    edge = 0.0018 + 0.003 * size
    for i in range(int(0.2 * n), n, max(1, n // 26)):
        along = lip[min(i + 3, n - 1)] - lip[i - 3]
        along = along / np.linalg.norm(along)
        toward = along * (0.25 + 1.1 * share[i]) - outward[i] * (1.15 - 0.6 * share[i])
        length = size * (0.09 + 0.15 * share[i]) * rng.uniform(0.75, 1.25)
        root = lip[i] - outward[i] * 0.05 * size * share[i]
        curl = -wave.facing * rng.uniform(0.9, 1.9) * (1 if rng.random() < 0.8 else -1)
        fingers = claw(root, float(np.arctan2(toward[1], toward[0])), length, curl, 2, rng)
        for finger in fingers:
            block.fill(outset(finger, edge), INK)
        for finger in fingers:
            block.fill(finger, FOAM)
    for x, y, radius in puffs:
        block.spot(x, y, radius + edge, INK)
    for x, y, radius in puffs:
        block.spot(x, y, radius, FOAM)
    for x, y, radius in puffs[::2]:
        arc = np.linspace(0.3, 2.2, 8) + rng.uniform(0, 6)
        ring = np.stack([x + 0.62 * radius * np.cos(arc), y + 0.62 * radius * np.sin(arc)], 1).astype(np.float32)
        block.line(ring, taper(8, 0.0035), PALE if rng.random() < 0.6 else MIDDLE)
    for _ in range(int(90 * size / 0.3)):
        i = int(n * rng.uniform(0.3, 1))
        away = rng.exponential(0.13) * size + 0.08 * size
        x, y = lip[i] + outward[i] * away + rng.normal(0, 0.07 * size, 2)
        block.spot(x, y, rng.uniform(0.0012, 0.0042), FOAM)


def breaker(block: Block, wave: Wave, rng: np.random.Generator) -> None:
    """One breaking wave: its body, the bands of blue that rise along its face, its foam."""
    scale = np.array([wave.facing * wave.height, -wave.height], np.float32)
    place = np.array([wave.x, wave.y], np.float32)
    bend = rng.normal(0, 0.011, (2, 8, 2)) * [[[1], [1], [1], [1], [1], [1], [0], [0]]]
    back = spline(np.array(BACK) + bend[0], 160) * scale + place
    face = spline(np.array(FACE) + bend[1], 160) * scale + place
    body = np.vstack([back, face[::-1]])
    block.fill(body, PRUSSIAN)
    block.line(back, np.full(160, 0.005, np.float32), INK)
    bands = 15
    for k in range(bands):
        t0 = (k + rng.uniform(0.0, 0.25)) / bands
        t1 = t0 + rng.uniform(0.4, 0.75) / bands
        first, last = sorted(rng.uniform(0, 1, 2) * [0.25, 1.0])
        span = slice(int(first * 60), int(160 - 50 * (1 - last) - 4))
        a = (face * (1 - t0) + back * t0)[span]
        b = (face * (1 - t1) + back * t1)[span]
        swell = np.sin(np.linspace(0, np.pi, len(a)))[:, None] ** 0.6
        color = (FOAM, PALE, MIDDLE, PALE, INK)[k % 5]
        block.fill(np.vstack([a, (a + (b - a) * swell)[::-1]]), color)
    block.line(face, taper(160, 0.006), INK)
    foam(block, resample(back[88:], 120), wave, rng)


def swell(block: Block, level: float, height: float, waves: float, rng: np.random.Generator) -> None:
    """A rolling sea from edge to edge below `level`, with bands that follow it."""
    x = np.linspace(-0.05, 1.05, 240, dtype=np.float32)
    shift = rng.uniform(0, 6)
    roll = np.sin(waves * x + shift) + 0.35 * np.sin(2.3 * waves * x + 2 * shift)
    crest = np.stack([x, level - height * roll], 1).astype(np.float32)
    foot = np.array([[1.05, 1.2], [-0.05, 1.2]], np.float32)
    block.fill(np.vstack([crest, foot]), PRUSSIAN)
    for k in range(12):
        down = height * (0.25 + 0.42 * k) + 0.004
        ride = np.stack([x, level + down - height * roll * 0.93**k], 1).astype(np.float32)
        a = 0
        while a < 220:
            b = min(239, a + int(rng.uniform(25, 90)))
            part = ride[a:b]
            if len(part) > 8:
                color = (PALE, FOAM, MIDDLE, INK)[rng.integers(4)]
                block.line(part, taper(len(part), height * rng.uniform(0.12, 0.3)), color)
            a = b + int(rng.uniform(2, 14))
    block.line(crest, np.full(240, 0.0045, np.float32), INK)


def sky(height: int, width: int, rng: np.random.Generator) -> Image.Image:
    """Paper that darkens upward, a red sun, bands of cloud."""
    y, x = grid(height, width, width)
    color = ramp(rgb("7f8f96", "cbbf9f", "ecdfbf", "f1dcae", "e9b98a"), np.clip(y / 0.62, 0, 1))
    disc = step(0.072, 0.0708, np.hypot(x - 0.50, y - 0.375))
    red = ramp(rgb("d2432a", "c2321f", "e0693f"), np.clip((y - 0.30) / 0.15, 0, 1))
    color = mix(color, red, disc)
    image = as_image(color)
    block = Block(image)
    for level, start, stop in (
        (0.10, 0.4, 1.1),
        (0.135, 0.62, 0.95),
        (0.27, 0.55, 1.1),
        (0.30, 0.74, 1.1),
        (0.06, -0.1, 0.3),
    ):
        run = np.linspace(start, stop, 80, dtype=np.float32)
        wave = np.stack([run, level + 0.006 * np.sin(17 * run + 40 * level)], 1).astype(np.float32)
        block.line(wave, taper(80, 0.02), rgb("f4ead0"))
        block.line(wave + np.array([0.0, 0.011]), taper(80, 0.003), rgb("8d8a86"))
    return image


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Paints it, `long_side` pixels wide."""
    size = (long_side, round(long_side * 0.72))
    w, h = size[0] * 3, size[1] * 3
    image = sky(h, w, rng)
    block = Block(image)
    swell(block, 0.47, 0.010, 21, rng)
    breaker(block, Wave(0.90, 0.56, 0.20, -1), rng)
    swell(block, 0.545, 0.016, 13, rng)
    breaker(block, Wave(0.30, 0.66, 0.54), rng)
    swell(block, 0.62, 0.020, 9, rng)
    breaker(block, Wave(0.80, 0.76, 0.26, -1), rng)
    breaker(block, Wave(0.10, 0.78, 0.22), rng)
    swell(block, 0.70, 0.022, 8, rng)
    pixels = as_floats(image)
    grain = streaks(h, w, 0.12 * w, 0.0035 * w, rng) + 0.5 * streaks(h, w, 0.05 * w, 0.0015 * w, rng)
    fiber = noise(h, w, 0.006 * w, rng, 3)
    ink = 1 - pixels.mean(-1)
    pixels = pixels * (1 + (0.006 + 0.05 * ink) * grain + 0.022 * fiber)[..., None]
    worn = step(1.9, 2.8, fiber + 0.5 * grain) * 0.55
    return as_image(mix(pixels, PAPER, worn)).resize(size, Image.Resampling.LANCZOS)
