"""Packed photos to batches of randomly cut square crops, in a stream that can be joined anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor, distributed
from torch.utils.data import DataLoader, IterableDataset

from train.photos.pack import PhotoPack


class PhotoCrops(IterableDataset[Tensor]):
    """An endless, seeded stream of (3, size, size) uint8 crops; each has a number, and its own random state.

    Args:
        photos: what the crops are cut from.
        size_px: side of a crop.
        seed: order and position of the crops.
        start: number of the first crop, to continue where a training stopped.
        scales: range of the random scale, see `random_crop`.
        paintings: a second pack, of which a quarter of the crops are taken; None for photos alone.
        rank: which of several processes this one is; it takes the crops whose number has this remainder.
            Where torch.distributed runs, rank and world size are those it tells.
        world_size: how many processes there are.
        working_px: what the scale refers to, see `random_crop`.
    """

    painting_share = 0.25

    def __init__(
        self,
        photos: PhotoPack,
        size_px: int,
        seed: int,
        start: int = 0,
        scales: tuple[float, float] = (0.6, 1.6),
        paintings: PhotoPack | None = None,
        rank: int = 0,
        world_size: int = 1,
        working_px: int | None = None,
    ) -> None:
        self.photos, self.paintings = photos, paintings
        self.size_px, self.scales, self.working_px = size_px, scales, working_px
        self.seed, self.start, self.rank, self.world_size = seed, start, rank, world_size

    def __iter__(self) -> Iterator[Tensor]:
        rank, world_size = self.rank, self.world_size
        if distributed.is_available() and distributed.is_initialized():
            rank, world_size = distributed.get_rank(), distributed.get_world_size()
        for index in itertools.count(self.start + (rank - self.start) % world_size, world_size):
            yield self._crop(np.random.default_rng((self.seed, index)))

    def _crop(self, rng: np.random.Generator) -> Tensor:
        pack = self.paintings if self.paintings and rng.random() < self.painting_share else self.photos
        photo = pack[int(rng.integers(len(pack)))]
        return random_crop(photo, self.size_px, self.scales, rng, self.working_px)


def random_crop(
    photo: np.ndarray,
    size_px: int,
    scales: tuple[float, float],
    rng: np.random.Generator,
    working_px: int | None = None,
) -> Tensor:
    """A randomly placed, scaled and mirrored (3, size, size) uint8 crop of an (H, W, 3) uint8 photo.

    Args:
        photo: where it is too small for the scale that was drawn, the crop is as large as it allows.
        size_px: side of the crop.
        scales: range of the scale. Without `working_px` it is the side of what is cut out, in `size_px`.
        rng: source of all randomness.
        working_px: if given, the photo is looked at with a longer side of `working_px` times the scale.
    """
    scale = rng.uniform(*scales)
    side = size_px * scale if working_px is None else size_px * max(photo.shape[:2]) / (working_px * scale)
    side = min(round(side), *photo.shape[:2])
    top, left = (int(rng.integers(n - side + 1)) for n in photo.shape[:2])
    crop = photo[top : top + side, left : left + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if side != size_px:
        crop = np.asarray(Image.fromarray(crop).resize((size_px, size_px), Image.Resampling.BILINEAR))  # antialiased
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))


class CropsModule(pl.LightningDataModule):
    """Batches of crops, (B, 3, S, S) uint8, for training a style; goes on where a checkpoint was written.

    One thread cuts them: that is faster than any training here, and a worker would be one process more that
    has torch in memory.

    Args:
        photos: what the crops are cut from.
        size_px: side of a crop.
        batch: crops a batch, in each process.
        seed: order and position of the crops.
        scales: range of the random scale; with the usual pack, up to 1.25 enlarges no photo.
        working_px: longer side of a photo at a scale of 1.
        start: crops of the stream to pass over.
    """

    def __init__(
        self,
        photos: PhotoPack,
        size_px: int = 256,
        batch: int = 4,
        seed: int = 0,
        scales: tuple[float, float] = (0.6, 1.25),
        working_px: int = 512,
        start: int = 0,
    ) -> None:
        super().__init__()
        self.photos, self.size_px, self.batch, self.seed = photos, size_px, batch, seed
        self.scales, self.working_px, self.start = scales, working_px, start
        self._counted: pl.Trainer | None = None  # whose batches come on top of `start`
        self._batches_before = 0

    @property
    def position(self) -> int:
        """Crops of the stream that have been trained on, those of all processes together."""
        if self._counted is None:
            return self.start
        return self.start + (_batches(self._counted) - self._batches_before) * self.batch * self._counted.world_size

    def setup(self, stage: str) -> None:
        """Several processes take batches of one size, the least that fits them all."""
        assert self.trainer is not None
        if self.trainer.world_size > 1:
            batch = torch.tensor(self.batch, device=self.trainer.strategy.root_device)
            self.batch = int(self.trainer.strategy.reduce(batch, reduce_op="min"))

    def train_dataloader(self) -> DataLoader[Tensor]:
        assert self.trainer is not None
        self.start, self._counted, self._batches_before = self.position, self.trainer, _batches(self.trainer)
        return DataLoader(self._crops(), self.batch)

    def sample(self) -> Tensor:
        """The next batch, which training will see too."""
        return next(iter(DataLoader(self._crops(), self.batch)))

    def _crops(self) -> PhotoCrops:
        return PhotoCrops(self.photos, self.size_px, self.seed, self.start, self.scales, working_px=self.working_px)

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.start, self._counted = int(state_dict["position"]), None


def _batches(trainer: pl.Trainer) -> int:
    """How many were trained on; the loader has given out more, as Lightning has it read ahead."""
    return trainer.fit_loop.epoch_loop.batch_progress.total.processed  # type: ignore[attr-defined]
