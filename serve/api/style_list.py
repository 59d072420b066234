"""The styles as a server lists them: read anew only where files have changed."""

import os
import threading
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

STYLES_VARIABLE = "IMPASTO_STYLES_DIR"

Files = tuple[tuple[str, int, int], ...]
"""Path, time of the last change and size of each."""


class StyleList:
    """What is in the folders of styles now."""

    def __init__(self) -> None:
        self._files: Files | None = None
        self._reading = threading.Lock()
        self.last = Catalog([], [])
        """As it was when somebody asked last."""

    def catalog(self) -> Catalog:
        """All styles, and the files that are none."""
        files = _files()
        with self._reading:
            if files != self._files:
                self.last, self._files = catalog.survey(), files
            return self.last

    def is_folder_missing(self) -> bool:
        """Whether the environment names a folder of styles that is not there, or not yet."""
        return bool(os.environ.get(STYLES_VARIABLE)) and not catalog.user_folder().is_dir()

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


def _files() -> Files:
    """What tells whether anything has changed in the folders of styles."""
    folders = (catalog.shipped_folder(), catalog.user_folder())
    return tuple(sorted(_stamp(path) for folder in folders for path in folder.glob(f"*{SUFFIX}")))


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:  # gone just now
        return (str(path), 0, 0)
    return (str(path), found.st_mtime_ns, found.st_size)
