"""A painting of which only statistics are at hand, as a style's card holds them; free of torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class KnownPainting:
    """A painting, or a mixture of several, without its picture."""

    name: str
    grams: Mapping[str, np.ndarray]
    """Gram matrix of each layer of the loss network `compact`, upright, before its heads, (c, c) float32."""
    color_mean: np.ndarray
    """(3,) mean of its sRGB, in [0, 1]."""
    color_covariance: np.ndarray
    """(3, 3) covariance of its sRGB."""
    size_px: int
    """Long side that it had when the Gram matrices were taken."""

    @cached_property
    def sha256(self) -> str:
        """Of the statistics."""
        digest = hashlib.sha256()
        for array in (*self.grams.values(), self.color_mean, self.color_covariance):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
