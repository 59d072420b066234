"""Color blocks after De Stijl: brushed planes of several sizes between black bars."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from draw.brush import Canvas
from draw.noise import Floats, mix, rgb

PALE = rgb("f3ecd9", "eae3d0", "f7f1e1", "d8d9d2", "c3ccd2", "eddfb4", "b9b6aa")
STRONG = rgb("c8201c", "d8361d", "1a3c9c", "12296f", "f2c10f", "f5d23a", "161413", "7f9fc4", "e78a1e")
BLACK = rgb("14120f")
UNDER = rgb("b08a52")  # The warm ground that shows where the brush ran thin.


@dataclass(frozen=True)
class Block:
    """A rectangle in drawing units (768 to the long side)."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


def divide(block: Block, depth: int, rng: np.random.Generator) -> list[Block]:
    """Splits a block again and again, some branches far deeper than others."""
    small = max(block.width, block.height) < 60 or min(block.width, block.height) < 26
    if depth == 0 or small or (depth < 4 and rng.random() < 0.2):
        return [block]
    at = rng.choice([0.24, 0.33, 0.4, 0.62, 0.7, 0.78])
    if block.width * rng.uniform(0.75, 1.33) > block.height:
        x = block.left + at * block.width
        parts = [
            Block(block.left, block.top, x, block.bottom),
            Block(x, block.top, block.right, block.bottom),
        ]
    else:
        y = block.top + at * block.height
        parts = [
            Block(block.left, block.top, block.right, y),
            Block(block.left, y, block.right, block.bottom),
        ]
    return [leaf for part in parts for leaf in divide(part, depth - 1, rng)]


def brush_block(canvas: Canvas, block: Block, color: Floats, unit: float, rng: np.random.Generator) -> None:
    """Fills a block with strokes along its longer side."""
    w, h = max(2, round(block.width * unit)), max(2, round(block.height * unit))
    plane = Canvas((w, h), color)
    brush = min(13.0, 4 + 0.16 * min(block.width, block.height)) * unit
    lying = w > h
    long, short = (w, h) if lying else (h, w)
    drift = rng.normal(0, 0.035) + rng.normal(0, 0.012, 3)
    for _ in range(int(3.2 * w * h / (brush * 7 * brush)) + 3):
        a, b = rng.uniform(-0.1, 1.0) * long, rng.uniform(0, 1) * short
        length = brush * rng.uniform(4, 9)
        run = np.linspace(a, a + length, 7)
        sway = b + np.cumsum(rng.normal(0, 0.03 * brush, 7))
        path = np.stack([run, sway] if lying else [sway, run], 1).astype(np.float32)
        shade = color * rng.normal(1, 0.07) + drift * (a / long - 0.5) * 2 + abs(rng.normal(0, 0.03))
        if rng.random() < 0.045:
            shade = mix(color, UNDER, 0.28)
        plane.stroke(path, brush, shade, rng, bristle=1.5 * unit, streak=0.03)
    canvas.paste(plane, (round(block.left * unit), round(block.top * unit)), Image.new("L", (w, h), 255))


def brush_bar(canvas: Canvas, block: Block, thick: float, unit: float, rng: np.random.Generator) -> None:
    """Paints the black bars on a block's right and lower edge, by a hand that is steady but not a ruler."""
    corners = [
        (block.right, block.top, block.right, block.bottom),
        (block.left, block.bottom, block.right, block.bottom),
    ]
    for x0, y0, x1, y1 in corners:
        t = np.linspace(-0.01, 1.01, 14)[:, None]
        path = (np.array([[x0, y0]]) * (1 - t) + np.array([[x1, y1]]) * t) * unit
        path = (path + rng.normal(0, 0.25 * unit, path.shape)).astype(np.float32)
        for bristle in (0.3 * thick, 1.2):  # Coarse first, so that nothing shows between the fine ones.
            canvas.stroke(path, thick * unit, BLACK, rng, bristle=bristle * unit, streak=0.02)


def string_beads(canvas: Canvas, block: Block, unit: float, rng: np.random.Generator) -> None:
    """Sets small squares of color along a block's longer bar, as lights along a street."""
    size = rng.uniform(9, 13)
    lying = block.width > block.height
    at, end = (block.left, block.right) if lying else (block.top, block.bottom)
    while at < end - size:
        if rng.random() < 0.62:
            length = size * rng.choice([1.0, 1.0, 1.7])
            x, y = (at, block.bottom - size / 2) if lying else (block.right - size / 2, at)
            w, h = (length, size) if lying else (size, length)
            brush_block(canvas, Block(x, y, x + w, y + h), STRONG[rng.choice([0, 1, 2, 4, 5, 7])], unit, rng)
        at += size * rng.uniform(1.1, 2.6)


def color_for(block: Block, rng: np.random.Generator) -> Floats:
    """Large planes are mostly pale, small ones mostly strong."""
    area = block.width * block.height
    strong = np.interp(area, [700, 6000, 30000], [0.8, 0.55, 0.34])
    colors = STRONG if rng.random() < strong else PALE
    return colors[rng.integers(len(colors))]


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Paints it, a square of `long_side` pixels."""
    side = long_side * 2
    unit = side / 768
    canvas = Canvas((side, side), PALE[0])
    blocks = divide(Block(-20, -20, 790, 790), 7, rng)
    for block in blocks:
        color = color_for(block, rng)
        brush_block(canvas, block, color, unit, rng)
    for block in blocks:
        thick = np.interp(max(block.width, block.height), [40, 300], [3.5, 13]) * rng.uniform(0.8, 1.2)
        brush_bar(canvas, block, float(thick), unit, rng)
        if max(block.width, block.height) > 150 and rng.random() < 0.6:
            string_beads(canvas, block, unit, rng)
    return canvas.lit((long_side, long_side), relief=0.9)
