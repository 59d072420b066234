"""What of a picture makes a style: contrasts of value, hue and saturation, calm and busy areas, color blocking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from nst_core.picture import Picture, fit_long_side
from studio.advise.seen import BUSY, CALM, Seen, look

HUES = 36
"""Steps of the hue wheel."""
COLORED = 8.0
"""Chroma from which on a color has a hue."""
STRONG_EDGE = 6.0
"""ΔE a pixel, at 512 px."""
FLAT = 4.0
"""ΔE a pixel at which a side of an edge counts for exp(-1)."""
REACHES_PX = (5, 9, 13)
"""How far off an edge its sides are looked at, at 512 px."""
DOWNSCALE_LIMIT_PX = 2048
"""Of the long side of what a downscale is compared with."""


@dataclass(frozen=True)
class HueWheel:
    """Where a picture's colors lie around the wheel."""

    weights: np.ndarray
    """(HUES,): share of the picture's color in each hue, by chroma; all 0 in a gray picture."""
    values: np.ndarray
    """(HUES,): mean L of each hue, in [0, 1]."""
    colored: float
    """How much color there is: 1 from a mean chroma of 20 on."""

    @property
    def contrast(self) -> float:
        """0 with one hue, 1 with hues from all around."""
        turns = np.exp(2j * np.pi * (np.arange(HUES) + 0.5) / HUES)
        return float(1 - abs((self.weights * turns).sum())) * self.colored if self.weights.any() else 0.0

    @property
    def pair(self) -> int:
        """The strongest pair of complements: this hue and the one opposite."""
        return int(self._pairs.argmax())

    @property
    def complementarity(self) -> float:
        """Twice the weaker one's share of the best pair, neighbors included; 1 is two complements alone."""
        return float(min(1.0, 2 * self._pairs.max()) * self.colored)

    @property
    def pair_luminosity(self) -> float:
        """How unlike in L the complements of the best pair are, in [0, 1]; 0 without a pair."""
        if self._pairs.max() < 0.01:
            return 0.0
        light = _with_neighbors(self.weights * self.values) / np.maximum(_with_neighbors(self.weights), 1e-9)
        return float(abs(light[self.pair] - light[(self.pair + HUES // 2) % HUES]))

    @property
    def _pairs(self) -> np.ndarray:
        """(HUES,): what the weaker one of each pair of complements has."""
        near = _with_neighbors(self.weights)
        return np.minimum(near, np.roll(near, HUES // 2))


def _with_neighbors(hues: np.ndarray) -> np.ndarray:
    return ndimage.convolve1d(hues, np.ones(5), mode="wrap")


@dataclass(frozen=True)
class Measures:
    """What was measured, each about in [0, 1]."""

    value_spread: float
    """From the darkest to the lightest twentieth."""
    value_contrast: float
    """Of values, within what a stroke spans: what a high-pass at working size leaves."""
    hue_contrast: float
    complementarity: float
    pair_luminosity: float
    saturation_contrast: float
    """From the grayest to the most colorful twentieth."""
    survives: float
    """Contrast of strokes 2 to 16 px wide at 512 px, in all of Lab: what working size keeps."""
    grain: float
    """Contrast of what is finer than any stroke, as a share of that and the strokes' own: noise is near 1."""
    detail_lost: float
    """Share of the fine contrast that making the picture small takes away."""
    calm: float
    """Share of blocks that are calm."""
    busy: float
    """Share of blocks that are busy."""
    entropy: float
    """Mean over the blocks of their busyness."""
    soft: float
    """Share of pixels with a slope too faint for an edge and too strong for a flat tone: gradients."""
    blocking: float
    """Of the strong edges, how flat both sides are."""
    edge_contrast: float
    """ΔE across strong edges."""
    edge_share: float
    """Share of pixels on the ridge of a strong edge."""
    evenness: float
    """How much every part is like every other: 1 is the same all over."""
    colorfulness: float
    """Mean chroma."""


def hue_wheel(seen: Seen) -> HueWheel:
    """Where the colors lie."""
    weight = np.where(seen.chroma > COLORED, seen.chroma, 0)
    limits = (-np.pi, np.pi)
    found, _ = np.histogram(seen.hue, HUES, limits, weights=weight)
    light, _ = np.histogram(seen.hue, HUES, limits, weights=weight * seen.value / 100)
    total = found.sum()
    return HueWheel(
        found / max(total, 1e-9), light / np.maximum(found, 1e-9), float(min(1.0, total / weight.size / 20))
    )


def measure(seen: Seen, detail_lost: float = 0.0) -> Measures:
    """Measures a picture at working size.

    Args:
        seen: the picture.
        detail_lost: from `lost_in_downscale`, which needs the picture as it was.
    """
    wheel = hue_wheel(seen)
    edges, blocks, scale = seen.edges, seen.block_slopes, seen.size / 512
    blocking, edge_contrast, edge_share = _blocking(seen)
    strokes, grain = _band(seen.lab, 1.5 * scale, 8 * scale), _band(seen.lab, 0, 1.5 * scale)
    return Measures(
        value_spread=_spread(seen.value) / 100,
        value_contrast=float((seen.value - ndimage.gaussian_filter(seen.value, 16 * scale)).std()) / 100,
        hue_contrast=wheel.contrast,
        complementarity=wheel.complementarity,
        pair_luminosity=wheel.pair_luminosity,
        saturation_contrast=_spread(seen.chroma) / 100,
        survives=strokes / 100,
        grain=grain / max(grain + strokes, 1.0),
        detail_lost=detail_lost,
        calm=float((blocks < CALM).mean()),
        busy=float((blocks > BUSY).mean()),
        entropy=float(seen.busyness.mean()),
        soft=float(((edges > 0.3) & (edges < 2)).mean()),
        blocking=blocking,
        edge_contrast=edge_contrast,
        edge_share=edge_share,
        evenness=_evenness(seen.lab),
        colorfulness=float(seen.chroma.mean()) / 100,
    )


def lost_in_downscale(picture: Picture, size: int) -> float:
    """Share of a picture's fine contrast of values that is gone at working size; 0 where nothing is made smaller."""
    longest = max(picture.width, picture.height)
    if longest <= size:
        return 0.0
    before = look(picture, min(longest, DOWNSCALE_LIMIT_PX)).value
    height, width = before.shape
    small = picture.resized(*fit_long_side(picture.width, picture.height, size))
    after = look(small.resized(width, height), max(width, height)).value
    fine = before - ndimage.gaussian_filter(before, 4 * max(width, height) / size)
    return float(min(1.0, (before - after).std() / max(float(fine.std()), 0.1)))


def _spread(plane: np.ndarray) -> float:
    low, high = np.percentile(plane, [5, 95])
    return float(high - low)


def _band(lab: np.ndarray, fine: float, coarse: float) -> float:
    """Contrast of what lies between two sizes."""
    return float(
        np.sqrt(
            sum(
                (ndimage.gaussian_filter(plane, fine) - ndimage.gaussian_filter(plane, coarse)).var()
                for plane in np.moveaxis(lab, -1, 0)
            )
        )
    )


def _evenness(lab: np.ndarray) -> float:
    """How little of all contrast lies between eighths of the picture."""
    side = max(1, max(lab.shape[:2]) // 8)
    whole = np.sqrt(sum(plane.var() for plane in np.moveaxis(lab, -1, 0)))
    between = np.sqrt(
        sum(
            ndimage.uniform_filter(plane, side)[side // 2 :: side, side // 2 :: side].var()
            for plane in np.moveaxis(lab, -1, 0)
        )
    )
    return float(np.clip(1 - between / whole, 0, 1)) if whole > 0.5 else 1.0


def _blocking(seen: Seen) -> tuple[float, float, float]:
    """How flat both sides of the strong edges are, the contrast across them, and their share of the picture.

    From each ridge pixel of an edge steps are taken to either side, along the slope.
    """
    edges, scale = seen.edges, seen.size / 512
    rows, columns = np.nonzero((edges > STRONG_EDGE) & (edges >= ndimage.maximum_filter(edges, 3)))
    share = len(rows) / edges.size
    if len(rows) < seen.size // 8:
        return 0.0, 0.0, share
    across, down = (slope[rows, columns] for slope in seen.slopes)
    # The direction in which the color changes most: of the structure tensor, summed over L, a and b.
    angle = 0.5 * np.arctan2(2 * (across * down).sum(-1), (across**2 - down**2).sum(-1))
    near = ndimage.gaussian_filter(np.minimum(edges, 20), 1.5 * scale)
    slopes, colors = [], []
    for sign in (1, -1):
        steps = [_step(rows, columns, angle, sign * reach * scale, edges.shape) for reach in REACHES_PX]
        # The flattest place counts: a line between two flat areas is no texture.
        choice = np.argmin([near[step] for step in steps], axis=0)
        y, x = (np.choose(choice, [step[axis] for step in steps]) for axis in (0, 1))
        slopes.append(near[y, x])
        colors.append(seen.lab[y, x])
    contrast = np.linalg.norm(colors[0] - colors[1], axis=-1)
    return float(np.exp(-np.maximum(*slopes) / FLAT).mean()), float(contrast.mean()) / 100, share


def _step(
    rows: np.ndarray, columns: np.ndarray, angle: np.ndarray, reach: float, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns so far off in a direction, within the picture."""
    y = np.clip(np.rint(rows + reach * np.sin(angle)), 0, shape[0] - 1).astype(int)
    x = np.clip(np.rint(columns + reach * np.cos(angle)), 0, shape[1] - 1).astype(int)
    return y, x
