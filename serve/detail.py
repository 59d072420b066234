"""A picture painted with broad strokes, at any size: the strokes of the small painting, the finish of the large one.

A network's strokes have a size in pixels, so broad ones are had by painting a smaller picture. Enlarged, it is soft and
its edges are stairs. Three things together look as if a painter had worked at the full size:

- the small painting, enlarged along the photo's own edges (a guided filter);
- what that filter cannot explain, the strokes themselves, smoothly enlarged;
- of a painting made at the full size, what is finer than a pixel of the small one: bristles, canvas, crisp contours.

The result, made smaller, is the small painting again: what a preview shows is what a print shows.
"""

import numpy as np

from nst_core.picture import Picture
from nst_core.picture_samples import bands, resize_floats, to_bits, to_float

EDGE_VARIANCE = 1e-3
"""Of luminance in a neighborhood: with less the guided filter takes it for flat (He et al. 2013, their epsilon)."""
STROKE_SHARE = 0.75
"""Of the small painting's resolution, down to which its strokes are kept as they are; finer ones follow the edges."""


def refine(painting: np.ndarray, small: np.ndarray, photo: Picture, fine: Picture) -> None:
    """Gives a painting made at the full size the strokes of a smaller one, in place.

    Args:
        painting: (h, w, 3) float32 in [0, 1], with broad strokes.
        small: (h, w, 3) float32 in [0, 1], the photo from which it was painted.
        photo: at the full size.
        fine: the photo painted at the full size, with as many bits as the photo; becomes the result.
    """
    slope, offset = _guided_filter(painting, _luma(small))
    height, width = painting.shape[:2]
    offset -= fine.resized(width, height).as_float()
    for band in bands(photo.height, photo.width):
        rows = resize_floats(slope, photo.width, photo.height, band) * _luma(photo.rows(band.start, band.stop))
        rows += resize_floats(offset, photo.width, photo.height, band)
        rows += to_float(fine.pixels[band])
        fine.pixels[band] = to_bits(rows, fine.bit_depth)


def _guided_filter(painting: np.ndarray, guide: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset (h, w, 3) such that slope * guide + offset is the painting, where the guide may be enlarged.

    Source: He, Sun & Tang 2013, Guided Image Filtering; He & Sun 2015 (arXiv 1505.00996), with the coefficients
        found in the small picture.
    Differs: the strokes that the guide does not explain are added to the offset.
    """
    mean, guide_mean = _box(painting), _box(guide)
    slope = (_box(guide * painting) - guide_mean * mean) / (_box(guide * guide) - guide_mean**2 + EDGE_VARIANCE)
    slope, offset = _box(slope), _box(mean - slope * guide_mean)
    strokes = painting - (slope * guide + offset)
    height, width = painting.shape[:2]
    strokes = resize_floats(strokes, round(width * STROKE_SHARE), round(height * STROKE_SHARE))
    return slope, offset + resize_floats(strokes, width, height)


def _luma(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) to (H, W, 1): lightness as edges are seen by it (BT.601)."""
    return rgb @ np.array([[0.299], [0.587], [0.114]], np.float32)


def _box(x: np.ndarray) -> np.ndarray:
    """Mean of each position and its eight neighbors."""
    height, width = x.shape[:2]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), "edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]).reshape(height, width, -1) / np.float32(9)
