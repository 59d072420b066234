"""The styles as a server shows them: read anew only where files have changed, each with its thumbnail."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import skimage

from models import catalog
from models.card import STRENGTH_RANGE
from models.catalog import SUFFIX, Catalog, Style, thumbnail_path
from nst_core.picture import fit_long_side, picture_bytes, read_picture
from serve.api.problems import refusal
from serve.engine import Engine
from serve.paint_options import BRUSH_RANGE

THUMBNAIL_PX = 256
THUMBNAILS_KEPT = 256
PHOTO = "chelsea.png"
"""What thumbnails are painted of, from scikit-image: the same as those that ship."""


@dataclass(frozen=True)
class Thumbnail:
    """A picture for the wall."""

    data: bytes
    """PNG."""
    tag: str
    """Changes when the picture does."""


class Wall:
    """What is in the folders of styles now.

    Args:
        engine: paints the thumbnails of styles that bring none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = functools.lru_cache(1)(lambda files: catalog.survey())
        self._painted: dict[str, Thumbnail] = {}

    def catalog(self) -> Catalog:
        """All styles, and the files that are none."""
        return self._read(_files())

    def style(self, name: str) -> Style:
        """A style by its name; what is no name of the list, like a path, leads nowhere.

        Raises:
            HTTPException: 404, there is none.
        """
        found = self.catalog()
        for style in found.styles:
            if style.name == name:
                return style
        for broken in found.broken:
            if broken.path.name == name + SUFFIX:
                raise refusal(404, f"the style {name!r} is broken: {without_folder(broken.reason, broken.path)}")
        raise refusal(404, f"there is no style {name!r}; GET /api/v1/styles lists them")

    def thumbnail(self, style: Style) -> Thumbnail | None:
        """What a photo looks like in a style, if it need not be painted."""
        tag = thumbnail_tag(style)
        path = thumbnail_path(style)
        return Thumbnail(path.read_bytes(), tag) if path else self._painted.get(tag)

    def paint_thumbnail(self, style: Style) -> Thumbnail:
        """The same, painted.

        Raises:
            NstError: the style cannot be painted with.
        """
        tag = thumbnail_tag(style)
        photo = read_picture(Path(skimage.__file__).parent / "data" / PHOTO)
        photo = photo.resized(*fit_long_side(photo.width, photo.height, THUMBNAIL_PX))
        painted = Thumbnail(picture_bytes(self._engine.stylize(photo, style), "thumbnail.png"), tag)
        while len(self._painted) >= THUMBNAILS_KEPT:
            self._painted.pop(next(iter(self._painted)), None)
        self._painted[tag] = painted
        return painted


def describe_catalog(found: Catalog) -> dict[str, Any]:
    """The answer to `GET /api/v1/styles`."""
    return {
        "styles": [_describe(style) for style in found.styles],
        "broken": [
            {"file": broken.path.name, "reason": without_folder(broken.reason, broken.path)} for broken in found.broken
        ],
        "strength": list(STRENGTH_RANGE),
        "brush_size": list(BRUSH_RANGE),
    }


def _describe(style: Style) -> dict[str, Any]:
    card = style.card
    paintings = [
        {"name": painting.name, "title": painting.title, "artist": painting.artist, "license": painting.license}
        for painting in card.paintings
    ]
    return {
        "name": style.name,
        "title": card.title,
        "artist": _each([painting["artist"] for painting in paintings]),
        "license": _each([painting["license"] for painting in paintings]),
        "paintings": paintings,
        "network": card.network,
        "steps": card.steps,
        "size_px": card.size_px,
        "created": card.created,
        "figures": card.figures,
        "thumbnail": f"/api/v1/styles/{quote(style.name, safe='')}/thumbnail?v={thumbnail_tag(style)}",
    }


def _each(texts: Sequence[str]) -> str:
    """What several paintings say, without repeats."""
    return ", ".join(dict.fromkeys(texts))


def thumbnail_tag(style: Style) -> str:
    """Changes when the style's file or its thumbnail's does."""
    paths = [style.path, thumbnail_path(style)]
    stamps = [_stamp(path) for path in paths if path is not None]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]


def without_folder(text: str, path: Path) -> str:
    """A message without the folder of a file: where it lies is nobody's business but the server's."""
    return text.replace(str(path), path.name)


def _files() -> tuple[tuple[str, int, int], ...]:
    """What tells whether anything has changed in the folders of styles."""
    folders = (catalog.shipped_folder(), catalog.user_folder())
    return tuple(sorted(_stamp(path) for folder in folders for path in folder.glob(f"*{SUFFIX}")))


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:  # gone just now
        return (str(path), 0, 0)
    return (str(path), found.st_mtime_ns, found.st_size)
