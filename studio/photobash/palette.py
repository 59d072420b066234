"""One palette over all parts of a picture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.catalog import Style
from nst_core.color_transfer import color_statistics, palette_map
from nst_core.picture import Picture, fit_long_side
from serve.paint_options import PaintOptions

THUMBNAIL_PX = 512
"""Long side at which colors are measured."""

Recolor = Callable[[np.ndarray], np.ndarray]
"""Gives rows (h, W, 3) float32 their new colors, which may exceed [0, 1] a little."""


@dataclass(frozen=True, eq=False)
class Palette:
    """Colors to match, by their mean and covariance."""

    name: str
    mean: np.ndarray
    """(3,) of sRGB in [0, 1]."""
    covariance: np.ndarray
    """(3, 3)."""


def picture_palette(picture: Picture) -> Palette:
    """The colors of a picture: a photo, a painting, or what a style made of a photo."""
    long_side = min(THUMBNAIL_PX, max(picture.width, picture.height))
    small = picture.resized(*fit_long_side(picture.width, picture.height, long_side))
    return Palette(picture.name, *color_statistics(small.as_float()))


def style_palette(style: Style) -> Palette:
    """The colors of the painting that a style was learned from, or of its paintings together."""
    return Palette(style.name, *style.card.palette(PaintOptions().shares(style)))


def recoloring(own: Palette, wanted: Palette, strength: float) -> Recolor:
    """What brings colors of one palette closer to another.

    The palettes are those of whole pictures. Matched by what each style shows in its own region, a dark face and a
    light sky would come out equally light.

    Args:
        own: of the whole photo, painted in the style.
        wanted: the palette to match.
        strength: how far, 0 to 1.
    """
    matrix, offset = palette_map(own.mean, own.covariance, wanted.mean, wanted.covariance)
    matrix = np.eye(3, dtype=np.float32) * (1 - strength) + matrix * strength
    return lambda rows: rows @ matrix.T.astype(np.float32) + (offset * strength).astype(np.float32)
