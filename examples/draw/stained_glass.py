"""Stained glass: Voronoi panes of luminous color, gathered around two roses, between leads."""

import numpy as np
from PIL import Image

from draw.noise import Floats, as_image, grid, mix, noise, ramp, rgb, step, streaks
from draw.voronoi import cells

ROSES = ((0.60, 0.40, 0.052), (0.19, 0.97, 0.04))
GOLD = rgb("fff4b0", "ffcf2e", "f58a0c", "d92a12", "8e0f2e")
BLUE = rgb("0a1550", "123bb0", "1e7fd6", "66c8e8")
GREEN = rgb("064236", "0f8a5a", "9fd04a")
VIOLET = rgb("3a0f5c", "8a2a96", "e04f86")


def place_seeds(rng: np.random.Generator) -> Floats:
    """Rings of panes around the roses, even scatter elsewhere; x and y in units of the width."""
    seeds: list[tuple[float, float]] = []
    for cx, cy, spacing in ROSES:
        for ring in range(7):
            count = max(1, (1, 6, 12, 12, 18, 24, 30)[ring])
            for angle in (np.arange(count) + 0.5 * (ring % 2)) * 2 * np.pi / count:
                radius = ring * spacing * (1 + 0.004 * rng.standard_normal())
                seeds.append((cx + radius * np.cos(angle), cy + radius * np.sin(angle)))
    for _ in range(9000):
        x, y = rng.uniform(-0.03, 1.03), rng.uniform(-0.03, 1.36)
        inside = any(np.hypot(x - cx, y - cy) < 6.6 * spacing for cx, cy, spacing in ROSES)
        apart = 0.034 + 0.05 * (0.5 + 0.5 * np.sin(7 * x + 4 * y))
        if not inside and all(np.hypot(x - sx, y - sy) > apart for sx, sy in seeds):
            seeds.append((x, y))
    return np.array(seeds, np.float32)


def pane(x: float, y: float, rng: np.random.Generator) -> Floats:
    """The color of the pane at a seed: hot rings in a cool ground, with ribbons of green and violet."""
    for cx, cy, spacing in ROSES:
        ring = np.hypot(x - cx, y - cy) / spacing
        if ring < 6.5:
            turn = int((np.arctan2(y - cy, x - cx) / np.pi + 1) * 6) % 2
            hot = ramp(GOLD, float(ring / 6))
            if round(ring) in (2, 5) and turn:
                return BLUE[1 + int(ring) % 2]
            if round(ring) == 4:
                return mix(BLUE[2], BLUE[3], rng.random()) if turn else hot
            return hot
    ribbon = np.sin(6.5 * y - 4 * x + 1.4 * np.sin(5 * x))
    shade = float(np.clip(0.5 + 0.5 * np.sin(9 * x + 3 * y) + 0.22 * rng.standard_normal(), 0, 1))
    if rng.random() < 0.06:
        return ramp(GOLD, float(rng.uniform(0.1, 0.9)))
    if ribbon > 0.72:
        return ramp(GREEN, shade)
    if ribbon < -0.75:
        return ramp(VIOLET, shade)
    return ramp(BLUE, shade * 0.95)


def paint(long_side: int, rng: np.random.Generator) -> Image.Image:
    """Paints it, `long_side` pixels high."""
    size = (round(long_side * 0.75), long_side)
    w, h = size[0] * 2, size[1] * 2
    unit = h / 768
    seeds = place_seeds(rng)
    colors = np.stack([pane(float(x), float(y), rng) for x, y in seeds])
    owner, border = cells(h, w, seeds * w, reach=0.17 * w)
    border += 0.5 * unit * noise(h, w, 12 * unit, rng, 2)
    y, x = grid(h, w, w)
    lead = (2.3 + 0.5 * noise(h, w, 90 * unit, rng, 2)) * unit
    glass = colors[owner]
    lean = rng.normal(0, 1, (len(seeds), 2)).astype(np.float32)
    offset_x, offset_y = x - seeds[owner, 0], y - seeds[owner, 1]
    slope = (lean[owner, 0] * offset_x + lean[owner, 1] * offset_y) * 9
    body = noise(h, w, 26 * unit, rng, 4)
    ripples = np.stack([streaks(h, w, 70 * unit, 3 * unit, rng), streaks(w, h, 70 * unit, 3 * unit, rng).T])
    ripple = np.take_along_axis(ripples, (lean[owner, 0] > 0).astype(int)[None], 0)[0]
    light = 0.98 + 0.26 * slope + 0.09 * body + 0.075 * ripple + 0.32 * step(0, 16 * unit, border) - 0.16
    glass = glass * np.clip(light, 0.35, 1.6)[..., None]
    glow = np.clip(light - 1.0, 0, 1)
    glass = mix(glass, rgb("fffbe8"), 0.55 * glow)
    bubbles = noise(h, w, 5 * unit, rng, 2)
    glass = mix(glass, rgb("ffffff"), 0.35 * step(2.3, 3.0, bubbles))
    solder = rgb("15141a") + 0.16 * (step(0.55, 0.0, border / (lead + 1e-3)) * (0.5 + 0.12 * body))[..., None]
    pixels = mix(solder, glass, step(0.0, 1.4, (border - lead) / unit))
    return as_image(pixels).resize(size, Image.Resampling.LANCZOS)
