"""Pictures of random colors for the tests, smooth enough for every layer of a network to see something."""

import numpy as np

from nst_core.picture import Picture


def random_picture(
    height: int, width: int, seed: int, low: int = 0, high: int = 256, name: str | None = None, cell: int = 8
) -> Picture:
    """One random color for each cell of so many pixels, enlarged.

    Args:
        height, width: of the picture, pixels.
        seed: of the colors; names the picture, too, unless it is given a name.
        low, high: range of the samples, its end excluded.
        name: of the picture's file.
        cell: side of a cell, pixels.
    """
    random = np.random.default_rng(seed)
    small = random.integers(low, high, (height // cell, width // cell, 3), np.uint8)
    return Picture(small, name=name or f"{seed}.png").resized(width, height)
