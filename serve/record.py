"""What a painted picture says about how it was made, whoever asked for it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.catalog import Style
from nst_core.errors import ImageError
from nst_core.picture import Picture, read_picture
from nst_core.picture_metadata import settings_text
from nst_core.provenance import provenance
from serve.paint_options import PaintOptions


def paint_settings(
    photo: Picture,
    style: Style,
    options: PaintOptions,
    seconds: float,
    refinement: Mapping[str, Any] | None = None,
    upscale: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The settings that are kept inside a painted picture.

    Args:
        photo: as it was read.
        style: it was painted in.
        options: it was painted with.
        seconds: it took.
        refinement: how its strokes were refined, if they were.
        upscale: how the painted picture was enlarged, if it was.
    """
    settings = {
        "command": "paint",
        "photo": {"file": photo.name, "sha256": photo.sha256},
        "style": {"name": style.name, "sha256": style.sha256},
        "options": asdict(options),
        "versions": provenance(),
        "seconds": round(seconds, 3),
    }
    more = {"refinement": refinement, "upscale": upscale}
    return settings | {key: value for key, value in more.items() if value}


def is_painted_so(
    path: Path,
    photo: Picture,
    style: Style,
    options: PaintOptions,
    refinement: Mapping[str, Any] | None = None,
    upscale: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a file is a photo painted in a style, with the same options, by an earlier run."""
    try:
        found = read_picture(path).settings or {}
    except ImageError:
        return False
    wanted = json.loads(settings_text(paint_settings(photo, style, options, 0, refinement, upscale)))
    keys = ("command", "photo", "style", "options", "refinement", "upscale")
    return all(found.get(key) == wanted.get(key) for key in keys)
