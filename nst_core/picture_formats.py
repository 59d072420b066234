"""The picture formats: how each is told by its first bytes, and how its samples are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import imagecodecs
import numpy as np
import tifffile
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from nst_core.picture_metadata import load_exif
from nst_core.picture_samples import bands


@dataclass(frozen=True)
class Samples:
    """What a decoder gives, before color profile and orientation are applied."""

    color: np.ndarray
    """(H, W, C) uint8 or uint16; C = 1 gray, 3 RGB, 4 CMYK."""
    alpha: np.ndarray | None
    """(H, W), same dtype."""
    profile: bytes | None


@dataclass(frozen=True)
class Header:
    """What is known before anything large is decoded."""

    width: int
    height: int
    load: Callable[[], Samples]
    exif: Callable[[], Image.Exif]
    """Reads the EXIF, which may be broken where the picture is not."""
    text: Callable[[], str | None] = lambda: None
    """Settings in a PNG, as JSON; before `load` those that stand before the samples."""


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
    return Header(image.width, image.height, lambda: _pillow_samples(image), image.getexif, lambda: _text(image))


def _pillow_samples(image: Image.Image) -> Samples:
    """All that Pillow holds at 8 bits a channel."""
    image.load()
    header = image
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
    return Samples(color, alpha, header.info.get("icc_profile"))


def _text(image: Image.Image) -> str | None:
    text = image.info.get("impasto")
    return text if isinstance(text, str) else None


def _png(file: BinaryIO) -> Header:
    return _pillow(PngImagePlugin.PngImageFile(file))


def _png16(file: BinaryIO) -> Header:
    """16-bit PNG, which Pillow would cut to 8; Pillow reads the header and what is written beside."""
    image = PngImagePlugin.PngImageFile(file)

    def load() -> Samples:
        file.seek(0)
        color, alpha = _split_alpha(imagecodecs.png_decode(file.read()))
        return Samples(color, alpha, image.info.get("icc_profile"))

    return Header(image.width, image.height, load, lambda: load_exif(image.info.get("exif")), lambda: _text(image))


def _split_alpha(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(H, W) or (H, W, 1 to 4) of gray or RGB, the even ones with alpha."""
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] in (2, 4):
        return samples[..., :-1], samples[..., -1]
    return samples, None


def _tiff(file: BinaryIO) -> Header:
    """TIFF by tifffile: it keeps 16 bits, and Pillow's libtiff prints its complaints on the screen."""
    page = tifffile.TiffFile(file).pages.first
    if page.dtype is None or page.dtype.kind not in "ub" or page.dtype.itemsize > 2:
        raise Unsupported(f"holds {page.dtype or 'odd'} samples; save it with 8 or 16 bits a channel")
    jpeg = page.compression == tifffile.COMPRESSION.JPEG  # comes as RGB, however it was stored
    photometric = tifffile.PHOTOMETRIC.RGB if jpeg and page.samplesperpixel == 3 else page.photometric
    inks = _TIFF_INKS.get(int(photometric))
    if inks is None or page.imagedepth != 1 or not inks <= page.samplesperpixel <= inks + 4:
        raise Unsupported("is a TIFF of an unusual kind; save it as RGB with 8 or 16 bits a channel")
    if page.tilewidth * page.tilelength > _MOST_TILE_PIXELS:
        raise ValueError("a tile that is larger than any writer makes")  # it would be allocated in full
    # A damaged tag may hold bytes, and bytes times the height are gigabytes.
    width, height = int(page.imagewidth), int(page.imagelength)

    def read_exif() -> Image.Exif:
        exif = Image.Exif()
        exif.endian, exif.bigtiff = page.parent.byteorder, page.parent.is_bigtiff
        exif.load_from_fp(file, page.offset)
        return exif

    return Header(width, height, lambda: _tiff_samples(page, inks), read_exif)


_MOST_TILE_PIXELS = 1 << 26  # writers make tiles of 128 to 1024 pixels a side
_TIFF_INKS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4}
"""Channels besides alpha, by photometric interpretation: gray (white or black is 0), RGB, palette, CMYK."""


def _tiff_samples(page: tifffile.TiffPage, inks: int) -> Samples:
    samples = page.asarray(squeeze=False, maxworkers=1)  # (planes, 1, H, W, S)
    samples = np.moveaxis(samples[:, 0], 0, -2).reshape(page.imagelength, page.imagewidth, -1)
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        palette = (np.asarray(page.colormap) >> 8).astype(np.uint8).T
        samples, inks = palette[samples[..., 0]], 3
    else:
        samples = _full_range(samples, page.bitspersample)
    top = np.iinfo(samples.dtype).max
    color = samples[..., :inks]
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        color = top - color
    alpha = None
    extra = page.extrasamples[:1]
    if samples.shape[2] > inks and extra in ((tifffile.EXTRASAMPLE.ASSOCALPHA,), (tifffile.EXTRASAMPLE.UNASSALPHA,)):
        alpha = samples[..., inks]
        if extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:
            color = _unpremultiplied(color, alpha)
    return Samples(color, alpha, page.iccprofile)


def _full_range(samples: np.ndarray, bits: int) -> np.ndarray:
    """Samples of 1 to 16 bits as uint8 or uint16 that use all of it."""
    if bits in (8, 16):
        return samples
    dtype, most = (np.uint8, 255) if bits < 8 else (np.uint16, 65535)
    top = (1 << bits) - 1
    return ((samples.astype(np.uint32) * most + top // 2) // top).astype(dtype)


def _unpremultiplied(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    out = np.empty_like(color)
    top = np.uint32(np.iinfo(color.dtype).max)
    for band in bands(*alpha.shape):
        whole = np.maximum(alpha[band, :, None], 1).astype(np.uint32)
        out[band] = np.minimum((color[band].astype(np.uint32) * top + whole // 2) // whole, top)
    return out


def _heif(file: BinaryIO) -> Header:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise Unsupported('is a HEIC file, which needs one more package: pip install "impasto[heif]"') from None
    return _pillow(HeifImageFile(file))
