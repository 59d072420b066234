"""Samples of pictures, uint8, uint16 or float32: bit depth and size, by bands so that little is copied."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

BAND_PIXELS = 1 << 20


def bands(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture in slices of about a megapixel."""
    rows = max(1, BAND_PIXELS // max(width, 1))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def to_float(samples: np.ndarray) -> np.ndarray:
    """uint8 or uint16 as float32 in [0, 1]."""
    return np.divide(samples, np.float32(np.iinfo(samples.dtype).max), dtype=np.float32)


def to_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Floats, (H, W) or (H, W, C), clipped to [0, 1] and rounded to the nearest level of 8 or 16 bits."""
    out = np.empty(values.shape, np.uint8 if bits == 8 else np.uint16)
    for band in bands(*values.shape[:2]):
        out[band] = np.rint(np.clip(values[band], 0, 1) * np.float32((1 << bits) - 1))
    return out


def change_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    """uint8 as uint16 (exact), or uint16 as uint8 (the nearest level)."""
    if bits == 16:
        return samples.astype(np.uint16) * np.uint16(257)
    out = np.empty(samples.shape, np.uint8)
    for band in bands(*samples.shape[:2]):
        out[band] = (samples[band].astype(np.uint32) + 128) // 257
    return out


def resize(
    pixels: np.ndarray, alpha: np.ndarray | None, width: int, height: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Another size, antialiased by Lanczos, at the same bit depth.

    Args:
        pixels: (H, W, 3) uint8 or uint16.
        alpha: (H, W), same dtype. Colors count by it: what is transparent does not bleed into what is not.
    """
    bits = pixels.dtype.itemsize * 8
    out = np.empty((height, width, 3), pixels.dtype)
    out_alpha = None if alpha is None else np.empty((height, width), pixels.dtype)
    for target, window, box in _resize_bands(pixels.shape[1], pixels.shape[0], width, height):
        size = (width, target.stop - target.start)
        weight = total = None
        if alpha is not None and out_alpha is not None:
            cover = to_float(alpha[window])
            out_alpha[target] = to_bits(_resize_plane(cover, size, box), bits)
            # A trace of weight everywhere gives the colors under full transparency their own mean.
            weight = cover + 1e-4
            total = np.maximum(_resize_plane(weight, size, box), 1e-5)
        for channel in range(3):
            plane = to_float(pixels[window, :, channel])
            plane = _resize_plane(plane if weight is None else plane * weight, size, box)
            out[target, :, channel] = to_bits(plane if total is None else plane / total, bits)
    return out, out_alpha


def resize_floats(values: np.ndarray, width: int, height: int, rows: slice | None = None) -> np.ndarray:
    """Floats at another size, antialiased and smooth (bicubic); or some rows of them only.

    Args:
        values: (h, w, C) float32.
        width, height: of the whole.
        rows: those that are wanted, all by default.

    Returns:
        (rows, width, C) float32; may exceed the range of the values a little.
    """
    rows = rows or slice(0, height)
    scale = values.shape[0] / height
    reach = 2 * max(scale, 1.0) + 1  # bicubic reaches two pixels, of the coarser side
    first, last = max(0, int(rows.start * scale - reach)), min(values.shape[0], int(rows.stop * scale + reach) + 1)
    box = (0, rows.start * scale - first, values.shape[1], min(rows.stop * scale - first, last - first))
    size = (width, rows.stop - rows.start)
    out = np.empty((size[1], width, values.shape[2]), np.float32)
    for channel in range(values.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(values[first:last, :, channel]))
        out[..., channel] = np.asarray(plane.resize(size, Image.Resampling.BICUBIC, box=box))
    return out


def _resize_bands(
    width: int, height: int, new_width: int, new_height: int
) -> Iterator[tuple[slice, slice, tuple[float, float, float, float]]]:
    """New rows, the old rows that they need, and where among these they lie (Pillow's box)."""
    scale = height / new_height
    reach = 3 * max(scale, 1.0) + 1  # Lanczos reaches three pixels, of the coarser side
    rows = max(1, int(BAND_PIXELS / max(width, new_width) / max(scale, 1.0)))
    for top in range(0, new_height, rows):
        bottom = min(top + rows, new_height)
        first = max(0, int(top * scale - reach))
        last = min(height, int(bottom * scale + reach) + 1)
        # The end may pass the last row by a rounding error, which Pillow refuses.
        box = (0, top * scale - first, width, min(bottom * scale - first, last - first))
        yield slice(top, bottom), slice(first, last), box


def _resize_plane(plane: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS, box=box))
