"""Which photos a folder holds, and their pixels at the size that training looks at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage
from PIL import Image

from nst_core.errors import ConfigError, ImageError
from nst_core.picture import find_pictures, fit_long_side, read_picture

SHORTEST_SIDE_PX = 96
"""A photo that is narrower, once resized, is left out."""

SCIKIT_IMAGE_PHOTOS = (
    "astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "motorcycle_left.png", "rocket.jpg",
)  # fmt: skip
"""Those in color that scikit-image brings along and does not download."""


FIXED_PHOTOS = ("astronaut.png", "coffee.png", "chelsea.png")
"""Of these, those that styles are shown on: a face, a still life and an animal."""

FIXED_STRENGTHS = (0.5, 1.0, 1.5)
"""Those that a training is shown at."""


def fixed_photos() -> list[Path]:
    """The files of `FIXED_PHOTOS`."""
    return [Path(skimage.__file__).parent / "data" / name for name in FIXED_PHOTOS]


@dataclass(frozen=True)
class Source:
    """A photo's file, as far as it can be known without reading it."""

    name: str
    """Path from the folder, with forward slashes."""
    size: int
    """Bytes."""
    mtime_ns: int


class Photo(NamedTuple):
    """A photo as it was read."""

    pixels: np.ndarray
    """(H, W, 3) uint8, sRGB."""
    sha256: str
    """Of its file."""


def find_photos(folder: Path | None, limit: int | None = None) -> tuple[Path, list[Source]]:
    """The photos of a folder and its subfolders, sorted, and the folder that their names begin from.

    Args:
        folder: None for the photos that scikit-image brings along; nothing is downloaded.
        limit: takes at most so many, evenly from the whole folder.

    Raises:
        ConfigError: there are none.
    """
    if folder is None:
        folder = Path(skimage.__file__).parent / "data"
        paths = [path for name in SCIKIT_IMAGE_PHOTOS if (path := folder / name).is_file()]
    elif folder.is_dir():
        paths = find_pictures([folder])
    else:
        raise ConfigError(f"{folder} is not a folder; name a folder of photos")
    if not paths:
        raise ConfigError(f"{folder}: no photos found; name a folder of JPEG or PNG photos")
    count = min(limit or len(paths), len(paths))
    return folder, [_source(paths[i * len(paths) // count], folder) for i in range(count)]


def _source(path: Path, folder: Path) -> Source:
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"{path} went away while {folder} was searched; run the same command again") from error
    return Source(path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns)


def read_photo(path: Path, long_side_px: int) -> Photo | str:
    """A photo, its longer side reduced to `long_side_px` if it is larger; or why it is of no use."""
    try:
        picture = read_picture(path)
    except ImageError as error:
        return str(error).removeprefix(str(path)).lstrip(": ")
    pixels = picture.with_bits(8).pixels
    size = fit_long_side(picture.width, picture.height, min(long_side_px, max(picture.width, picture.height)))
    if min(size) < SHORTEST_SIDE_PX:
        return f"only {min(size)} pixels on its short side, fewer than {SHORTEST_SIDE_PX}"
    if size != (picture.width, picture.height):
        # By Pillow on 8 bits: a third of the time of Picture.resized, and as good for crops.
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    return Photo(np.ascontiguousarray(pixels), str(picture.sha256))
