"""The pictures that an optimization starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst_core.known_painting import KnownPainting
from nst_core.picture import Picture

HALF_AT = 25
"""Iterations from which on the photo is the larger part of what a fast picture's refinement begins with."""


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
    draft_share: float = 1.0
    """Of the draft in what it starts from; the rest is the photo."""
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


def fast_share(iterations: int) -> float:
    """`Sources.draft_share` for the picture of a fast network that so many iterations refine.

    What it lacks of the photo comes back at once, and the more iterations there are, the more of the painting they
    bring themselves. On six pairs of photo and style at 512 px, J by an independent judge after 25 iterations was
    0.385 from the fast picture alone, 0.375 from its mean with the photo, and 0.390 from the photo.
    """
    return HALF_AT / (HALF_AT + iterations)
