"""Writing picture files: sRGB samples, alpha, EXIF and settings as PNG, JPEG, WebP or TIFF."""

import io
import logging
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from nst_core.errors import ImageError
from nst_core.picture_metadata import as_stored, exif_with_settings, load_exif
from nst_core.picture_profile import srgb_profile
from nst_core.picture_samples import bands

log = logging.getLogger(__name__)

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF"}
"""The formats that are written, by suffix."""

DEEP_FORMATS = ("PNG", "TIFF")
"""Those that hold 16 bits a channel."""

_LONGEST_SIDE_PX = {"JPEG": 65500, "WebP": 16383}
_JPEG_EXIF_BYTES = 65533
_FAST_PNG = {"level": 1, "strategy": imagecodecs.PNG.STRATEGY.RLE, "filter": imagecodecs.PNG.FILTER.PAETH}
"""Strokes hardly ever repeat, so that to look for repetitions is in vain."""
_EXIF_IFD = int(ExifTags.IFD.Exif)
_EXIF_PLACEHOLDER = _EXIF_IFD - 1


def encode(
    pixels: np.ndarray,
    alpha: np.ndarray | None,
    exif: bytes | None,
    settings: str | None,
    path: Path,
    kind: str,
    quality: int,
    fast: bool = False,
) -> None:
    """Writes a picture file.

    Args:
        pixels: (H, W, 3) uint8, or uint16 for a format of `DEEP_FORMATS`; sRGB.
        alpha: (H, W), same dtype. JPEG has none: the picture is composed on white, with a warning.
        exif: cleaned block.
        settings: JSON in ASCII. PNG keeps it as text `impasto`, the others in the EXIF user comment.
        path: where to write; a file there is overwritten.
        kind: one of the values of `FORMATS`.
        quality: 1 to 100, for JPEG and WebP; from 100 on WebP is lossless.
        fast: PNG in a quarter of the time. What is painted becomes no larger by it, what is flat does.

    Raises:
        ImageError: The format cannot hold a picture of this size.
        OSError: The file cannot be written.
    """
    longest = max(pixels.shape[:2])
    if longest > _LONGEST_SIDE_PX.get(kind, longest):
        raise ImageError(
            f"{kind} holds at most {_LONGEST_SIDE_PX[kind]} pixels a side, not {longest}; use .png or .tif"
        )
    if kind != "PNG":
        exif = exif_with_settings(exif, settings)
    if kind == "TIFF":
        _write_tiff(pixels, alpha, exif, path)
    elif kind == "PNG" and (fast or pixels.dtype == np.uint16):
        _write_png(pixels, alpha, exif, settings, path, _FAST_PNG if fast else {})
    else:
        _write_by_pillow(pixels, alpha, exif, settings, path, kind, quality)


def _write_by_pillow(
    pixels: np.ndarray,
    alpha: np.ndarray | None,
    exif: bytes | None,
    settings: str | None,
    path: Path,
    kind: str,
    quality: int,
) -> None:
    if alpha is not None and kind == "JPEG":
        log.warning("JPEG holds no transparency: composed on white; use .png, .webp or .tif to keep it")
        pixels, alpha = _on_white(pixels, alpha), None
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if alpha is not None:
        image.putalpha(Image.fromarray(np.ascontiguousarray(alpha)))
    beside = {"icc_profile": srgb_profile(), "exif": exif or b""}
    if kind == "JPEG":
        if exif and len(exif) > _JPEG_EXIF_BYTES:
            log.warning("EXIF and settings are too long for a JPEG and left out; use .png or --sidecar")
            beside["exif"] = b""
        # Full color resolution: strokes of saturated color are what suffers first.
        image.save(path, "JPEG", quality=quality, subsampling=0, **beside)
    elif kind == "WebP":
        image.save(path, "WEBP", quality=quality, lossless=quality >= 100, exact=True, **beside)
    else:
        text = PngImagePlugin.PngInfo()
        if settings is not None:
            text.add_itxt("impasto", settings, zip=len(settings) > 1024)
        image.save(path, "PNG", pnginfo=text, **beside)


def _on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    out = np.empty_like(pixels)
    for band in bands(*alpha.shape):
        cover = alpha[band, :, None].astype(np.uint32)
        out[band] = (pixels[band] * cover + 255 * (255 - cover) + 127) // 255
    return out


def _write_png(
    pixels: np.ndarray,
    alpha: np.ndarray | None,
    exif: bytes | None,
    settings: str | None,
    path: Path,
    options: Mapping[str, Any],
) -> None:
    """imagecodecs writes the samples, and what goes beside them is put in before the first IDAT chunk."""
    samples = pixels if alpha is None else np.dstack([pixels, alpha])
    encoded = imagecodecs.png_encode(np.ascontiguousarray(samples), **options)
    chunks = [(b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile()))]
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if settings is not None:
        chunks.append((b"iTXt", b"impasto\0\1\0\0\0" + zlib.compress(settings.encode("ascii"))))
    header_end = 33  # signature and IHDR
    with path.open("wb") as file:
        file.write(encoded[:header_end])
        for name, data in chunks:
            file.write(struct.pack(">I", len(data)) + name + data)
            file.write(struct.pack(">I", zlib.crc32(name + data)))
        file.write(memoryview(encoded)[header_end:])


def _write_tiff(pixels: np.ndarray, alpha: np.ndarray | None, exif: bytes | None, path: Path) -> None:
    tags = load_exif(exif)
    details = dict(tags.get_ifd(_EXIF_IFD))
    extra: list[tuple[Any, ...]] = [
        (tag, 2, None, text.encode("latin-1"), True) for tag, text in tags.items() if isinstance(text, str)
    ]
    if details:
        extra.append((_EXIF_PLACEHOLDER, 4, 1, 0, True))
    tifffile.imwrite(
        path,
        pixels if alpha is None else np.dstack([pixels, alpha]),
        byteorder="<",
        photometric="rgb",
        extrasamples=None if alpha is None else ["unassalpha"],
        compression="adobe_deflate",
        predictor=True,
        iccprofile=srgb_profile(),
        extratags=extra,
        metadata=None,
        software=False,
    )
    if details:
        _append_exif(path, details)


def _append_exif(path: Path, details: dict[int, object]) -> None:
    """Puts the EXIF directory, which tifffile refuses to write, at the end, and its place into the tag.

    The placeholder's number is one below, so that the tags stay in order when it becomes the EXIF tag.
    """
    with path.open("r+b") as file:
        entry = tifffile.TiffFile(file).pages.first.tags[_EXIF_PLACEHOLDER].offset
        offset = file.seek(0, io.SEEK_END)
        file.write(b"\0" * (offset % 2))
        offset += offset % 2
        directory = ImageFileDirectory_v2(b"II*\0\x08\0\0\0", group=_EXIF_IFD)
        for tag, value in details.items():
            directory[tag] = as_stored(value)
        file.write(directory.tobytes(offset))
        file.seek(entry)
        file.write(struct.pack("<HHII", _EXIF_IFD, 4, 1, offset))
