"""What an enlarged picture says about how it was made, and how one that Impasto painted could be repainted instead."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst_core.errors import ImageError
from nst_core.picture import Picture, read_settings
from nst_core.picture_metadata import settings_text
from nst_core.provenance import provenance
from studio.upscale.enlarge import Enlarger

COMMAND = "upscale"
NEUTRAL: Mapping[str, Any] = {"strength": 1.0, "brush_size": 1.0, "color": "painting", "weights": []}
"""Options of painting that need not be said, and those that a command is to repeat."""


def upscale_settings(picture: Picture, enlarger: Enlarger, seconds: float) -> dict[str, Any]:
    """The settings that are kept inside an enlarged picture: all that were in it, and how it was enlarged.

    Args:
        picture: as it was read.
        enlarger: what enlarged it.
        seconds: it took.
    """
    found = dict(picture.settings or {"command": COMMAND, "versions": provenance()})
    earlier = {"earlier": found[COMMAND]} if COMMAND in found else {}
    return found | {
        COMMAND: _made_by(picture.name, picture.sha256, enlarger) | earlier | {"seconds": round(seconds, 3)}
    }


def is_enlarged_so(path: Path, name: str, sha256: str, enlarger: Enlarger) -> bool:
    """Whether a file is a picture of this name and content, enlarged in the same way by an earlier run."""
    try:
        found = (read_settings(path).settings or {}).get(COMMAND)
    except ImageError:
        return False
    wanted = json.loads(settings_text(_made_by(name, sha256, enlarger)))
    return isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items())


def _made_by(name: str, sha256: str | None, enlarger: Enlarger) -> dict[str, Any]:
    return {"picture": {"file": name, "sha256": sha256}, **enlarger.settings}


def repaint_command(picture: Picture, factor: int) -> str | None:
    """The command that paints a picture of Impasto's as large, instead of enlarging it; None if it painted it not.

    What a file says of itself may come from anywhere: what does not fit is not repeated.
    """
    settings = picture.settings or {}
    photo, style, options = (settings.get(key) for key in ("photo", "style", "options"))
    if settings.get("command") != "paint" or not (
        isinstance(photo, dict) and isinstance(style, dict) and isinstance(options, dict)
    ):
        return None
    size = max(picture.width, picture.height) * factor
    words = ["impasto", "paint", str(photo.get("file")), "--style", str(style.get("name")), "--size", str(size)]
    for name, neutral in NEUTRAL.items():
        value = options.get(name, neutral)
        if value != neutral:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            words += ["--" + name.replace("_", "-"), text]
    refinement = settings.get("refinement")
    if isinstance(refinement, dict):
        words += ["--refine", str(refinement.get("iterations"))]
    line = shlex.join(words)
    return line if line.isprintable() else None
