"""What several styles made of a photo, put together to one picture, one after the other."""

from collections.abc import Sequence

import numpy as np

from nst_core.picture import Picture, fit_long_side
from nst_core.picture_samples import bands, to_bits, to_float
from studio.photobash.borders import Borders
from studio.photobash.palette import Palette, picture_palette, recoloring
from studio.photobash.parts import FEATHER_SHARE, Part, PhotobashOptions


class Mix:
    """A picture that styles are added to, in their order; holds one picture, however many there are.

    Args:
        photo: in any size.
        parts: the styles with their masks.
        options: how they come together.
    """

    def __init__(self, photo: Picture, parts: Sequence[Part], options: PhotobashOptions) -> None:
        longest = max(photo.width, photo.height)
        long_side = options.size or longest
        feather_px = FEATHER_SHARE * longest if options.feather_px is None else options.feather_px
        photo = photo.resized(*fit_long_side(photo.width, photo.height, long_side))
        self._borders = Borders(photo, [part.mask for part in parts], feather_px * long_side / longest)
        self._options, self._added = options, 0
        self._wanted = options.palette if isinstance(options.palette, Palette) else None
        self.picture: Picture | None = None
        """What was added so far."""

    def add(self, painted: Picture, own: Palette | None = None) -> None:
        """Adds the whole photo painted in the next style, which becomes part of the result.

        Args:
            painted: as large as the photo.
            own: its colors, where they are not to be measured.
        """
        recolor = None
        if self._options.palette != "none":
            own = own or picture_palette(painted)
            self._wanted = self._wanted or own
            recolor = recoloring(own, self._wanted, self._options.palette_strength)
        under, number = self.picture, self._added
        for band in bands(painted.height, painted.width):
            rows = to_float(painted.pixels[band])
            rows = recolor(rows) if recolor else rows
            if under is not None:
                shares = self._borders.rows(band)
                over = shares[..., number] / np.maximum(shares[..., : number + 1].sum(2), 1e-6)
                below = to_float(under.pixels[band])
                rows = below + over[..., None] * (np.clip(rows, 0, 1) - below)
            painted.pixels[band] = to_bits(rows, painted.bit_depth)
        self.picture, self._added = painted, number + 1
