"""Mosaic: tesserae set in rows that follow the forms they fill, with grout between."""

import numpy as np
from PIL import Image, ImageDraw
from skimage.measure import find_contours

from draw.noise import Floats, as_bytes, as_floats, as_image, grid, mix, noise, ramp, rgb, step

GROUT = rgb("2b2622")
SCALE = 2  # The forms are drawn on a map of half the working size: rows need no finer one.

# Rays of color from rim to heart, one list for each kind of form.
DISC = rgb("7a1420", "c7331f", "f07f1c", "fbc02d", "fff0b0")
FAN = rgb("0a2a5c", "0f6d8f", "27b0a6", "a8dfc0", "f7efcf")
LEAF = rgb("06301f", "0e6b3c", "4fa63a", "b6d24a", "f2eaa0")
WAVE = rgb("0b1440", "16318f", "2a62c9", "63a8e6", "e4f0ee")
EARTH = rgb("3b1712", "8a3a1c", "c9742f", "e8b76a", "f8e8c4")


class Floor:
    """The setting bed: forms laid over one another, then tiles, none over another."""

    def __init__(self, width: int, height: int, unit: float) -> None:
        self.unit = unit
        self.y, self.x = grid(height // SCALE, width // SCALE, unit / SCALE)
        self.form = np.zeros(self.y.shape, np.int32)
        self.distances: list[Floats] = []
        self.palettes: list[tuple[Floats, float, float]] = []
        self.image = Image.new("RGB", (width, height), as_bytes(GROUT))
        self.taken = np.zeros((height, width), bool)

    def lay(self, distance: Floats, palette: Floats, period: float, shift: float = 0.0) -> None:
        """Lays a form where `distance` (in drawing units, from its rim inward) is positive.

        Its color runs through `palette` and back every `period` units inward.
        """
        self.form[distance > 0] = len(self.distances)
        self.distances.append(distance)
        self.palettes.append((palette, period, shift))

    def color(self, form: int, distance: float, rng: np.random.Generator) -> Floats:
        """A tile's color at its distance from the form's rim, as uneven as a handful of glass."""
        palette, period, shift = self.palettes[form]
        turn = (distance / period + shift) % 1
        t = np.clip(turn + rng.normal(0, 0.07), 0, 1)
        color = ramp(palette, float(t)) * rng.normal(1, 0.09) + rng.normal(0, 0.022, 3)
        return mix(color, rgb("f6d36a"), 0.8) if rng.random() < 0.025 else color

    def set_tile(
        self, x: float, y: float, angle: float, w: float, h: float, color: Floats, rng: np.random.Generator
    ) -> None:
        """Sets one tile (in drawing units), nipped where others lie; not at all if little of it is left."""
        u = self.unit
        cos, sin = np.cos(angle), np.sin(angle)
        corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2 * u + rng.normal(0, 0.045 * h * u, (4, 2))
        corners = corners @ np.array([[cos, sin], [-sin, cos]]) + (x * u, y * u)
        left, top = np.floor(corners.min(0)).astype(int) - 1
        right, bottom = np.ceil(corners.max(0)).astype(int) + 2
        if left < 0 or top < 0 or right > self.image.width or bottom > self.image.height:
            return
        mask = Image.new("L", (int(right - left), int(bottom - top)))
        draw = ImageDraw.Draw(mask)
        draw.polygon([(float(a - left), float(b - top)) for a, b in corners], fill=255)
        tile = np.asarray(mask) > 0
        window = (slice(top, bottom), slice(left, right))
        free = tile & ~self.taken[window]
        if free.sum() < 0.5 * tile.sum():
            return
        self.image.paste(as_bytes(color), (int(left), int(top)), Image.fromarray(free.astype(np.uint8) * 255))
        wider = Image.new("L", mask.size)
        grown = corners + (corners - corners.mean(0)) * (
            1.5 * u / np.linalg.norm(corners - corners.mean(0), axis=1, keepdims=True)
        )
        ImageDraw.Draw(wider).polygon([(float(a - left), float(b - top)) for a, b in grown], fill=255)
        self.taken[window] |= np.asarray(wider) > 0


def forms(floor: Floor, high: float, rng: np.random.Generator) -> None:
    """The garden: waves of ground, fans, discs and leaves."""
    x, y = floor.x, floor.y
    floor.lay(np.full_like(x, 1.0) * (y + 40 + 26 * np.sin(x / 90)), WAVE, 150, 0.1)
    floor.lay(y - 0.36 * high - 60 * np.sin(x / 130 + 0.5), FAN, 120, 0.0)
    floor.lay(y - 0.6 * high - 45 * np.sin(x / 105 + 2.5), EARTH, 95, 0.0)
    floor.lay(y - 0.8 * high + 38 * np.sin(x / 120 + 0.2), WAVE, 110, 0.0)
    for cx, cy, radius, palette, period in (
        (560, 150, 132, DISC, 66),
        (150, 240, 96, DISC, 96), (330, 88, 62, EARTH, 31), (420, 400, 112, FAN, 56),
        (90, 520, 84, LEAF, 84),
        (640, 560, 118, DISC, 59), (260, 640, 98, EARTH, 49), (470, 700, 62, FAN, 62),
        (700, 330, 60, LEAF, 30), (40, 70, 66, FAN, 33), (268, 330, 44, WAVE, 44),
    ):  # fmt: skip
        floor.lay(radius - np.hypot(x - cx, y - cy), palette, period)
    for cx, cy, long, lean in (
        (330, 230, 92, 0.7),
        (560, 470, 84, -0.6),
        (150, 400, 80, 2.3),
        (390, 560, 90, -0.3),
        (700, 700, 70, 0.9),
        (60, 690, 74, -1.0),
    ):
        along = (x - cx) * np.cos(lean) + (y - cy) * np.sin(lean)
        across = -(x - cx) * np.sin(lean) + (y - cy) * np.cos(lean)
        half = 0.36 * long * (1 - np.clip(np.abs(along) / long, 0, 1) ** 1.7)
        floor.lay(half - np.abs(across), LEAF, 26, 0.0)


def set_rows(floor: Floor, tile: float, rng: np.random.Generator) -> None:
    """Sets row after row inward from the rim of every form, the topmost forms first."""
    ratio = floor.unit / SCALE
    for form in reversed(range(len(floor.distances))):
        distance = np.where(floor.form == form, floor.distances[form], np.nan)
        for level in np.arange(tile * 0.55, np.nanmax(distance), tile):
            for line in find_contours(distance, float(level)):
                run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]) / ratio
                at = rng.uniform(0, 0.5) * tile
                while at < run[-1]:
                    length = tile * rng.uniform(0.75, 1.3)
                    ends = np.array([at, at + length])
                    (y0, y1), (x0, x1) = (np.interp(ends, run, line[:, k]) / ratio for k in (0, 1))
                    angle = float(np.arctan2(y1 - y0, x1 - x0))
                    color = floor.color(form, float(level), rng)
                    floor.set_tile(float(x0 + x1) / 2, float(y0 + y1) / 2, angle, length - 1.6, tile - 1.6, color, rng)
                    at += length


def fill_gaps(floor: Floor, tile: float, rng: np.random.Generator) -> None:
    """Sets nipped tiles wherever the rows left room."""
    h, w = len(floor.form), len(floor.form[0])
    for share in (0.85, 0.6, 0.42):
        for _ in range(9000):
            i, j = int(rng.integers(h)), int(rng.integers(w))
            if floor.taken[i * SCALE, j * SCALE]:
                continue
            form = int(floor.form[i, j])
            color = floor.color(form, float(floor.distances[form][i, j]), rng)
            size = tile * share
            floor.set_tile(j * SCALE / floor.unit, i * SCALE / floor.unit, rng.uniform(0, 3), size, size, color, rng)


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Lays it, a square of `long_side` pixels."""
    margin = 24
    unit = long_side * 2 / 768
    side = round((768 + 2 * margin) * unit / SCALE) * SCALE
    floor = Floor(side, side, unit)
    forms(floor, 768 + 2 * margin, rng)
    set_rows(floor, 13.0, rng)
    fill_gaps(floor, 13.0, rng)
    pixels = as_floats(floor.image)
    solid = (np.abs(pixels - GROUT).sum(-1) > 0.03).astype(np.float32)
    bevel = np.asarray(Image.fromarray(solid).resize((side, side)))
    for _ in range(max(1, round(1.2 * unit))):
        bevel = (
            bevel + np.roll(bevel, 1, 0) + np.roll(bevel, 1, 1) + np.roll(bevel, -1, 0) + np.roll(bevel, -1, 1)
        ) / 5
    down, right = np.gradient(bevel)
    cloudy = noise(side, side, 14 * unit, rng, 4)
    light = 1 + 0.9 * np.clip((down + right) * unit, -0.5, 0.5) + 0.05 * cloudy
    pixels = pixels * light[..., None] + 0.12 * (step(1.1, 2.2, cloudy) * solid)[..., None]
    pixels = np.where(solid[..., None] > 0, pixels, GROUT * (1 + 0.2 * noise(side, side, 3 * unit, rng, 2))[..., None])
    edge = round(margin * unit)
    crop = as_image(pixels).crop((edge, edge, edge + 2 * long_side, edge + 2 * long_side))
    return crop.resize((long_side, long_side), Image.Resampling.LANCZOS)
