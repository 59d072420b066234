"""Small picture files and color profiles for the tests, made by other writers than the one under test."""

import io
import struct

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

ADOBE_RGB_D50 = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
"""Linear Adobe RGB (1998) to XYZ with white D50, from its specification."""
SRGB_D50_INVERSE = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)  # fmt: skip
"""XYZ with white D50 to linear sRGB, from brucelindbloom.com."""


def icc_profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC 2 profile of the given tags, put together by hand."""
    body, table = b"", struct.pack(">I", len(tags))
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02400000, kind, space, connection)
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + table + body


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (x, y, z)))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(gamma: float) -> bytes:
    """Adobe RGB's primaries with a curve of one's own."""
    columns = {b"rgb"[i : i + 1] + b"XYZ": _xyz(*ADOBE_RGB_D50[:, i]) for i in range(3)}
    curves = {b"rgb"[i : i + 1] + b"TRC": _gamma(gamma) for i in range(3)}
    return icc_profile(b"RGB ", b"XYZ ", {b"wtpt": _xyz(0.9642, 1, 0.82491), **columns, **curves})


def gray_profile(gamma: float) -> bytes:
    return icc_profile(b"GRAY", b"XYZ ", {b"wtpt": _xyz(0.9642, 1, 0.82491), b"kTRC": _gamma(gamma)})


def cmyk_profile(lightness: dict[tuple[int, int, int, int], float]) -> bytes:
    """Inks to neutral Lab: L of each combination of full inks, 0 where it is not given."""
    ramp = bytes(range(256))
    grid = b"".join(
        bytes([round(lightness.get((c, m, y, k), 0) * 2.55), 128, 128])
        for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
    )  # fmt: skip
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + grid + ramp * 3
    return icc_profile(b"CMYK", b"Lab ", {b"wtpt": _xyz(0.9642, 1, 0.82491), b"A2B0": table, b"A2B1": table})


def to_srgb(encoded: np.ndarray, gamma: float) -> np.ndarray:
    """What colors of `rgb_profile(gamma)`, in [0, 1], are in sRGB: by formula, clipped."""
    linear = encoded.astype(np.float64) ** gamma @ ADOBE_RGB_D50.T @ SRGB_D50_INVERSE.T
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def noise(height: int = 12, width: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """A file as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(array: np.ndarray, **options: object) -> bytes:
    """A file as tifffile writes it."""
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)  # pyright: ignore[reportArgumentType]
    return file.getvalue()


def four_bit_tiff(gray: np.ndarray) -> bytes:
    """(H, W) of 0 to 15, W even, put together by hand: no library at hand writes it."""
    height, width = gray.shape
    packed = (gray[:, ::2] << 4 | gray[:, 1::2]).astype(np.uint8).tobytes()
    tags = {256: width, 257: height, 258: 4, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: height}
    tags[279] = len(packed)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + packed


def camera_exif(orientation: int = 1) -> Image.Exif:
    """EXIF as of a camera, with all that has to go."""
    exif = Image.Exif()
    exif[0x010F] = "Camera & Co"
    exif[0x0112] = orientation
    exif[0x8298] = "© A. Painter".encode()
    exif[0x8769] = {0x9003: "2020:02:03 04:05:06", 0x829A: 0.01, 0x927C: b"maker note", 0xA002: 16}
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)}
    return exif


def valid_files() -> dict[str, bytes]:
    """A small file of each kind that is read."""
    pixels, alpha = noise(), noise(channels=1, seed=1)
    deep = pixels.astype(np.uint16) * 257
    rgb, rgba = Image.fromarray(pixels), Image.fromarray(np.dstack([pixels, alpha]))
    beside = {"exif": camera_exif(6).tobytes(), "icc_profile": rgb_profile(2.2)}
    return {
        "jpeg": saved(rgb, "JPEG", **beside),
        "jpeg-progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg-cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "png": saved(rgba, "PNG", **beside),
        "png-palette": saved(rgb.convert("P"), "PNG", transparency=3),
        "png-16": bytes(imagecodecs.png_encode(deep)),
        "webp": saved(rgba, "WEBP", **beside),
        "webp-lossless": saved(rgba, "WEBP", lossless=True),
        "bmp": saved(rgb, "BMP"),
        "gif": saved(rgb, "GIF"),
        "tiff": saved(rgba, "TIFF", **beside),
        "tiff-lzw": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": saved(rgb, "TIFF", compression="jpeg"),
        "tiff-fax": saved(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff-16": tiff(deep, photometric="rgb", iccprofile=rgb_profile(2.2)),
        "tiff-16-lzw": tiff(deep, photometric="rgb", compression="lzw", predictor=True),
        "tiff-16-planes": tiff(np.moveaxis(deep, 2, 0), photometric="rgb", planarconfig="separate"),
        "bigtiff": tiff(deep, photometric="rgb", bigtiff=True),
    }
