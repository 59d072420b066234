"""The pictures that an optimization starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst_core.known_painting import KnownPainting
from nst_core.picture import Picture


@dataclass(frozen=True)
class Style:
    """A painting, its share, and where it applies."""

    painting: Picture | KnownPainting
    share: float = 1.0
    mask: np.ndarray | None = None
    """(H, W) in [0, 1] at the photo's size, or None for everywhere."""


@dataclass(frozen=True)
class Sources:
    """The pictures an optimization starts from."""

    photo: Picture
    styles: tuple[Style, ...]
    protect: np.ndarray | None = None
    """(H, W) in [0, 1] at the photo's size: 1 keeps the photo as it is."""
    draft: Picture | None = None
    """What start=picture starts from."""
    only: np.ndarray | None = None
    """(H, W) in [0, 1] at the photo's size: 0 keeps the draft as it is; None changes it everywhere.

    All of the draft is optimized, as a part alone would be pulled to what the whole lacks of the painting.
    """

    @property
    def held_bytes(self) -> int:
        """Memory that the pictures take."""
        pictures = [p for p in (self.photo, *(s.painting for s in self.styles), self.draft) if isinstance(p, Picture)]
        masks = [m for m in (self.protect, self.only, *(s.mask for s in self.styles)) if m is not None]
        return sum(p.pixels.nbytes for p in pictures) + sum(m.nbytes for m in masks)

    @property
    def known(self) -> list[KnownPainting]:
        """The paintings that are known by their statistics alone."""
        return [s.painting for s in self.styles if isinstance(s.painting, KnownPainting)]
