"""The cache of decoded photos: exact, made again when it must be, and never half there."""

import hashlib
import json
import logging
import os
import pickle
import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from nst_core.errors import BudgetError, ConfigError, NstError
from train.photos.files import SCIKIT_IMAGE_PHOTOS, find_photos, read_photo
from train.photos.pack import PhotoPack, open_pack


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "photos"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three: a.png, b.png and more/c.png."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.png", "more/c.png")):
        Image.fromarray(noise(100 + seed, 130, seed)).save(folder / name)
    return folder


class Count:
    """Of the photos that packs were made from; none for a pack that was there."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.calls.append((done, total))


def names(pack: PhotoPack) -> list[str]:
    return [entry.source.name for entry in pack.entries]


def only_folder(cache: Path) -> Path:
    (folder,) = cache.iterdir()
    return folder


def test_small_photos_come_out_as_they_are_and_large_ones_reduced(photos: Path):
    Image.fromarray(np.full((900, 1200, 3), (10, 100, 250), np.uint8)).save(photos / "flat.png")
    Image.fromarray(np.arange(96 * 97, dtype=np.uint16).reshape(96, 97)).save(photos / "gray16.png")
    count = Count()
    pack = open_pack(photos, count)
    assert count.calls == [(i, 5) for i in range(1, 6)]
    assert names(pack) == ["a.png", "b.png", "flat.png", "gray16.png", "more/c.png"]
    for i, seed in ((0, 0), (1, 1), (4, 2)):
        assert np.array_equal(pack[i], noise(100 + seed, 130, seed))
    assert pack[2].shape == (480, 640, 3)
    assert (pack[2] == (10, 100, 250)).all()
    assert (pack[3][-1, -1] == round((96 * 97 - 1) / 257)).all()
    assert open_pack(photos, long_side_px=300)[2].shape == (225, 300, 3)
    with pytest.raises(ValueError, match="read-only"):
        pack[0][0, 0] = 0


def test_reducing_averages(photos: Path):
    fine = np.zeros((200, 1280, 3), np.uint8)
    fine[:, ::2] = 255
    Image.fromarray(fine).save(photos / "stripes.png")
    stripes = open_pack(photos)[3].astype(int)
    assert stripes.shape == (100, 640, 3)
    assert np.abs(stripes[:, 8:-8] - 128).max() <= 16


def test_a_second_call_finds_the_pack(photos: Path):
    first, count = open_pack(photos), Count()
    again = open_pack(photos, count)
    assert count.calls == []
    assert again.file == first.file
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("change", ["added", "removed", "other pixels", "other time", "renamed"])
def test_a_changed_folder_makes_a_new_pack(photos: Path, cache: Path, change: str):
    old = open_pack(photos)
    before = [photo.copy() for photo in old]
    match change:
        case "added":
            Image.fromarray(noise(111, 99, 7)).save(photos / "aa.png")
        case "removed":
            (photos / "b.png").unlink()
        case "other pixels":
            Image.fromarray(noise(120, 99, 7)).save(photos / "b.png")
        case "other time":
            os.utime(photos / "b.png", ns=(1, 1))
        case "renamed":
            (photos / "a.png").rename(photos / "z.png")
    count = Count()
    new = open_pack(photos, count)
    expected = {file.relative_to(photos).as_posix(): np.asarray(Image.open(file)) for file in photos.rglob("*.png")}
    assert names(new) == sorted(expected)
    assert all(np.array_equal(photo, expected[name]) for photo, name in zip(new, names(new), strict=True))
    assert len(count.calls) == len(expected)
    assert sorted(file.name for file in only_folder(cache).iterdir()) == sorted(["index.json", new.file.name])
    assert all(np.array_equal(a, b) for a, b in zip(old, before, strict=True))  # who has it may go on with it


def test_what_has_not_changed_is_not_read_again(photos: Path, monkeypatch: pytest.MonkeyPatch):
    open_pack(photos)
    Image.fromarray(noise(111, 99, 7)).save(photos / "aa.png")
    read: set[str] = set()

    def noting(path: Path, long_side_px: int):
        read.add(path.name)
        return read_photo(path, long_side_px)

    monkeypatch.setattr("train.photos.pack.read_photo", noting)
    assert len(open_pack(photos)) == 4
    assert read == {"aa.png"}


def test_the_name_of_a_set_goes_by_its_files(photos: Path):
    pack = open_pack(photos)
    digests = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in photos.rglob("*.png"))
    assert pack.sha256 == hashlib.sha256("\n".join(digests).encode()).hexdigest()
    (photos / "a.png").rename(photos / "z.png")
    assert open_pack(photos).sha256 == pack.sha256
    (photos / "z.png").unlink()
    assert open_pack(photos).sha256 != pack.sha256


@pytest.mark.parametrize("damage", ["cut", "lengthened", "gone", "index cut", "index of another kind", "index gone"])
def test_a_pack_that_is_not_whole_is_made_again(photos: Path, cache: Path, damage: str):
    pixels = open_pack(photos).file
    index = only_folder(cache) / "index.json"
    match damage:
        case "cut":
            pixels.write_bytes(pixels.read_bytes()[:-1])
        case "lengthened":
            pixels.write_bytes(pixels.read_bytes() + b"0")
        case "gone":
            pixels.unlink()
        case "index cut":
            index.write_bytes(index.read_bytes()[:-9])
        case "index of another kind":
            index.write_text(json.dumps({"file": pixels.name, "photos": [{"name": "a.png"}]}))
        case "index gone":
            index.unlink()
    count = Count()
    pack = open_pack(photos, count)
    assert len(count.calls) == 3
    assert np.array_equal(pack[2], noise(102, 130, 2))


def test_a_flipped_bit_is_found_at_first_use_and_mended_by_the_next_call(photos: Path):
    pack = open_pack(photos)
    content = bytearray(pack.file.read_bytes())
    content[pack.entries[1].offset + 5] ^= 1
    pack.file.write_bytes(content)
    pack = open_pack(photos)
    assert np.array_equal(pack[0], noise(100, 130, 0))
    with pytest.raises(NstError, match="is damaged; run the same command again"):
        pack[1]
    assert np.array_equal(open_pack(photos)[1], noise(101, 130, 1))


def test_damaged_pixels_are_not_taken_over(photos: Path):
    pack = open_pack(photos)
    content = bytearray(pack.file.read_bytes())
    content[pack.entries[1].offset + 5] ^= 1
    pack.file.write_bytes(content)
    (photos / "a.png").unlink()
    assert np.array_equal(open_pack(photos)[0], noise(101, 130, 1))


def test_files_of_no_use_are_named_with_the_reason_and_tried_again(photos: Path, caplog: pytest.LogCaptureFixture):
    good = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(good[:40])
    Image.fromarray(noise(95, 300)).save(photos / "narrow.png")
    Image.fromarray(noise(96, 96)).save(photos / "just-right.png")
    (photos / "readme.txt").write_text("no photo, and none by its name")
    count = Count()
    with caplog.at_level(logging.WARNING):
        pack = open_pack(photos, count)
    assert count.calls[-1] == (5, 5)
    assert names(pack) == ["a.png", "just-right.png", "more/c.png"]
    assert [name for name, _ in pack.skipped] == ["b.png", "narrow.png"]
    assert "95 pixels on its short side" in pack.skipped[1][1]
    assert str(photos) not in pack.skipped[0][1]
    assert [record.getMessage().split(": ")[:2] for record in caplog.records] == [
        ["skipped", "b.png"],
        ["skipped", "narrow.png"],
    ]
    assert open_pack(photos, count).skipped == pack.skipped
    assert len(count.calls) == 5
    (photos / "b.png").write_bytes(good)
    assert names(open_pack(photos)) == ["a.png", "b.png", "just-right.png", "more/c.png"]


def test_nothing_to_use_is_an_error_that_names_the_folder(tmp_path: Path, cache: Path):
    folder = tmp_path / "empty"
    with pytest.raises(ConfigError, match="empty is not a folder"):
        open_pack(folder)
    folder.mkdir()
    with pytest.raises(ConfigError, match="empty: no photos found; name a folder"):
        open_pack(folder)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ConfigError, match=r"empty: none of the photos can be used; .*broken\.jpg: "):
        open_pack(folder)
    assert list(only_folder(cache).iterdir()) == []


def test_without_room_nothing_is_begun(photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100_000))
    count = Count()
    with pytest.raises(BudgetError, match=r"0\.0 GB are free.*IMPASTO_CACHE_DIR"):
        open_pack(photos, count)
    assert count.calls == []
    assert list(only_folder(cache).iterdir()) == []


def test_a_cache_folder_that_cannot_be_is_one_line(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(photos / "a.png"))
    with pytest.raises(NstError, match=r"cannot write .* is a file, not a folder"):
        open_pack(photos)


def test_ctrl_c_leaves_nothing_half(photos: Path, cache: Path):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_pack(photos, stop)
    assert list(only_folder(cache).iterdir()) == []
    assert len(open_pack(photos)) == 3


def test_a_stop_while_it_is_made_anew_keeps_the_old_one(photos: Path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    old = open_pack(photos)
    before = (photos / "b.png").stat().st_mtime_ns
    os.utime(photos / "b.png", ns=(1, 1))
    with pytest.raises(KeyboardInterrupt):
        open_pack(photos, stop)
    os.utime(photos / "b.png", ns=(before, before))
    count = Count()
    assert open_pack(photos, count).file == old.file
    assert count.calls == []


def test_what_a_kill_left_is_deleted_once_it_is_old(photos: Path, cache: Path):
    pack = open_pack(photos)
    old, fresh = (only_folder(cache) / f".impasto-{name}.pixels" for name in ("old", "fresh"))
    for file in (old, fresh):
        file.touch()
    long_ago = time.time() - 7200
    for file in (old, pack.file, only_folder(cache) / "index.json"):
        os.utime(file, (long_ago, long_ago))
    count = Count()
    open_pack(photos, count)
    assert count.calls == []
    assert not old.exists()
    assert fresh.exists()


def test_two_at_once_do_not_harm_each_other(photos: Path):
    packs: list[PhotoPack] = []
    both_read = threading.Barrier(2, timeout=10)

    def progress(done: int, total: int) -> None:
        if done == 2:
            both_read.wait()  # both are at it, neither has finished

    threads = [threading.Thread(target=lambda: packs.append(open_pack(photos, progress))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = Count()
    packs.append(open_pack(photos, count))
    assert count.calls == []
    assert len(packs) == 3
    for pack in packs:
        assert all(np.array_equal(photo, noise(100 + i, 130, i)) for i, photo in enumerate(pack))


def test_another_process_maps_the_file_itself(photos: Path):
    pack = open_pack(photos)
    sent = pickle.dumps(pack)
    assert len(sent) < 3000 < pack.pixels.nbytes
    assert all(np.array_equal(a, b) for a, b in zip(pickle.loads(sent), pack, strict=True))


def test_a_limit_takes_evenly_from_the_folder(photos: Path):
    assert names(open_pack(photos, limit=2)) == ["a.png", "b.png"]
    assert len(open_pack(photos, limit=9)) == 3
    for i in range(7):
        Image.fromarray(noise(96, 96, i)).save(photos / f"x{i}.png")
    assert [source.name for source in find_photos(photos, 5)[1]] == [
        "a.png",
        "more/c.png",
        "x1.png",
        "x3.png",
        "x5.png",
    ]


def test_without_a_folder_scikit_images_photos_are_taken_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pack = open_pack(None)
    assert set(names(pack)) <= set(SCIKIT_IMAGE_PHOTOS)
    assert {"astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"} <= set(names(pack))
    assert pack[0].shape == (512, 512, 3)
    assert all(photo.std((0, 1)).min() > 5 for photo in pack)
    monkeypatch.setattr("skimage.__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "data").mkdir()
    with pytest.raises(ConfigError, match="no photos found"):
        open_pack(None)
