"""The work behind a request, as its thread does it: decode, paint, encode; and looking into a file."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

from models.catalog import Style
from nst_core.picture import Picture, fit_long_side, picture_bytes, read_picture_bytes
from nst_core.picture_metadata import settings_text
from serve.api.admission import Progress
from serve.api.forms import Photo, Wish
from serve.api.limits import Limits
from serve.api.problems import refused, without_folder
from serve.engine import Engine
from serve.record import paint_settings

PREVIEW_QUALITY = 85


@dataclass(frozen=True)
class Painted:
    """A finished picture."""

    data: bytes
    width: int
    height: int
    seconds: float
    """That painting took, without decoding and encoding."""


def paint(engine: Engine, photo: Photo, style: Style, wish: Wish, limits: Limits, progress: Progress) -> Painted:
    """Paints a photo as `impasto paint` would.

    Raises:
        HTTPException: 415, it is no picture; 422 or 413, it cannot be painted so.
    """
    picture = _read(photo, limits)
    picture = picture.with_bits(wish.bits or picture.bit_depth)
    start = time.perf_counter()
    with refused(422, lambda text: without_folder(text, style.path)):
        painting = engine.stylize(picture, style, wish.options, progress)
        seconds = time.perf_counter() - start
        settings = paint_settings(picture, style, wish.options, seconds)
        progress(1.0)
        name = wish.filename(photo, style)
        data = picture_bytes(painting, name, settings=settings, quality=wish.quality, bits=wish.bits)
    return Painted(data, painting.width, painting.height, seconds)


def inspect(photo: Photo, preview_px: int, limits: Limits) -> dict[str, Any]:
    """What is in a file: size, settings, and a preview as a data address.

    Raises:
        HTTPException: 415, it is no picture.
    """
    picture = _read(photo, limits)
    return {
        "name": photo.name,
        "width": picture.width,
        "height": picture.height,
        "bits": picture.bit_depth,
        "alpha": picture.alpha is not None,
        "settings": _plain(picture),
        "preview": _preview(picture, preview_px) if preview_px else None,
    }


def _read(photo: Photo, limits: Limits) -> Picture:
    photo.file.seek(0)  # a stream reads it for each of its styles
    with refused(415):
        return read_picture_bytes(photo.file.read(), photo.name, max_pixels=limits.pixels)


def _plain(picture: Picture) -> dict[str, Any] | None:
    """The settings in a picture, as JSON can hold them: a file may come from anywhere."""
    try:
        return None if picture.settings is None else json.loads(settings_text(picture.settings))
    except (ValueError, RecursionError):
        return None


def _preview(picture: Picture, long_side: int) -> str:
    if max(picture.width, picture.height) > long_side:
        picture = picture.resized(*fit_long_side(picture.width, picture.height, long_side))
    data = picture_bytes(picture, "preview.jpg", quality=PREVIEW_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
