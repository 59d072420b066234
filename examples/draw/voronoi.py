"""Voronoi cells and the distance to the border between them."""

import numpy as np
from numpy.typing import NDArray

from draw.noise import Floats


def cells(height: int, width: int, seeds: Floats, reach: float) -> tuple[NDArray[np.int32], Floats]:
    """Divides a picture among seeds.

    Args:
        seeds: x and y in pixels, shape (n, 2).
        reach: How far, in pixels, a seed is looked for; a few times the distance between seeds.

    Returns:
        Each pixel's nearest seed, and its distance in pixels to the border of that seed's cell.
    """
    owner = np.full((height, width), -1, np.int32)
    nearest = np.full((height, width), np.inf, np.float32)
    border = np.full((height, width), np.float32(reach))
    windows: list[tuple[slice, slice, Floats]] = []
    for x, y in seeds:
        rows = slice(max(0, int(y - reach)), max(0, int(y + reach) + 1))
        columns = slice(max(0, int(x - reach)), max(0, int(x + reach) + 1))
        ys = np.arange(height, dtype=np.float32)[rows, None] + 0.5 - y
        xs = np.arange(width, dtype=np.float32)[None, columns] + 0.5 - x
        windows.append((rows, columns, ys * ys + xs * xs))
    for index, (rows, columns, squared) in enumerate(windows):
        closer = squared < nearest[rows, columns]
        nearest[rows, columns][closer] = squared[closer]
        owner[rows, columns][closer] = index
    for index, (rows, columns, squared) in enumerate(windows):
        owners = owner[rows, columns]
        apart = np.hypot(*(seeds[owners] - seeds[index]).transpose(2, 0, 1))
        other = owners != index
        distance = (squared - nearest[rows, columns])[other] / (2 * apart[other] + 1e-6)
        border[rows, columns][other] = np.minimum(border[rows, columns][other], distance)
    return owner, border
