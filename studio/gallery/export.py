"""The renders of a gallery with their ratings and settings, for other programs."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from studio.gallery.render import Render
from studio.gallery.store import Store

_COLUMNS = ("path", "photo", "style", "kind", "rating", "promise", "width", "height", "written", "command", "sha256")


def to_json(store: Store) -> str:
    """All renders as a list, each with its rating and the settings that made it."""
    return json.dumps([row | {"settings": settings} for row, settings in _rows(store)], indent=1) + "\n"


def to_csv(store: Store) -> str:
    """All renders as a table, with a column for each option that any of them was painted with."""
    rows = [row | _options(settings) for row, settings in _rows(store)]
    more = sorted({name for row in rows for name in row} - set(_COLUMNS))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_COLUMNS, *more], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _rows(store: Store) -> list[tuple[dict[str, Any], Mapping[str, Any]]]:
    settings = store.settings()
    return [(_row(render), settings.get(render.id, {})) for render in store.renders(order="name")]


def _row(render: Render) -> dict[str, Any]:
    written = datetime.fromtimestamp(render.changed, UTC).isoformat(timespec="seconds")
    width, height = render.size
    values = (render.path, render.photo, render.style, render.kind, render.rating, render.promise)
    return dict(zip(_COLUMNS, (*values, width, height, written, render.command, render.sha256), strict=True))


def _options(settings: Mapping[str, Any]) -> dict[str, str]:
    options = settings.get("options")
    found = options if isinstance(options, Mapping) else {}
    return {f"option {name}": _cell(value) for name, value in found.items()}


def _cell(value: Any) -> str:
    if isinstance(value, Sequence | Mapping) and not isinstance(value, str):
        return json.dumps(value)
    return "" if value is None else str(value)
