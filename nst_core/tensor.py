"""The only crossing between pictures, (H, W, 3), and tensors, (1, 3, H, W); by bands, so that large ones stay small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from nst_core.picture import Picture

BAND_ROWS = 256

Change = Callable[[np.ndarray, int, int], np.ndarray]
"""Takes float32 rows (h, W, 3) and where they begin and end, and returns as many."""


def to_tensor(picture: Picture, device: torch.device | str = "cpu", change: Change | None = None) -> Tensor:
    """A picture as a float32 tensor (1, 3, H, W) in [0, 1], each band of rows passed through `change`."""
    out = torch.empty(1, 3, picture.height, picture.width, device=device)
    for top in range(0, picture.height, BAND_ROWS):
        bottom = min(top + BAND_ROWS, picture.height)
        rows = picture.rows(top, bottom)
        if change is not None:
            rows = change(rows, top, bottom)
        out[0, :, top:bottom] = torch.from_numpy(np.ascontiguousarray(rows.transpose(2, 0, 1)))
    return out


def to_picture(x: Tensor, like: Picture, bits: int = 8, change: Change | None = None) -> Picture:
    """A tensor (1, 3, H, W) in [0, 1] as a picture, with the alpha and EXIF of `like`, which has the same size."""
    dtype, top_value = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
    height, width = x.shape[2:]
    pixels = np.empty((height, width, 3), dtype)
    for top in range(0, height, BAND_ROWS):
        bottom = min(top + BAND_ROWS, height)
        rows = x[0, :, top:bottom].permute(1, 2, 0).cpu().numpy()
        if change is not None:
            rows = change(rows, top, bottom)
        pixels[top:bottom] = np.rint(np.clip(rows, 0, 1) * top_value).astype(dtype)
    return replace(like.with_bits(bits), pixels=pixels, settings=None, sha256=None)
