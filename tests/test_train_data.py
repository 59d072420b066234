"""Crops, their batches and their augmentation: endless, seeded, of the right kind, continued where they stopped."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.losses import gram_matrix
from train.distill.augment import augment
from train.distill.replay import Replay
from train.photos.crops import CropsModule, PhotoCrops, random_crop
from train.photos.pack import PhotoPack, open_pack


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path) -> PhotoPack:
    """A large one, a small one in a subfolder, a gray one, one with 16 bits."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (300, 200, 3), dtype=np.uint8)).save(folder / "large.png")
    Image.fromarray(rng.integers(0, 256, (96, 99, 3), dtype=np.uint8)).save(folder / "more" / "small.jpg")
    Image.fromarray(rng.integers(0, 256, (110, 120), dtype=np.uint8)).save(folder / "gray.png")
    Image.fromarray(rng.integers(0, 65536, (110, 120), dtype=np.uint16)).save(folder / "deep.png")
    return open_pack(folder)


def take(crops: PhotoCrops, count: int) -> list[Tensor]:
    return list(itertools.islice(crops, count))


def same(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(a.equal(b) for a, b in zip(some, others, strict=True))


@pytest.mark.parametrize("size_px", [48, 200])
@pytest.mark.parametrize("working_px", [None, 150])
def test_crops_have_one_size_whatever_the_photos(photos: PhotoPack, size_px: int, working_px: int | None):
    crops = take(PhotoCrops(photos, size_px, seed=0, working_px=working_px), 40)
    assert {(crop.shape, crop.dtype) for crop in crops} == {((3, size_px, size_px), torch.uint8)}
    assert len({crop.numpy().tobytes() for crop in crops}) > 30


def test_a_seed_gives_one_stream_that_can_be_joined_anywhere(photos: PhotoPack):
    stream = take(PhotoCrops(photos, 32, seed=1), 12)
    assert same(stream[7:], take(PhotoCrops(photos, 32, seed=1, start=7), 5))
    assert not same(stream, take(PhotoCrops(photos, 32, seed=2), 12))


@pytest.mark.parametrize("start", [0, 4, 5])
def test_processes_share_the_stream_out(photos: PhotoPack, start: int):
    stream = take(PhotoCrops(photos, 32, seed=1), 20)
    shares = [take(PhotoCrops(photos, 32, seed=1, start=start, rank=r, world_size=3), 5) for r in range(3)]
    for rank, share in enumerate(shares):
        assert same(share, [crop for i, crop in enumerate(stream) if i >= start and i % 3 == rank][:5])


def test_ranks_are_those_of_torch_distributed(photos: PhotoPack, monkeypatch: pytest.MonkeyPatch):
    stream, crops = take(PhotoCrops(photos, 32, seed=1), 8), PhotoCrops(photos, 32, seed=1)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 1)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    assert same(take(crops, 4), stream[1::2])


def test_a_quarter_of_the_crops_are_of_paintings(photos: PhotoPack, tmp_path: Path):
    (tmp_path / "paintings").mkdir()
    Image.fromarray(np.full((100, 100, 3), (255, 0, 0), np.uint8)).save(tmp_path / "paintings" / "red.png")
    paintings = open_pack(tmp_path / "paintings")
    crops = take(PhotoCrops(photos, 32, seed=0, paintings=paintings), 400)
    red = torch.tensor([255, 0, 0], dtype=torch.uint8)[:, None, None]
    assert 75 <= sum(bool((crop == red).all()) for crop in crops) <= 125


def test_an_unscaled_crop_is_a_part_of_the_photo_mirrored_or_not():
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(photo, (32, 32), (0, 1)).transpose(0, 1, 3, 4, 2)
    found = set()
    for seed in range(20):
        crop = random_crop(photo, 32, (1.0, 1.0), np.random.default_rng(seed)).permute(1, 2, 0).numpy()
        for mirrored, candidate in ((False, crop), (True, crop[:, ::-1])):
            if places := np.argwhere((windows == candidate).all((2, 3, 4))).tolist():
                found.add((mirrored, *places[0]))
    assert len(found) >= 15
    assert {mirrored for mirrored, *_ in found} == {False, True}


def test_a_scaled_crop_keeps_its_colors():
    photo = np.empty((90, 90, 3), np.uint8)
    photo[:] = (10, 100, 250)
    crop = random_crop(photo, 32, (2.0, 2.0), np.random.default_rng(0))
    assert crop.equal(torch.tensor([10, 100, 250], dtype=torch.uint8)[:, None, None].expand(3, 32, 32))


@pytest.mark.parametrize(("height", "width"), [(150, 200), (200, 150)])
def test_a_crop_at_working_size_shows_the_photo_at_that_size(height: int, width: int):
    """Coordinates as colors: the slope across the crop tells its scale, the ends where it was cut."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[..., 0], photo[..., 1] = np.arange(height)[:, None], np.arange(width)
    places = set()
    for seed in range(20):
        crop = random_crop(photo, 40, (0.5, 0.5), np.random.default_rng(seed), working_px=160).numpy().astype(int)
        # 200 px become 80: 40 px of the crop are 100 of the photo
        assert crop[0, :, 20].max() - crop[0, :, 20].min() == pytest.approx(100 * 39 / 40, abs=2)
        assert abs(crop[1, 20, -1] - crop[1, 20, 0]) == pytest.approx(100 * 39 / 40, abs=2)
        places.add((crop[0, 0, 0], crop[1, 0].min()))
    assert len(places) > 15


def test_a_photo_too_narrow_at_working_size_is_looked_at_closer():
    photo = np.zeros((100, 200, 3), np.uint8)
    photo[..., 0] = np.arange(100)[:, None]
    crop = random_crop(photo, 80, (0.5, 0.5), np.random.default_rng(0), working_px=160).numpy()
    assert (crop[0, 0, 0], crop[0, -1, 0]) == (pytest.approx(0, abs=1), pytest.approx(99, abs=1))


class Noting(pl.LightningModule):
    """Trains on nothing much and keeps the batches; stops like a process that is killed."""

    def __init__(self, die_after: int = 10**9) -> None:
        super().__init__()
        self.layer, self.batches, self.die_after = nn.Conv2d(3, 1, 1), [], die_after

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        if len(self.batches) == self.die_after:
            raise RuntimeError("killed")
        self.batches.append(batch)
        return self.layer(batch / 255).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(module: Noting, crops: CropsModule, steps: int, folder: Path, every: int = 1, **options) -> list[Tensor]:
    """Trains, with a checkpoint after each so many steps; the batches that it was given."""
    state = ModelCheckpoint(folder, "state", every_n_train_steps=every, enable_version_counter=False)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = pl.Trainer(max_steps=steps, callbacks=[state], **quiet, **options)
    kept = folder / "state.ckpt"
    trainer.fit(module, crops, ckpt_path=kept if kept.exists() else None, weights_only=True)
    return module.batches


@pytest.mark.filterwarnings("ignore::UserWarning:pytorch_lightning", "ignore::FutureWarning")
class TestCropsModule:
    def test_batches_are_the_stream_in_order(self, photos: PhotoPack, tmp_path: Path):
        crops = CropsModule(photos, size_px=32, batch=3, seed=5, start=7)
        batches = fit(Noting(), crops, 4, tmp_path / "run")
        stream = PhotoCrops(photos, 32, seed=5, start=7, scales=crops.scales, working_px=512)
        assert torch.stack(batches).flatten(0, 1).equal(torch.stack(take(stream, 12)))
        assert batches[0].dtype == torch.uint8
        assert crops.position == 19

    @pytest.mark.parametrize("options", [{}, {"accumulate_grad_batches": 2}])
    def test_a_killed_training_goes_on_with_the_next_crop(self, photos: PhotoPack, tmp_path: Path, options: dict):
        def crops() -> CropsModule:
            return CropsModule(photos, size_px=32, batch=2)

        at_once = fit(Noting(), crops(), 7, tmp_path / "at once", **options)
        done = 4 * options.get("accumulate_grad_batches", 1)
        with pytest.raises(RuntimeError, match="killed"):
            fit(Noting(die_after=done + 1), crops(), 7, tmp_path / "run", every=2, **options)
        for stop in (5, 7):  # continued twice
            again = fit(Noting(), crops(), stop, tmp_path / "run", **options)
            assert same(again, at_once[done : done + len(again)])
            done += len(again)
        assert done == len(at_once)

    def test_another_batch_size_goes_on_with_the_next_crop(self, photos: PhotoPack, tmp_path: Path):
        fit(Noting(), CropsModule(photos, size_px=32, batch=2), 3, tmp_path / "run")
        crops = CropsModule(photos, size_px=32, batch=4)
        (batch,) = fit(Noting(), crops, 4, tmp_path / "run")
        stream = PhotoCrops(photos, 32, seed=0, start=6, scales=crops.scales, working_px=512)
        assert batch.equal(torch.stack(take(stream, 4)))
        assert crops.position == 10

    def test_the_same_module_can_go_back_to_a_checkpoint(self, photos: PhotoPack, tmp_path: Path):
        crops = CropsModule(photos, size_px=32, batch=2)
        stream = torch.stack(take(PhotoCrops(photos, 32, seed=0, scales=crops.scales, working_px=512), 12))
        fit(Noting(), crops, 5, tmp_path / "run", every=3)
        assert crops.position == 10
        again = fit(Noting(), crops, 6, tmp_path / "run", every=3)
        assert torch.cat(again).equal(stream[6:])
        assert crops.position == 12

    def test_a_second_training_with_the_same_module_repeats_nothing(self, photos: PhotoPack, tmp_path: Path):
        crops = CropsModule(photos, size_px=32, batch=2)
        first = fit(Noting(), crops, 2, tmp_path / "a")
        second = fit(Noting(), crops, 2, tmp_path / "b")
        stream = PhotoCrops(photos, 32, seed=0, scales=crops.scales, working_px=512)
        assert torch.cat(first + second).equal(torch.stack(take(stream, 8)))
        assert crops.position == 8


def test_augmentation_is_seeded_stays_in_range_and_leaves_the_batch_alone():
    batch = torch.rand(8, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    before = batch.clone()
    results = []
    for seed in (1, 1, 2):
        generator = torch.Generator().manual_seed(seed)
        results.append(torch.stack([augment(batch, generator) for _ in range(20)]))
    assert batch.equal(before)
    assert results[0].equal(results[1])
    assert not results[0].equal(results[2])
    assert results[0].shape == (20, 8, 3, 33, 33)
    assert results[0].equal(results[0].clamp(0, 1))
    untouched = (results[0] == batch).flatten(2).all(2).float().mean()
    assert 0 < float(untouched) < 0.8


def style_distance(network: CompactNetwork, picture: Tensor, painting: Tensor) -> float:
    """Sum over layers of relative squared errors of Gram matrices, after the heads."""
    total = 0.0
    with torch.no_grad():
        got, want = network.features(picture), network.features(painting)
        for layer, head in network.teacher_heads.items():
            g, t = gram_matrix(head(got[layer])), gram_matrix(head(want[layer]))
            total += float((g - t).square().sum() / t.square().sum())
    return total


def test_replay_paints_photos_toward_other_photos():
    torch.manual_seed(0)
    network = CompactNetwork(CompactOptions(widths=(8, 8, 12, 8, 12, 8, 8, 8, 12, 8, 8, 8, 16)))
    replay, generator = Replay(), torch.Generator().manual_seed(0)
    photos = torch.nn.functional.interpolate(torch.rand(2, 3, 6, 6, generator=generator), (48, 48), mode="bilinear")
    replay.advance(network, photos, generator)
    assert len(replay.pool) == 2
    replay.size = 2
    for _ in range(4):
        painted = replay.advance(network, photos, generator)
        assert painted.equal(painted.clamp(0, 1)) and not painted.requires_grad
        assert painted.shape == photos.shape
    assert replay.pool
    for p in replay.pool:
        assert style_distance(network, p.x, p.painting) < style_distance(network, p.photo, p.painting)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_replay_lets_go_of_what_is_finished():
    torch.manual_seed(0)
    network = CompactNetwork(CompactOptions(widths=(2,) * 13))
    replay, generator = Replay(), torch.Generator().manual_seed(0)
    replay.most_steps = 5
    replay.advance(network, torch.rand(2, 3, 48, 48), generator)
    replay.size = 0
    while replay.pool:
        left = sum(p.steps_left for p in replay.pool)
        replay.advance(network, torch.rand(1, 3, 48, 48), generator)
        assert sum(p.steps_left for p in replay.pool) < left
