"""Pictures drawn by code, each of a kind that a painter would know: plain colors, gradients, noise, color blocks,
all-over patterns, and a subject on a ground."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from nst_core.picture import Picture

SIDE = 512

RED, ORANGE, YELLOW = (0.80, 0.12, 0.10), (0.93, 0.52, 0.12), (0.96, 0.82, 0.20)
BLUE, NIGHT, TEAL = (0.12, 0.28, 0.62), (0.07, 0.10, 0.24), (0.10, 0.50, 0.50)
CREAM, BLACK, GRAY = (0.95, 0.92, 0.83), (0.06, 0.06, 0.07), (0.55, 0.54, 0.52)
PINK, VIOLET, LIME = (1.0, 0.25, 0.70), (0.55, 0.15, 0.95), (0.55, 1.0, 0.10)

Color = Sequence[float]


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of every pixel."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return y, x


def picture(pixels: np.ndarray) -> Picture:
    return Picture.from_float(np.clip(pixels, 0, 1).astype(np.float32))


def plain(color: Color) -> Picture:
    return picture(np.broadcast_to(np.array(color), (SIDE, SIDE, 3)))


def gradient(first: Color, last: Color) -> Picture:
    """From corner to corner."""
    y, x = _grid()
    share = ((x + y) / (2 * SIDE - 2))[..., None]
    return picture(np.array(first) * (1 - share) + np.array(last) * share)


def glow(inside: Color, outside: Color) -> Picture:
    """A gradient from the middle outwards."""
    y, x = _grid()
    share = np.clip(np.hypot(x - SIDE / 2, y - SIDE / 2) / (SIDE * 0.7), 0, 1)[..., None]
    return picture(np.array(inside) * (1 - share) + np.array(outside) * share)


def white_noise(seed: int = 0) -> Picture:
    return picture(np.random.default_rng(seed).random((SIDE, SIDE, 3)) * 0.5 + 0.25)


def rectangles(colors: Sequence[Color] = (CREAM, RED, BLUE, YELLOW, CREAM, BLACK), seed: int = 0) -> Picture:
    """Flat rectangles of unlike sizes between black bars."""
    rng = np.random.default_rng(seed)
    out = np.zeros((SIDE, SIDE, 3))

    def fill(top: int, bottom: int, left: int, right: int, depth: int) -> None:
        height, width = bottom - top, right - left
        if depth == 0 or max(height, width) < 90:
            out[top:bottom, left:right] = BLACK
            out[top + 4 : bottom - 4, left + 4 : right - 4] = colors[int(rng.integers(len(colors)))]
            return
        share = rng.choice([0.3, 0.4, 0.62, 0.7])
        if width > height:
            middle = left + int(width * share)
            fill(top, bottom, left, middle, depth - 1)
            fill(top, bottom, middle, right, depth - 1)
        else:
            middle = top + int(height * share)
            fill(top, middle, left, right, depth - 1)
            fill(middle, bottom, left, right, depth - 1)

    fill(0, SIDE, 0, SIDE, 5)
    return picture(out)


def facets(
    colors: Sequence[Color] = (BLUE, ORANGE, CREAM, NIGHT, TEAL, RED), cells: int = 24, seed: int = 1
) -> Picture:
    """Flat cells of Voronoi, as paper cut with scissors."""
    rng = np.random.default_rng(seed)
    y, x = _grid()
    points = rng.random((cells, 2)) * SIDE
    nearest = np.argmin([np.hypot(y - py, x - px) for py, px in points], axis=0)
    return picture(np.array([colors[i % len(colors)] for i in range(cells)])[nearest])


def discs(seed: int = 2) -> Picture:
    """Large flat discs over broad flat bands."""
    rng = np.random.default_rng(seed)
    y, x = _grid()
    bands = np.array([NIGHT, BLUE, ORANGE, CREAM])[np.clip((y + 40 * np.sin(x / 90)) * 4 // SIDE, 0, 3).astype(int)]
    for color in (YELLOW, RED, CREAM, BLACK, TEAL, ORANGE):
        middle, radius = rng.random(2) * SIDE, rng.uniform(40, 95)
        bands[np.hypot(y - middle[0], x - middle[1]) < radius] = color
    return picture(bands)


def neon_spots(pitch: int = 26, seed: int = 3) -> Picture:
    """Rings and spots in clashing neon colors, everywhere: no place for the eye to rest."""
    rng = np.random.default_rng(seed)
    y, x = _grid()
    hue = ((x + 0.6 * y) / 97) % 1
    out = _rainbow(hue)
    for top in range(0, SIDE, pitch):
        for left in range(0, SIDE, pitch):
            box = np.s_[max(0, top - pitch) : top + 2 * pitch, max(0, left - pitch) : left + 2 * pitch]
            distance = np.hypot(y[box] - top - rng.uniform(0, pitch), x[box] - left - rng.uniform(0, pitch))
            out[box][distance < pitch * 0.42] = BLACK
            out[box][distance < pitch * 0.28] = (LIME, PINK, VIOLET, YELLOW, (0.1, 0.9, 1.0))[rng.integers(5)]
    return picture(out)


def neon_stripes(period: int = 14) -> Picture:
    """A rainbow of zebra stripes that wind all over."""
    y, x = _grid()
    phase = (x + 22 * np.sin(y / 31) + 13 * np.sin(x / 23 + y / 47)) / period
    out = _rainbow((y / 83 + x / 131) % 1)
    out[phase % 1 < 0.5] = BLACK
    out[(phase % 1 > 0.8)] = (1, 1, 1)
    return picture(out)


def paisley(seed: int = 4) -> Picture:
    """Leaves and dots of many colors, each as busy as the next."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 4, mode="wrap")
    bands = np.floor((field - field.min()) / np.ptp(field) * 14).astype(int)
    colors = np.array([PINK, LIME, VIOLET, YELLOW, RED, BLUE, CREAM, BLACK, ORANGE, TEAL])
    return picture(colors[bands % len(colors)])


def subject_on_ground(color: Color = RED, ground: Color = CREAM) -> Picture:
    """One shaded ball in the middle of a plain, faintly shaded ground."""
    y, x = _grid()
    out = np.array(ground) * (0.9 + 0.1 * (y / SIDE))[..., None]
    distance = np.hypot(y - SIDE * 0.5, x - SIDE * 0.5) / (SIDE * 0.22)
    light = np.clip(1.15 - 0.75 * np.hypot(y - SIDE * 0.42, x - SIDE * 0.42) / (SIDE * 0.3), 0.15, 1)
    ball = distance < 1
    out[ball] = (np.array(color) * light[..., None])[ball]
    return picture(out)


def strokes(seed: int = 5, length: int = 38) -> Picture:
    """Broad strokes in two complementary families, laid over calm ground as an impressionist would."""
    rng = np.random.default_rng(seed)
    y, x = _grid()
    out = np.broadcast_to(np.array(NIGHT), (SIDE, SIDE, 3)).copy()
    flow = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 60)
    flow = flow / np.abs(flow).max() * np.pi
    where = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 45)
    for _ in range(900):
        row, column = rng.integers(SIDE, size=2)
        angle = flow[row, column]
        light = where[row, column] > 0
        color = np.array((ORANGE, YELLOW, CREAM)[rng.integers(3)] if light else (BLUE, NIGHT, TEAL)[rng.integers(3)])
        box = np.s_[max(0, row - length) : row + length, max(0, column - length) : column + length]
        dy, dx = y[box] - row, x[box] - column
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        out[box][(np.abs(along) < length / 2) & (np.abs(across) < 5)] = color * rng.uniform(0.85, 1.1)
    return picture(out)


def _rainbow(hue: np.ndarray) -> np.ndarray:
    """Fully saturated colors, (H, W, 3)."""
    return np.clip(np.abs((hue[..., None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)


SOFT: dict[str, Callable[[], Picture]] = {
    "plain red": lambda: plain(RED),
    "plain gray": lambda: plain(GRAY),
    "plain cream": lambda: plain(CREAM),
    "blue to orange": lambda: gradient(BLUE, ORANGE),
    "black to white": lambda: gradient(BLACK, (1, 1, 1)),
    "glow": lambda: glow(YELLOW, RED),
    "white noise": white_noise,
}
PATTERNS: dict[str, Callable[[], Picture]] = {
    "neon spots": neon_spots,
    "neon stripes": neon_stripes,
    "fine neon spots": lambda: neon_spots(18, 6),
    "paisley": paisley,
}
BLOCKS: dict[str, Callable[[], Picture]] = {
    "rectangles": rectangles,
    "facets": facets,
    "few facets": lambda: facets((NIGHT, CREAM, ORANGE), 14, 7),
    "discs": discs,
}
OTHERS: dict[str, Callable[[], Picture]] = {
    "strokes": strokes,
    "ball": subject_on_ground,
}
