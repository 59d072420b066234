"""Which style paints which region, where the regions are found rather than given."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from models.catalog import Style
from nst_core.errors import ConfigError, ImageError
from nst_core.picture import Picture, fit_long_side
from studio.photobash.parts import MOST_REGIONS, Part, check_count
from studio.photobash.regions import large_regions
from studio.subject.segment import subject_mask

SUBJECT_PX = 1024
"""Long side at which the subject is looked for."""
NOTHING = 0.005
"""A subject that takes less of the picture is none; nor is one that leaves less."""

Regions = Literal["subject"] | int
"""subject: it and what is behind it. A number: so many large regions, alike in color and texture."""


def assign(photo: Picture, styles: Sequence[Style], regions: Regions | None = None) -> list[Part]:
    """The styles with the masks of the regions that they paint.

    Of subject and background, the first style paints the subject. Of several regions, the first style paints the
    largest, the second the next, and so on; where there are more regions than styles, it is the first one's turn again.

    Args:
        photo: in which regions are found.
        styles: two or more.
        regions: which; None is subject for two styles, and as many regions as styles for more.

    Raises:
        ConfigError: There is one style only, there are more than regions, no such number of regions can be, or what
            finds the subject is not installed.
        ImageError: The photo has no such regions.
    """
    check_count(len(styles))
    regions = regions_of(len(styles), regions)
    if regions == "subject":
        if len(styles) != 2:
            raise ConfigError(f"subject and background are two regions, for two styles, not {len(styles)}")
        return [Part(styles[0], _subject(photo)), Part(styles[1])]
    if not 2 <= regions <= MOST_REGIONS:
        raise ConfigError(f"a photo is parted into 2 to {MOST_REGIONS} regions, not {regions}")
    if regions < len(styles):
        raise ConfigError(f"{regions} regions are too few for {len(styles)} styles; ask for {len(styles)} or more")
    masks = np.stack(large_regions(photo, regions))
    return [Part(style, masks[number :: len(styles)].sum(0)) for number, style in enumerate(styles)]


def regions_of(styles: int, regions: Regions | None) -> Regions:
    """The regions that are asked for, or those that fit so many styles."""
    return regions or ("subject" if styles == 2 else styles)


def _subject(photo: Picture) -> np.ndarray:
    long_side = min(SUBJECT_PX, max(photo.width, photo.height))
    mask = subject_mask(photo.resized(*fit_long_side(photo.width, photo.height, long_side)).as_float())
    if not NOTHING < mask.mean() < 1 - NOTHING:
        raise ImageError(f"{photo.name or 'the photo'} has no clear subject; ask for large regions, or give masks")
    return mask
