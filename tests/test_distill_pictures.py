"""Whole pictures for heads: what they are, and that they are the same each time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.losses import gram_matrix
from train.distill import pictures as distill_pictures
from train.distill.pictures import WholePictures
from train.distill.replay import Painted, Replay
from train.photos.pack import PhotoPack, open_pack

SHAPE = CompactOptions(widths=(8, 8, 12, 8, 12, 8, 8, 8, 12, 8, 8, 8, 16))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PHOTOS": 3, "PAINTINGS": 6, "RUNS": 2, "STOPS": 2, "VISITS": 2}.items():
        monkeypatch.setattr(distill_pictures, name, value)


def pack(folder: Path, *sizes: tuple[int, int], red: float = 0.5) -> PhotoPack:
    """Pictures of these sizes, more or less red."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i, size in enumerate(sizes):
        small = rng.integers(0, 256, (6, 8, 3), np.uint8)
        small[..., 0] = np.clip(small[..., 0] * red * 2, 0, 255)
        Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return open_pack(folder)


@pytest.fixture
def photos(tmp_path: Path) -> PhotoPack:
    return pack(tmp_path / "photos", (600, 400), (200, 300), (640, 480), (300, 120))


@pytest.fixture
def student() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(SHAPE).eval()


def long_sides(pictures: list[Tensor]) -> list[int]:
    return [max(x.shape[2:]) for x in pictures]


def test_each_photo_is_whole_and_never_enlarged(student: CompactNetwork, photos: PhotoPack):
    pictures = WholePictures(student, photos, None, 0)
    found = list(pictures)
    assert len(found) == len(pictures) == 3 + 2 * 2
    assert all(side == 300 or 256 <= side <= 512 for side in long_sides(found))
    assert {round(max(x.shape[2:]) / min(x.shape[2:]), 1) for x in found} <= {1.5, 1.3, 2.5}
    assert all(x.shape[:2] == (1, 3) and 0 <= float(x.min()) < float(x.max()) <= 1 for x in found)
    again = list(WholePictures(student, photos, None, 0))
    assert all(x.equal(y) for x, y in zip(found, again, strict=True))


def test_paintings_come_turned_and_in_the_colors_of_photos(student: CompactNetwork, photos: PhotoPack, tmp_path: Path):
    paintings = pack(tmp_path / "art", (400, 300), red=0.0)
    shown = list(WholePictures(student, photos, paintings, 0))[3 : 3 + 6]
    assert {x.shape[2] > x.shape[3] for x in shown} == {True, False}
    reds = [float(x[:, 0].mean()) for x in shown]
    assert min(reds) == 0 and max(reds) > 0.3, "some in their own colors, some in a photo's"


def test_photos_are_shown_on_their_way_to_a_painting(
    student: CompactNetwork, photos: PhotoPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun: list[Painted] = []

    def begin(*given: Any) -> Painted:
        begun.append(plain(*given))
        return begun[-1]

    plain = Replay.begin
    monkeypatch.setattr(Replay, "begin", begin)
    shown = list(WholePictures(student, photos, pack(tmp_path / "art", (300, 200), red=0.0), 0))[-4:]
    assert len(begun) == 2 and all(painted.steps_left == 0 for painted in begun)

    def apart(x: Tensor, painted: Painted) -> float:
        grams = [
            gram_matrix(student.teacher_heads["relu1_1"](student.features(y)["relu1_1"])) for y in (x, painted.painting)
        ]
        return float((grams[0] - grams[1]).square().sum())

    with torch.no_grad():
        for painted, (first, second) in zip(begun, (shown[:2], shown[2:]), strict=True):
            assert first.shape == second.shape == painted.photo.shape and second.equal(painted.x)
            assert apart(second, painted) < apart(painted.photo, painted)
