"""The picture formats: how each is told by its first bytes, and how its samples are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from nst_core.picture_metadata import load_exif, parse_settings, settings_from_exif
from nst_core.picture_samples import bands


@dataclass(frozen=True)
class Samples:
    """What a decoder gives, before color profile and orientation are applied."""

    color: np.ndarray
    """(H, W, C) uint8 or uint16; C = 1 gray, 3 RGB, 4 CMYK."""
    alpha: np.ndarray | None
    """(H, W), same dtype."""
    profile: bytes | None
    exif: Image.Exif
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Header:
    """What is known before anything large is decoded."""

    width: int
    height: int
    load: Callable[[], Samples]


class Unsupported(Exception):
    """A whole picture of a sort that is not read here; the message goes on after the file's name."""


def kind_of(head: bytes) -> tuple[str, Callable[[BinaryIO], Header] | None]:
    """The kind of file that begins like this, and what opens it."""
    # Pillow's plugins are named one by one: Image.open would also try those that run other programs
    # (EPS), and refuses large pictures by a limit that belongs to the whole process.
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG", lambda file: _pillow(JpegImagePlugin.JpegImageFile(file))
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", _png16 if head[24:25] == b"\x10" else _png
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP", lambda file: _pillow(WebPImagePlugin.WebPImageFile(file))
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF", _tiff
    if head.startswith(b"BM"):
        return "BMP", lambda file: _pillow(BmpImagePlugin.BmpImageFile(file))
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF", lambda file: _pillow(GifImagePlugin.GifImageFile(file))
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"hevc", b"msf1"):
        return "HEIC", _heif
    return "", None


def _pillow(image: Image.Image) -> Header:
    return Header(image.width, image.height, lambda: _pillow_samples(image))


def _pillow_samples(image: Image.Image) -> Samples:
    """All that Pillow holds at 8 bits a channel."""
    image.load()
    exif = image.getexif()
    profile = image.info.get("icc_profile")
    text = image.info.get("impasto")
    settings = parse_settings(text) if isinstance(text, str) else settings_from_exif(exif)
    if image.mode not in ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr"):
        raise Unsupported(f"holds {image.mode} samples; save it as RGB with 8 or 16 bits a channel")
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        mode = "LA" if gray else "RGBA"
    elif image.mode == "CMYK":
        mode = "CMYK"
    else:
        mode = "L" if gray else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    channels = len(image.getbands()) - image.mode.endswith("A")
    color = np.empty((image.height, image.width, channels), np.uint8)
    alpha = np.empty((image.height, image.width), np.uint8) if image.mode.endswith("A") else None
    for rows in bands(image.height, image.width):  # Pillow's whole would copy itself twice on the way out
        band = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
        band = band.reshape(-1, image.width, len(image.getbands()))
        color[rows] = band[..., :channels]
        if alpha is not None:
            alpha[rows] = band[..., -1]
    return Samples(color, alpha, profile, exif, settings)


def _png(file: BinaryIO) -> Header:
    return _pillow(PngImagePlugin.PngImageFile(file))


def _png16(file: BinaryIO) -> Header:
    """16-bit PNG, which Pillow would cut to 8; Pillow reads the header and what is written beside."""
    image = PngImagePlugin.PngImageFile(file)

    def load() -> Samples:
        file.seek(0)
        color, alpha = _split_alpha(imagecodecs.png_decode(file.read()))
        text = image.info.get("impasto")
        settings = parse_settings(text) if isinstance(text, str) else None
        return Samples(
            color, alpha, image.info.get("icc_profile"), load_exif(image.info.get("exif")), settings
        )

    return Header(image.width, image.height, load)


def _split_alpha(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(H, W) or (H, W, 1 to 4) of gray or RGB, the even ones with alpha."""
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] in (2, 4):
        return samples[..., :-1], samples[..., -1]
    return samples, None


def _tiff(file: BinaryIO) -> Header:
    """TIFF: 16 bits by tifffile, everything else by Pillow, which knows the many old ways to store 8."""
    page = tifffile.TiffFile(file).pages.first
    if page.dtype is not None and (page.dtype.kind not in "ub" or page.dtype.itemsize > 2):
        raise Unsupported(f"holds {page.dtype} samples; save it with 8 or 16 bits a channel")
    if page.dtype != np.uint16 or page.bitspersample != 16:
        file.seek(0)
        return _pillow(TiffImagePlugin.TiffImageFile(file))
    inks = {0: 1, 1: 1, 2: 3, 5: 4}.get(int(page.photometric))
    if inks is None or page.imagedepth != 1 or not inks <= page.samplesperpixel <= inks + 4:
        raise Unsupported("is a TIFF of an unusual kind; save it as RGB with 8 or 16 bits a channel")
    return Header(page.imagewidth, page.imagelength, lambda: _tiff16_samples(file, page, inks))


def _tiff16_samples(file: BinaryIO, page: tifffile.TiffPage, inks: int) -> Samples:
    samples = page.asarray(squeeze=False, maxworkers=1)  # (planes, 1, H, W, S)
    samples = np.moveaxis(samples[:, 0], 0, -2).reshape(page.imagelength, page.imagewidth, -1)
    color = samples[..., :inks]
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        color = 65535 - color
    alpha = None
    extra = [int(kind) for kind in page.extrasamples]
    if extra and extra[0] in (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA):
        alpha = samples[..., inks]
        if extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:
            color = _unpremultiplied(color, alpha)
    exif = Image.Exif()
    file.seek(0)
    exif.load_from_fp(file)
    return Samples(color, alpha, page.iccprofile, exif, settings_from_exif(exif))


def _unpremultiplied(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    out = np.empty_like(color)
    for band in bands(*alpha.shape):
        whole = np.maximum(alpha[band, :, None], 1).astype(np.uint32)
        out[band] = np.minimum((color[band].astype(np.uint32) * 65535 + whole // 2) // whole, 65535)
    return out


def _heif(file: BinaryIO) -> Header:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise Unsupported(
            'is a HEIC file, which needs one more package: pip install "impasto[heif]"'
        ) from None
    return _pillow(HeifImageFile(file))
