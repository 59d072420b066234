"""Cubist facets: planes of ochre, umber and teal, each shaded from one edge, in short dabs of the brush."""

import numpy as np
from PIL import Image, ImageDraw

from draw.brush import Canvas
from draw.curves import flat
from draw.noise import Floats, mix, ramp, rgb

OCHRE = rgb("4a2c12", "8a5a1e", "c48a32", "e3bd6c", "f6e6b4")
UMBER = rgb("120d0a", "2c1d14", "553822", "8a6440", "bb9a6c")
TEAL = rgb("06171c", "0f3a42", "1f6a70", "5fa39c", "c2d8c4")
CREAM = rgb("6e6a58", "a89f82", "d3c7a0", "efe6c8", "fbf6e2")
RUST = rgb("3a0f0a", "7c2412", "b8431c", "dd7a3c", "f0b98a")
FAMILIES = (UMBER, OCHRE, TEAL, CREAM, RUST)


def cut(polygon: Floats, point: Floats, direction: float) -> list[Floats]:
    """Cuts a convex polygon in two along a line; one piece where the line misses it."""
    normal = np.array([-np.sin(direction), np.cos(direction)])
    side = (polygon - point) @ normal
    pieces: list[list[Floats]] = [[], []]
    for i, corner in enumerate(polygon):
        j = (i + 1) % len(polygon)
        pieces[0 if side[i] >= 0 else 1].append(corner)
        if side[i] * side[j] < 0:
            crossing = corner + (polygon[j] - corner) * side[i] / (side[i] - side[j])
            pieces[0].append(crossing)
            pieces[1].append(crossing)
    return [np.array(piece, np.float32) for piece in pieces if len(piece) > 2]


def area(polygon: Floats) -> float:
    """Area of a polygon."""
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def shatter(polygon: Floats, size: Floats, rng: np.random.Generator) -> list[Floats]:
    """Cuts a polygon until its pieces are small: smallest along the middle of the picture."""
    middle = polygon.mean(0)
    off = np.hypot((middle[0] - 0.52 * size[0]) / size[0] * 1.5, (middle[1] - 0.5 * size[1]) / size[1])
    wanted = (900 + 22000 * off**2) * rng.uniform(0.5, 1.9)
    if area(polygon) < wanted:
        return [polygon]
    direction = rng.choice([1.57, 1.2, 2.0, 0.5, 2.65, 0.05], p=[0.2, 0.22, 0.22, 0.14, 0.14, 0.08])
    edges = np.roll(polygon, -1, 0) - polygon
    lengths = np.linalg.norm(edges, axis=1)
    if lengths.max() > 2.6 * np.sqrt(area(polygon)):
        longest = edges[lengths.argmax()]
        direction = np.arctan2(longest[1], longest[0]) + 1.57 + rng.normal(0, 0.25)
    point = middle + rng.normal(0, 0.13, 2) * np.ptp(polygon, axis=0)
    return [
        leaf for piece in cut(polygon, point, direction + rng.normal(0, 0.06)) for leaf in shatter(piece, size, rng)
    ]


def brush_facet(canvas: Canvas, polygon: Floats, colors: Floats, unit: float, rng: np.random.Generator) -> None:
    """Fills a facet with dabs: dark at one of its edges, light away from it."""
    low = np.floor(polygon.min(0) * unit).astype(int)
    w, h = (np.ceil(polygon.max(0) * unit).astype(int) - low + 1).tolist()
    local = polygon * unit - low
    i = int(rng.integers(len(local)))
    along = np.roll(local, -1, 0)[i] - local[i]
    along = along / (np.linalg.norm(along) + 1e-6)
    inward = np.array([-along[1], along[0]])
    if (local.mean(0) - local[i]) @ inward < 0:
        inward = -inward
    depth = max(float(((local - local[i]) @ inward).max()), 1.0)
    dark = rng.uniform(0, 0.5)
    light = dark + rng.uniform(0.4, 0.75)
    plane = Canvas((w, h), ramp(colors, float((dark + light) / 2)))
    brush = float(np.interp(area(polygon), [300, 9000], [4.5, 10])) * unit
    starts = rng.uniform((0, 0), (w, h), (int(5 * w * h / (brush * brush * 3.4)) + 4, 2))
    slant = along if rng.random() < 0.6 else (along + 0.8 * inward) / 1.3
    for start in starts[np.argsort(-((starts - local[i]) @ inward) + rng.normal(0, 0.15 * depth, len(starts)))]:
        share = np.clip(((start - local[i]) @ inward) / depth, 0, 1)
        tone = float(dark + (light - dark) * share + rng.normal(0, 0.035))
        run = np.linspace(-0.5, 0.5, 5)[:, None] * brush * rng.uniform(2.4, 4.4)
        path = (start + run * slant + rng.normal(0, 0.04 * brush, (5, 2))).astype(np.float32)
        plane.stroke(path, brush, ramp(colors, tone), rng, bristle=1.4 * unit, streak=0.028)
    mask = Image.new("L", (w, h), 0)
    ImageDraw.Draw(mask).polygon(flat(local), fill=255)
    canvas.paste(plane, (int(low[0]), int(low[1])), mask)


def contour(canvas: Canvas, path: Floats, unit: float, rng: np.random.Generator) -> None:
    """Draws one edge, (n, 2): dark, or scraped light."""
    path = (path * unit + rng.normal(0, 0.25 * unit, path.shape)).astype(np.float32)
    color = UMBER[0] if rng.random() < 0.85 else CREAM[4]
    canvas.stroke(path, rng.uniform(1.6, 4.2) * unit, color, rng, bristle=0.9 * unit, streak=0.02)


def arcs(size: Floats, rng: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Segments and crescents, the round forms among the straight ones; each with its outer edge."""
    shapes: list[tuple[Floats, Floats]] = []
    for _ in range(11):
        middle = size * rng.uniform(0.14, 0.86, 2)
        radius, start, sweep = rng.uniform(40, 105), rng.uniform(0, 6.3), rng.uniform(1.5, 3.3)
        turn = np.linspace(start, start + sweep, 26)
        circle = np.stack([np.cos(turn), np.sin(turn)], 1)
        outer = (middle + radius * circle).astype(np.float32)
        inner = (middle + radius * rng.uniform(0.4, 0.75) * circle).astype(np.float32)
        shapes.append((np.vstack([outer, inner[::-1]]) if rng.random() < 0.5 else outer, outer))
    return shapes


def family_at(place: Floats, rng: np.random.Generator) -> Floats:
    """The shades of a facet: neighbors tend to share theirs, so that the picture falls into large areas."""
    lean = 1.25 * np.sin(6 * place[0] + 4 * place[1]) + rng.normal(0, 0.95)
    return mix(FAMILIES[int(np.digitize(lean, [-0.8, 0.2, 0.95, 1.8]))], OCHRE, 0.1)


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Paints it, `long_side` pixels high."""
    size = (round(long_side * 0.8), long_side)
    w, h = size[0] * 2, size[1] * 2
    unit = h / 768
    extent = np.array([w / unit, h / unit], np.float32)
    canvas = Canvas((w, h), UMBER[1])
    frame = np.array([[-30, -30], [1, -30], [1, 1], [-30, 1]], np.float32)
    frame = np.where(frame > 0, extent + 30, frame)
    straight = [(facet, np.roll(facet, -1, 0)) for facet in shatter(frame, extent, rng)]
    for facet, ends in straight:
        brush_facet(canvas, facet, family_at(facet.mean(0) / extent, rng), unit, rng)
        for a, b in zip(facet, ends, strict=True):
            if rng.random() < 0.5:
                contour(canvas, a + np.linspace(-0.03, 1.03, 10)[:, None] * (b - a), unit, rng)
    for shape, edge in arcs(extent, rng):
        brush_facet(canvas, shape, family_at(shape.mean(0) / extent, rng), unit, rng)
        contour(canvas, edge, unit, rng)
    return canvas.lit(size, relief=1.0)
