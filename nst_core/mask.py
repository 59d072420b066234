"""Masks: which part of a picture something applies to."""

import logging
import os
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.filters import gaussian

from nst_core.color import luminance
from nst_core.errors import ImageError
from nst_core.picture import Picture, read_picture
from nst_core.picture_samples import to_float

log = logging.getLogger(__name__)


def read_mask(path: str | os.PathLike[str], height: int, width: int, feather_px: float = 0) -> np.ndarray:
    """A mask file as float32 (H, W) in [0, 1], 1 where it selects.

    White selects and black does not. In a picture with transparency only what is visible selects, and where
    all that is visible has one color, any color does.

    Args:
        path: any picture that `read_picture` reads.
        height, width: the size wanted; the mask is stretched to it.
        feather_px: how far the edge fades to either side, pixels at that size; 0 keeps it hard.

    Raises:
        ImageError: The file cannot be read, or the mask selects nothing.
    """
    picture = read_picture(path)
    if abs(picture.width * height / (picture.height * width) - 1) > 0.02:
        log.warning(
            "%s is %d × %d and is stretched to the proportions of %d × %d",
            Path(path).name, picture.width, picture.height, width, height,
        )  # fmt: skip
    mask = resize_mask(_selection(picture), height, width)
    if mask.max() < 1 / 255:
        raise ImageError(f"{path} selects nothing: all of it is black; paint white what it should select")
    return feather(mask, feather_px)


def _selection(picture: Picture) -> np.ndarray:
    if picture.alpha is None:
        return luminance(picture.as_float())
    cover = to_float(picture.alpha)
    visible = picture.pixels[picture.alpha > 0]
    if len(visible) and not np.ptp(visible, axis=0).any():
        return cover
    return luminance(picture.as_float()) * cover


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A mask (H, W) at another size: the mean over each new pixel's area; linear between when enlarging."""
    if mask.shape == (height, width):
        return mask
    shrinks = height <= mask.shape[0] and width <= mask.shape[1]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.clip(np.asarray(Image.fromarray(mask).resize((width, height), method)), 0, 1)


def feather(mask: np.ndarray, feather_px: float) -> np.ndarray:
    """A mask (H, W) with soft edges: a Gaussian that fades within about `feather_px` to either side."""
    if feather_px <= 0:
        return mask
    return np.clip(gaussian(mask, sigma=feather_px / 2, mode="nearest", preserve_range=True), 0, 1)
