"""Crops and their augmentation: endless, seeded, and of the right kind."""

import itertools
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.errors import ConfigError
from nst_core.losses import gram_matrix
from train.data import PhotoCrops, augment, random_crop
from train.replay import Replay


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A large one, a small one in a subfolder, a gray one, one with 16 bits."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (300, 200, 3), dtype=np.uint8)).save(folder / "large.png")
    Image.fromarray(rng.integers(0, 256, (20, 25, 3), dtype=np.uint8)).save(folder / "more" / "small.jpg")
    Image.fromarray(rng.integers(0, 256, (50, 60), dtype=np.uint8)).save(folder / "gray.png")
    Image.fromarray(rng.integers(0, 65536, (50, 60), dtype=np.uint16)).save(folder / "deep.png")
    return folder


def take(crops: PhotoCrops, count: int) -> list[Tensor]:
    return list(itertools.islice(crops, count))


def test_crops_have_one_size_whatever_the_photos(photos: Path):
    crops = take(PhotoCrops(photos, 48, seed=0), 40)
    assert {(crop.shape, crop.dtype) for crop in crops} == {((3, 48, 48), torch.uint8)}
    assert len({crop.numpy().tobytes() for crop in crops}) > 30  # of the small photo there are but few


def test_a_seed_gives_one_stream_that_can_be_joined_anywhere(photos: Path):
    stream = take(PhotoCrops(photos, 32, seed=1), 12)
    later = take(PhotoCrops(photos, 32, seed=1, start=7), 5)
    other = take(PhotoCrops(photos, 32, seed=2), 12)
    assert all(a.equal(b) for a, b in zip(stream[7:], later, strict=True))
    assert not all(a.equal(b) for a, b in zip(stream, other, strict=True))


def test_broken_photos_are_named_once_and_skipped(photos: Path, caplog: pytest.LogCaptureFixture):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with caplog.at_level(logging.WARNING):
        take(PhotoCrops(photos, 32, seed=0), 60)
    assert [record.getMessage().count("broken.jpg") for record in caplog.records] == [1]


def test_a_folder_without_usable_photos_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="no photos found"):
        PhotoCrops(tmp_path, 32, seed=0)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ConfigError, match="none of the photos can be read"):
        take(PhotoCrops(tmp_path, 32, seed=0), 1)


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
