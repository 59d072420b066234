"""How promising a proof is: one cheap figure by which the pictures worth finishing come first."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from models.catalog import Style
from nst_core.color import luminance
from nst_core.color_transfer import color_statistics
from nst_core.likeness import edge_agreement
from nst_core.picture import Picture
from serve.paint_options import PaintOptions

LOOK_PX = 128
"""Long side at which a proof is looked at, about."""
COLOR_SCALE = 0.25
"""Distance of colors, in sRGB, at which their closeness is 1/e."""
FULL_CONTRAST, LEAST_CONTRAST = 0.25, 0.05
"""Standard deviation of luminance from which on there is contrast enough: the painting's own, between these."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Shares of red, green and blue in how light a color is (Rec. 709), here of sRGB itself, which is close enough."""


@dataclass(frozen=True)
class Promise:
    """What a proof's promise is made of, each from 0 to 1.

    It says that the photo can still be made out, in the painting's colors and with contrast: no more. Whether a
    picture surprises, and is worth keeping, only the artist can tell, whose picks therefore go first.
    """

    forms: float
    """How well the edges of the photo are found in it: their correlation."""
    colors: float | None
    """How close its colors are to the painting's, by their mean and covariance; None where the photo's are kept."""
    contrast: float
    """Of light and dark, as far as the painting has it."""

    @property
    def value(self) -> float:
        """The geometric mean: a picture that has nothing of one promises nothing."""
        parts = [part for part in (self.forms, self.colors, self.contrast) if part is not None]
        return round(float(np.prod(parts)) ** (1 / len(parts)), 4)

    @classmethod
    def of(cls, proof: Picture, photo: Picture, style: Style, options: PaintOptions) -> Self:
        """That of a proof.

        Args:
            proof: 8 bits.
            photo: as large.
            style: that it is painted in.
            options: that it is painted with.
        """
        small, before = _small(proof), _small(photo)
        forms = max(0.0, edge_agreement(small, before))
        wanted = style.card.palette(options.shares(style))
        contrast = min(1.0, float(luminance(small.as_float()).std()) / _contrast_of(wanted[1]))
        colors = None
        if options.color != "photo":
            colors = float(np.exp(-_distance(*color_statistics(small.as_float()), *wanted) / COLOR_SCALE))
        return cls(round(forms, 4), None if colors is None else round(colors, 4), round(contrast, 4))


def _small(picture: Picture) -> Picture:
    """Means of squares of pixels: quick, and enough to see forms and colors."""
    factor = max(1, max(picture.width, picture.height) // LOOK_PX)
    return Picture(np.asarray(Image.fromarray(picture.pixels).reduce(factor)))


def _contrast_of(covariance: np.ndarray) -> float:
    """What is contrast enough for a painting with colors of this covariance: dark and soft ones have less."""
    own = float(np.sqrt(max(0.0, LUMINANCE @ covariance @ LUMINANCE)))
    return min(FULL_CONTRAST, max(LEAST_CONTRAST, own))


def _distance(mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other: np.ndarray) -> float:
    """The 2-Wasserstein distance of two normal distributions.

    Source: Givens & Shortt 1984.
    """
    root = _root(covariance)
    squared = ((mean - other_mean) ** 2).sum() + np.trace(covariance + other - 2 * _root(root @ other @ root))
    return float(np.sqrt(max(0.0, squared)))


def _root(matrix: np.ndarray) -> np.ndarray:
    """Of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
