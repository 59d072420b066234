"""Colors in and out: what the optimizer is shown, and what its result becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from nst_core.color import luminance
from nst_core.color_transfer import (
    color_statistics,
    keep_luminance,
    match_histogram,
    match_luminance,
    match_mean_covariance,
)
from nst_core.gatys_options import ColorMode, PaletteMatch
from nst_core.known_painting import KnownPainting
from nst_core.picture import Picture, fit_long_side
from nst_core.tensor import to_picture

THUMBNAIL_PX = 512
"""Long side at which a photo's luminance is measured."""


def _gray(rgb: np.ndarray) -> np.ndarray:
    """The same luminance without the color, (H, W, 3)."""
    return np.repeat(luminance(rgb)[..., None], 3, axis=2)


@dataclass(frozen=True, eq=False)
class Kept:
    """What stays as it is."""

    share: np.ndarray
    """(H, W) in [0, 1]: 1 where nothing of the picture changes."""
    picture: Picture
    """Of the same size."""


class Finish:
    """The color mode of one optimization, at one scale, and what it leaves alone.

    With color=photo all is painted in gray, the painting's luminance matched to the photo's, and the
    photo's own color comes back at the end (luminance-only transfer of Gatys et al. 2017, arXiv 1611.07865).

    Args:
        photo: at the scale's size.
        palette: the painting whose palette color=palette takes.
        color: the mode.
        palette_match: how a palette is matched.
        kept: what stays as it is, at the scale's size; the last one goes first.
    """

    def __init__(
        self,
        photo: Picture,
        palette: Picture | KnownPainting,
        color: ColorMode,
        palette_match: PaletteMatch,
        kept: Sequence[Kept] = (),
    ) -> None:
        self.photo, self.color, self.kept = photo, color, kept
        self._palette, self._palette_match = palette, palette_match

    def prepare(self, rows: np.ndarray, top: int, bottom: int) -> np.ndarray:
        """Rows of the photo, or of a draft, as the optimizer is to see them."""
        return _gray(rows) if self.color == "photo" else rows

    def painting(self, painting: Picture) -> Picture:
        """A painting as the optimizer is to see it."""
        if self.color != "photo":
            return painting
        long_side = min(THUMBNAIL_PX, max(self.photo.width, self.photo.height))
        thumbnail = self.photo.resized(*fit_long_side(self.photo.width, self.photo.height, long_side))
        matched = match_luminance(luminance(painting.as_float()), luminance(thumbnail.as_float()))
        return Picture.from_float(np.repeat(matched[..., None], 3, axis=2), like=painting)

    def picture(self, x: Tensor, bits: int = 8) -> Picture:
        """What the optimizer made, (1, 3, H, W), in its final colors, with the photo's alpha and EXIF."""
        if self.color == "palette":
            matched = self._matched(to_picture(x, self.photo, 16).as_float())
            return to_picture(x, self.photo, bits, lambda _, top, bottom: self._keep(matched[top:bottom], top, bottom))
        return to_picture(x, self.photo, bits, self._change)

    def _matched(self, rgb: np.ndarray) -> np.ndarray:
        palette = self._palette
        if isinstance(palette, KnownPainting):
            return match_mean_covariance(rgb, palette.color_mean, palette.color_covariance)
        if self._palette_match == "histogram":
            return match_histogram(rgb, palette.as_float())
        return match_mean_covariance(rgb, *color_statistics(palette.as_float()))

    def _change(self, rows: np.ndarray, top: int, bottom: int) -> np.ndarray:
        if self.color == "photo":
            rows = keep_luminance(rows, self.photo.rows(top, bottom))
        return self._keep(rows, top, bottom)

    def _keep(self, rows: np.ndarray, top: int, bottom: int) -> np.ndarray:
        for kept in self.kept:
            rows = rows + kept.share[top:bottom, :, None] * (kept.picture.rows(top, bottom) - rows)
        return rows
