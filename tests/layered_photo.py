"""A photo and its renders, drawn by code, for the tests of the Layers tab; and how the tab's answers are read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from nst_core.files import sha256
from nst_core.ledger import Ledger
from nst_core.picture import Picture, read_picture, write_picture

STYLES = ("waves", "night", "lilies")


def drawn_photo(width: int = 240, height: int = 160) -> Picture:
    """A warm disk on a cool, calm ground, with a fine pattern on it."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    disk = np.hypot(rows - height * 0.55, columns - width * 0.4) < 0.3 * height
    ground = np.stack([0.2 + 0.2 * columns / width, 0.4 + 0.2 * rows / height, 0.7 + 0 * rows], -1)
    pattern = 0.1 * np.sin(columns) * np.sin(rows)
    subject = np.stack([0.85 + pattern, 0.5 + pattern, 0.15 + pattern], -1)
    return Picture.from_float(np.where(disk[..., None], subject, ground))


def painted(photo: Picture, style: str, settings: bool = True, **said: Any) -> tuple[Picture, dict[str, Any] | None]:
    """What a style might make of a photo, another for each, and what its file says."""
    number = STYLES.index(style)
    image = gaussian_filter(photo.as_float(), (3 - number, 3 - number, 0))[..., np.roll([0, 1, 2], number + 1)]
    made = {
        "command": "paint",
        "photo": {"file": "cat.png", "sha256": "c" * 64},
        "style": {"name": style, "sha256": "0" * 64},
        "options": {"size": 0, "strength": 1.0, "brush_size": 1.0, "weights": [], "color": "painting"},
    }
    return Picture.from_float(image), made | said if settings else None


def write_pictures(folder: Path, width: int = 240, height: int = 160) -> tuple[Path, list[Path]]:
    """`cat.png`, and what three styles made of it."""
    photo = drawn_photo(width, height)
    write_picture(photo, folder / "cat.png")
    renders = []
    for style in STYLES:
        picture, settings = painted(photo, style)
        renders.append(folder / f"cat-{style}.png")
        write_picture(picture, renders[-1], settings=settings)
    return folder / "cat.png", renders


def sweep(folder: Path) -> tuple[Path, Path]:
    """A sweep's folder with renders of a photo beside it; and that photo."""
    gallery = folder / "sweep"
    photo, renders = write_pictures(gallery)
    photo = photo.rename(folder / photo.name)
    source = {"file": photo.name, "sha256": sha256(photo)}
    for path in renders:
        render = read_picture(path)
        write_picture(render, path, settings={**(render.settings or {}), "photo": source})
    Ledger(gallery / "sweep.sqlite").add("cat", {"photo": {"path": str(photo), "sha256": source["sha256"]}})
    return gallery, photo


@dataclass(frozen=True)
class Told:
    """An event of a stream, and the bytes that followed it."""

    event: str
    fields: dict[str, Any]
    data: bytes


def told(body: bytes) -> Iterator[Told]:
    """The events of an answer of the tab's routes."""
    while body:
        line, body = body.split(b"\n", 1)
        fields = json.loads(line)
        count = fields.get("bytes", 0)
        yield Told(fields.pop("event"), fields, body[:count])
        body = body[count:]
