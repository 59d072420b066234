"""Whole pictures for a loss network's heads to be fitted to: photos, paintings, and photos on their way to paintings.

Heads that are fitted to crops, to pictures that were enlarged or to photos alone give worse Gram matrices of whole
pictures that the network does not know.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nst_core.color_transfer import color_statistics, match_mean_covariance
from nst_core.compact import CompactNetwork
from nst_core.picture import fit_long_side
from train.distill.replay import Present, Replay
from train.photos.pack import PhotoPack

LONG_SIDES_PX = (256, 512)
"""Range of the pictures' longer side; none is enlarged."""
PHOTOS, PAINTINGS, RUNS = 800, 120, 40
"""How many of each at the most; a run is a photo on its way."""
STOPS, VISITS = 3, 3
"""Pictures that are taken on each way, and visits of `Replay` between two."""


class WholePictures:
    """The same (1, 3, H, W) in [0, 1] each time, on the device where the network is by then.

    Paintings come in different sizes, mirrored and turned, and in the colors of photos.

    Args:
        student: paints the photos that are on their way.
        photos: each is shown once.
        paintings: None where there are none: then photos are on their way to each other.
        seed: of sizes, colors and pairs.
    """

    def __init__(self, student: CompactNetwork, photos: PhotoPack, paintings: PhotoPack | None, seed: int) -> None:
        self._student, self._photos, self._paintings, self._seed = student, photos, paintings, seed

    def __len__(self) -> int:
        return min(PHOTOS, len(self._photos)) + (PAINTINGS if self._paintings else 0) + RUNS * STOPS

    def __iter__(self) -> Iterator[Tensor]:
        rng = np.random.default_rng(self._seed)
        for index in rng.permutation(len(self._photos))[:PHOTOS]:
            yield self._tensor(_sized(self._photos[int(index)], rng))
        for _ in range(PAINTINGS if self._paintings else 0):
            yield self._tensor(self._painting(rng))
        yield from self._on_their_way(rng)

    def _on_their_way(self, rng: np.random.Generator) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self._seed)
        present, replay = Present(self._student), Replay()
        for _ in range(RUNS):
            photo, painting = self._tensor(_sized(_any_of(self._photos, rng), rng)), self._tensor(self._painting(rng))
            painted = replay.begin(photo, painting, STOPS * VISITS * replay.steps_a_visit, generator)
            for _ in range(STOPS):
                for _ in range(VISITS):
                    replay.paint(present, painted)
                yield painted.x

    def _painting(self, rng: np.random.Generator) -> np.ndarray:
        pixels = _sized(_any_of(self._paintings or self._photos, rng), rng)
        pixels = pixels[:, ::-1] if rng.random() < 0.5 else pixels
        pixels = pixels.transpose(1, 0, 2) if rng.random() < 0.5 else pixels
        if rng.random() < 0.6:
            palette = color_statistics(_any_of(self._photos, rng) / np.float32(255))
            pixels = match_mean_covariance(pixels / np.float32(255), *palette) * 255
        return pixels

    def _tensor(self, pixels: np.ndarray) -> Tensor:
        """(H, W, 3) in 0 to 255 as (1, 3, H, W) in [0, 1]."""
        x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]
        x = x.to(next(self._student.parameters()).device).float() / 255
        return x.contiguous(memory_format=torch.channels_last)


def _any_of(pack: PhotoPack, rng: np.random.Generator) -> np.ndarray:
    return pack[int(rng.integers(len(pack)))]


def _sized(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An (H, W, 3) uint8 picture with a random longer side, in half of the cases the longest."""
    height, width = pixels.shape[:2]
    low, high = LONG_SIDES_PX
    wanted = high if rng.random() < 0.5 else int(rng.integers(low, high + 1))
    if wanted >= max(height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(fit_long_side(width, height, wanted), Image.Resampling.LANCZOS))
