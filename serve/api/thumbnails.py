"""The pictures by which styles are chosen: those that ship, and those of other styles, painted once and kept."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import skimage

from models.catalog import Style, thumbnail_path
from nst_core.picture import fit_long_side, picture_bytes, read_picture
from serve.engine import Engine

LONG_SIDE_PX = 256
KEPT = 256
"""Painted ones, the newest."""
PHOTO = "chelsea.png"
"""What thumbnails are painted of, from scikit-image: the same as those that ship."""


@dataclass(frozen=True)
class Thumbnail:
    """What a photo looks like in a style."""

    data: bytes
    """PNG."""
    tag: str
    """Changes when the picture does."""


class Thumbnails:
    """The thumbnails of styles.

    Args:
        engine: paints those of styles that bring none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._painted: dict[str, Thumbnail] = {}

    def find(self, style: Style) -> Thumbnail | None:
        """A style's thumbnail, if it need not be painted."""
        tag = thumbnail_tag(style)
        path = thumbnail_path(style)
        return Thumbnail(path.read_bytes(), tag) if path else self._painted.get(tag)

    def paint(self, style: Style) -> Thumbnail:
        """The same, painted.

        Raises:
            NstError: the style cannot be painted with.
        """
        tag = thumbnail_tag(style)
        photo = read_picture(Path(skimage.__file__).parent / "data" / PHOTO)
        photo = photo.resized(*fit_long_side(photo.width, photo.height, LONG_SIDE_PX))
        painted = Thumbnail(picture_bytes(self._engine.stylize(photo, style), "thumbnail.png"), tag)
        while len(self._painted) >= KEPT:
            self._painted.pop(next(iter(self._painted)), None)
        self._painted[tag] = painted
        return painted


def thumbnail_tag(style: Style) -> str:
    """Tells a thumbnail from others; of what is in the files, so that every server of the same files says the same."""
    path = thumbnail_path(style)
    content = style.card.to_json().encode() + (path.read_bytes() if path else b"")
    return hashlib.sha256(content).hexdigest()[:16]
