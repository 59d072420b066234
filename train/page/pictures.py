"""Pictures as a part of the page's text, so that no file has to be served; each is made once."""

from __future__ import annotations

import base64
import contextlib
import functools
import io
from pathlib import Path

from PIL import Image

from nst_core.picture import fit_long_side
from train.page.trainings import read_painting
from train.photos.files import FIXED_PHOTOS, FIXED_STRENGTHS

THUMBNAIL_PX, QUALITY = 160, 85
KEPT = 256
"""So many pictures at a time."""


def thumbnail(path: Path) -> str:
    """A painting, small, as an image's address.

    Raises:
        ImageError: it cannot be read; the message has its name.
    """
    return _thumbnail(path, path.stat().st_mtime_ns if path.exists() else 0)


def strip(path: Path) -> str:
    """A training's preview, as an image's address; nothing where there is none."""
    with contextlib.suppress(OSError):
        return _part(path, path.stat().st_mtime_ns, None)
    return ""


def sample(path: Path, paintings: int) -> str:
    """The first photo of a preview, at strength 1 or in the first of several paintings; nothing where there is none."""
    columns = 1 + (len(FIXED_STRENGTHS) if paintings == 1 else paintings)
    column = 1 + (FIXED_STRENGTHS.index(1.0) if paintings == 1 else 0)
    with contextlib.suppress(OSError):
        return _part(path, path.stat().st_mtime_ns, (column, columns))
    return ""


@functools.lru_cache(KEPT)
def _thumbnail(path: Path, mtime_ns: int) -> str:
    picture = read_painting(path)
    side = min(THUMBNAIL_PX, max(picture.width, picture.height))
    small = picture.resized(*fit_long_side(picture.width, picture.height, side)).with_bits(8)
    return _address(Image.fromarray(small.pixels))


@functools.lru_cache(KEPT)
def _part(path: Path, mtime_ns: int, cell: tuple[int, int] | None) -> str:
    """A preview, or of its first row one column of so many."""
    with Image.open(path, formats=["PNG"]) as picture:
        if cell:
            column, columns = cell
            width, height = picture.width // columns, picture.height // len(FIXED_PHOTOS)
            return _address(picture.crop((column * width, 0, (column + 1) * width, height)))
        return _address(picture)


def _address(picture: Image.Image) -> str:
    jpeg = io.BytesIO()
    picture.convert("RGB").save(jpeg, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")
