"""The styles as a server lists them: read anew only where files have changed."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from models import catalog
from models.card import STRENGTH_RANGE
from models.catalog import SUFFIX, Catalog, Style
from serve.api.problems import refusal, without_folder
from serve.api.thumbnails import thumbnail_tag
from serve.paint_options import BRUSH_RANGE


class StyleList:
    """What is in the folders of styles now."""

    def __init__(self) -> None:
        self._read = functools.lru_cache(1)(lambda files: catalog.survey())

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
