"""The one place where picture files are decoded: bytes of any kind in, sRGB samples or an ImageError out."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags

from nst_core.errors import ImageError
from nst_core.picture_formats import Header, Unsupported, kind_of
from nst_core.picture_metadata import clean_exif, parse_settings, settings_from_exif
from nst_core.picture_profile import to_srgb

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decoded:
    """A decoded file; the fields are those of `Picture`."""

    pixels: np.ndarray
    alpha: np.ndarray | None
    exif: bytes | None
    settings: Mapping[str, Any] | None


def decode(file: BinaryIO, name: str, max_pixels: int) -> Decoded:
    """Decodes a picture, its kind told by its content.

    Args:
        file: open at its beginning.
        name: for the messages.
        max_pixels: a picture of more than this is refused before it is decoded.

    Raises:
        ImageError: The file is not a picture, broken, of a kind that is not supported, or too large.
    """
    with _opened(file, name, max_pixels) as header:
        return _finish(header, name)


def peek(file: BinaryIO, name: str, max_pixels: int) -> tuple[int, int, Mapping[str, Any] | None]:
    """Width, height and settings of a picture that Impasto wrote, mostly without decoding its samples.

    Of other pictures, those that an EXIF orientation turns have width and height as they are stored.

    Raises:
        ImageError: As `decode`, as far as the beginning of the file tells.
    """
    with _opened(file, name, max_pixels) as header:
        return header.width, header.height, _settings(header, name)


@contextlib.contextmanager
def _opened(file: BinaryIO, name: str, max_pixels: int) -> Iterator[Header]:
    """What is known before anything large is decoded; what goes wrong meanwhile becomes an ImageError."""
    head = file.read(32)
    file.seek(0)
    if not head:
        raise ImageError(f"{name} is empty (0 bytes); copy or export it again")
    kind, open_header = kind_of(head)
    if open_header is None:
        raise ImageError(
            f"{name} is not a picture that can be read here; give a JPEG, PNG, WebP, TIFF, BMP, GIF or HEIC file"
        )
    with _decoder_errors(name, kind), _quiet():
        header = open_header(file)
        if header.width * header.height > max_pixels:
            raise ImageError(
                f"{name} has {header.width} × {header.height} = {header.width * header.height / 1e6:.0f} "
                f"megapixels, over the limit of {max_pixels / 1e6:.0f}; "
                "if it is not a mistake, raise --max-megapixels"
            )
        yield header


@contextlib.contextmanager
def _decoder_errors(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except Unsupported as error:
        raise ImageError(f"{name} {error}") from error
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name} does not fit in the memory; close other programs or shrink it") from error
    except Exception as error:  # decoders raise whatever comes up, from SyntaxError to zlib.error
        log.debug("decoding %s failed", name, exc_info=error)
        raise ImageError(f"{name} is a broken or truncated {kind} file; copy or export it again") from error


_DECODING = threading.Lock()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the libraries' own warnings off the screen: what matters comes as an ImageError.

    Filters and levels belong to the whole process, so only one thread decodes at a time.
    """
    loggers = [logging.getLogger(library) for library in ("PIL", "tifffile")]
    with _DECODING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _finish(header: Header, name: str) -> Decoded:
    """Color profile, orientation and metadata."""
    samples = header.load()
    pixels = to_srgb(samples.color, samples.profile, name)
    alpha = samples.alpha
    if alpha is not None and alpha.min() == np.iinfo(alpha.dtype).max:
        alpha = None
    exif = None
    orientation = 1
    try:
        found = header.exif()
        orientation = found.get(ExifTags.Base.Orientation, 1)
        exif = clean_exif(found)
    except Exception as error:  # as with pixels, broken EXIF raises anything; but it is no reason to stop
        log.warning("%s: ignored broken EXIF (%s)", name, error)
    return Decoded(
        np.ascontiguousarray(_upright(pixels, orientation)),
        None if alpha is None else np.ascontiguousarray(_upright(alpha, orientation)),
        exif,
        _settings(header, name),
    )


def _settings(header: Header, name: str) -> Mapping[str, Any] | None:
    """The settings beside the samples; broken ones are none."""
    try:
        return parse_settings(text) if (text := header.text()) else settings_from_exif(header.exif())
    except Exception as error:  # whatever broken EXIF raises
        log.warning("%s: ignored broken settings (%s)", name, error)
        return None


def _upright(array: np.ndarray, orientation: object) -> np.ndarray:
    """Undoes an EXIF orientation, 1 to 8; anything else is taken as 1."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array
