"""The pictures of a comparison, as its report shows them: at one size, opaque, with their names."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from nst_core.duration import duration
from nst_core.picture import Picture, fit_long_side, picture_bytes
from studio.compare.comparison import Comparison

QUALITY = 90
"""Of the JPEGs inside a page."""


@dataclass(frozen=True)
class Shown:
    """A picture of a report."""

    key: str
    """`photo`, `painting`, or that of its rendering."""
    title: str
    seconds: float | None
    """To paint it; None where nobody did."""
    picture: Picture
    """8 bits, opaque; the painting as long, all others as large as the fast one."""


def shown_pictures(comparison: Comparison) -> Iterator[Shown]:
    """Photo, painting where it is at hand, and all renderings."""
    width, height = comparison.fast.picture.width, comparison.fast.picture.height
    yield Shown("photo", "Photo", None, opaque(comparison.photo.resized(width, height)))
    painting = comparison.painting
    if painting is not None:
        size = fit_long_side(painting.width, painting.height, max(width, height))
        yield Shown("painting", "Painting", None, opaque(painting.resized(*size)))
    for rendering in comparison.renderings:
        picture = opaque(rendering.picture.resized(width, height))
        yield Shown(rendering.key, rendering.title, rendering.seconds, picture)


def opaque(picture: Picture) -> Picture:
    """A picture on white, with 8 bits, and nothing beside its pixels."""
    picture = picture.with_bits(8)
    if picture.alpha is None:
        return Picture(picture.pixels)
    cover = picture.alpha[..., None] / 255.0
    return Picture.from_float(picture.as_float() * cover + (1 - cover))


def data_uri(picture: Picture, quality: int = QUALITY) -> str:
    """A picture as the address of itself."""
    return "data:image/jpeg;base64," + base64.b64encode(picture_bytes(picture, "picture.jpg", quality=quality)).decode()


def seconds_text(seconds: float) -> str:
    """As `0.042 s`, `4.2 s`, `42 s`, `3 min 20 s`."""
    return duration(seconds) if seconds >= 10 else f"{seconds:.2g} s"
