"""Pictures as artists have them: read from any usual file, kept as read, written with all that came along."""

import contextlib
import glob
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from nst_core.errors import ImageError
from nst_core.files import CHUNK_BYTES, atomic_path, write_bytes
from nst_core.picture_decode import decode, peek
from nst_core.picture_encode import DEEP_FORMATS, FORMATS, encode
from nst_core.picture_metadata import settings_text
from nst_core.picture_samples import change_bits, resize, to_bits, to_float

MAX_PIXELS = 250_000_000
"""The largest picture that is read unless the caller says otherwise."""

READABLE_SUFFIXES = {*FORMATS, ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif"}
"""Suffixes of the files that a folder is searched for; what a file really is, its content tells."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory, as many bits as it came with; float only by rows or crops."""

    pixels: np.ndarray
    """(H, W, 3) uint8 or uint16, sRGB."""
    alpha: np.ndarray | None = None
    """(H, W), same dtype, not multiplied into the colors; None when opaque."""
    exif: bytes | None = None
    """EXIF block without orientation, GPS, thumbnail and maker note."""
    name: str = ""
    """File name, never a path."""
    sha256: str | None = None
    """Of the file it came from, None when it came from none."""
    settings: Mapping[str, Any] | None = None
    """The settings inside the file, if Impasto wrote it with any."""

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def bit_depth(self) -> int:
        """8 or 16 bits a channel."""
        return self.pixels.dtype.itemsize * 8

    def crop(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        """A part, ends excluded, as float32 (bottom - top, right - left, 3) in [0, 1]."""
        return to_float(self.pixels[top:bottom, left:right])

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Rows `top` to `bottom`, end excluded, as float32 (bottom - top, W, 3) in [0, 1]."""
        return to_float(self.pixels[top:bottom])

    def as_float(self) -> np.ndarray:
        """All of it as float32 (H, W, 3) in [0, 1]: 12 bytes a pixel."""
        return to_float(self.pixels)

    def with_bits(self, bits: int) -> Self:
        """The same picture with 8 or 16 bits a channel, rounded to the nearest."""
        if bits == self.bit_depth:
            return self
        alpha = None if self.alpha is None else change_bits(self.alpha, bits)
        return replace(self, pixels=change_bits(self.pixels, bits), alpha=alpha)

    def resized(self, width: int, height: int) -> Self:
        """The picture at another size, antialiased (Lanczos), at its own bit depth.

        Colors count by their alpha, so that what is transparent does not bleed into what is not.
        """
        if (width, height) == (self.width, self.height):
            return self
        pixels, alpha = resize(self.pixels, self.alpha, width, height)
        return replace(self, pixels=pixels, alpha=alpha)

    @classmethod
    def from_float(cls, array: np.ndarray, *, like: "Picture | None" = None, bits: int = 8) -> "Picture":
        """A picture from floats, clipped and rounded to the nearest level.

        Args:
            array: (H, W, 3) in [0, 1].
            like: gives its alpha (resized where needed), EXIF and name.
            bits: 8 or 16 a channel.
        """
        pixels = to_bits(array, bits)
        if like is None:
            return cls(pixels)
        alpha = None
        if like.alpha is not None:
            height, width = array.shape[:2]
            alpha = like.resized(width, height).with_bits(bits).alpha
        return cls(pixels, alpha, like.exif, like.name)


@dataclass(frozen=True)
class PaintedFile:
    """What a picture file says of itself."""

    width: int
    height: int
    settings: Mapping[str, Any] | None
    """What made it, if Impasto wrote it with any."""


def fit_long_side(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Width and height, in proportion, of a picture whose longer side is to be `long_side` pixels."""
    longest = max(width, height)
    return max(1, round(width * long_side / longest)), max(1, round(height * long_side / longest))


def read_picture(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Reads a JPEG, PNG, WebP, TIFF, BMP, GIF (first frame) or, with pillow-heif, HEIC file.

    What kind it is, its content tells. EXIF orientation is applied and colors become sRGB; PNG and TIFF
    keep 16 bits a channel, all else has 8.

    Args:
        path: the file.
        max_pixels: a larger picture is refused before it is decoded.

    Raises:
        ImageError: It cannot be read; the message names the file, and what to do.
    """
    with _open(Path(path)) as file:
        return _read(file, Path(path).name, str(path), max_pixels)


def read_settings(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> PaintedFile:
    """What a file says of itself, mostly without decoding its pixels.

    Args:
        path: the file.
        max_pixels: a larger picture is refused.

    Raises:
        ImageError: As `read_picture`, as far as the beginning of the file tells.
    """
    with _open(Path(path)) as file:
        return PaintedFile(*peek(file, str(path), max_pixels))


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Opens a file; what goes wrong with it, here or in the block, becomes an ImageError that names it."""
    try:
        # The type first: opening a named pipe would wait for ever.
        if stat.S_ISDIR(mode := path.stat().st_mode):
            raise ImageError(f"{path} is a folder; name a picture in it")
        if not stat.S_ISREG(mode):
            raise ImageError(f"{path} is not a file; name a picture")
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise ImageError(f"{path} does not exist; check the name") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read; change its permissions (chmod +r)") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise ImageError(f"{path!s} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def read_picture_bytes(data: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Reads a picture as `read_picture` does, from what is in memory.

    Args:
        data: the file's content.
        name: the file's name.
        max_pixels: a larger picture is refused before it is decoded.

    Raises:
        ImageError: It cannot be read; the message has the name, and what to do.
    """
    return _read(io.BytesIO(data), Path(name).name, name, max_pixels)


def _read(file: BinaryIO, name: str, said: str, max_pixels: int) -> Picture:
    """Reads an open file; in messages it is called `said`."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    file.seek(0)
    decoded = decode(file, said, max_pixels)
    return Picture(decoded.pixels, decoded.alpha, decoded.exif, name, digest.hexdigest(), decoded.settings)


def write_picture(
    picture: Picture,
    path: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any] | None = None,
    quality: int = 92,
    bits: int | None = None,
    sidecar: bool = False,
    fast: bool = False,
) -> None:
    """Writes a picture as PNG, JPEG, WebP or TIFF, by the suffix, whole or not at all.

    The file carries an sRGB profile, the picture's EXIF, and its alpha where the format has one (JPEG is
    composed on white).

    Args:
        picture: the picture.
        path: the file; missing folders are made.
        settings: what made the picture, kept inside the file. Paths in it are reduced to file names.
        quality: 1 to 100, for JPEG and WebP; 100 makes WebP lossless.
        bits: 8, or 16 for PNG and TIFF; None keeps the picture's own where the format can.
        sidecar: writes the settings to `<file>.json` as well.
        fast: PNG in a quarter of the time, for what is painted; what is flat becomes larger by it.

    Raises:
        ImageError: The format is not known, or cannot hold the picture.
        NstError: The folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    text = None if settings is None else settings_text(settings)
    with atomic_path(path) as temporary:
        _write(picture, temporary, path.name, text, quality, bits, fast)
    if sidecar and text is not None:
        write_bytes(path.with_name(path.name + ".json"), text.encode("ascii") + b"\n")


def picture_bytes(
    picture: Picture,
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    quality: int = 92,
    bits: int | None = None,
) -> bytes:
    """What `write_picture` would write to a file of this name.

    Raises:
        ImageError: The format is not known, or cannot hold the picture.
        OSError: The disk for temporary files is full.
    """
    text = None if settings is None else settings_text(settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{Path(name).suffix}"
        _write(picture, path, name, text, quality, bits)
        return path.read_bytes()


def _write(
    picture: Picture, path: Path, name: str, text: str | None, quality: int, bits: int | None, fast: bool = False
) -> None:
    """Writes a picture, not atomically; in messages the file has another name."""
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ImageError(f"{name}: the name must end in {', '.join(FORMATS)}, to say which format to write")
    deep = kind in DEEP_FORMATS
    if bits == 16 and not deep:
        raise ImageError(f"{name}: {kind} holds 8 bits a channel; use .tif or .png for 16")
    picture = picture.with_bits(bits or (picture.bit_depth if deep else 8))
    encode(picture.pixels, picture.alpha, picture.exif, text, path, kind, quality, fast)


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The pictures among files, folders (with their subfolders) and patterns like `photos/*.jpg`, sorted.

    A file that is named itself is taken whatever its suffix; folders and patterns give what looks like a
    picture, and nothing hidden.

    Raises:
        ImageError: There is no such file or folder, or nothing that fits a pattern.
    """
    found: set[Path] = set()
    for path in map(Path, paths):
        if path.is_dir():
            found.update(_readable(file for file in path.rglob("*") if _is_visible(file, path)))
        elif path.exists():
            found.add(path)
        else:
            matches = [Path(match) for match in glob.glob(str(path), recursive=True)]
            if not matches:
                raise ImageError(f"{path} does not exist; check the name")
            found.update(_readable(matches))
    return sorted(found)


def _is_visible(file: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _readable(files: Iterable[Path]) -> Iterator[Path]:
    return (file for file in files if file.suffix.lower() in READABLE_SUFFIXES and file.is_file())
