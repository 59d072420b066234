"""What cannot be read: one clear line each, and never anything but an ImageError."""

import io
import logging
import os
import resource
import struct
import threading
import warnings
import zlib
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image
from sample_pictures import noise, saved, tiff, valid_files

from nst_core.errors import ImageError
from nst_core.picture import read_picture

FILES = valid_files()


def complaint(path: Path, **options: int) -> str:
    with pytest.raises(ImageError) as caught:
        read_picture(path, **options)
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    return message


def test_missing_folder_and_empty(tmp_path: Path):
    assert "does not exist" in complaint(tmp_path / "gone.jpg")
    assert "does not exist" in complaint(tmp_path / "gone" / "gone.jpg")
    assert "is a folder" in complaint(tmp_path)
    (tmp_path / "a.jpg").touch()
    assert "is empty (0 bytes)" in complaint(tmp_path / "a.jpg")
    assert "cannot be read" in complaint(tmp_path / "a.jpg" / "b.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        read_picture("nul\0.jpg")


def test_a_pipe_does_not_block(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "is not a file" in complaint(tmp_path / "pipe.jpg")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.png").write_bytes(FILES["png"])

    def refuse(*args: object, **kwargs: object):  # tests may run as root, whom no permission stops
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read; change its permissions" in complaint(tmp_path / "a.png")


@pytest.mark.parametrize("data", [b"hello, world\n", b"%PDF-1.7\n" * 9, b"<svg/>", b"\0" * 99, b"\xff\xd8", b"B"])
def test_not_a_picture(tmp_path: Path, data: bytes):
    (tmp_path / "a.jpg").write_bytes(data)
    assert "is not a picture that can be read here; give a JPEG, PNG" in complaint(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", FILES)
def test_truncated(tmp_path: Path, kind: str):
    path = tmp_path / "a.bin"
    path.write_bytes(FILES[kind][:40])
    assert "is a broken or truncated" in complaint(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_cut_in_half(tmp_path: Path, kind: str):
    path = tmp_path / "a.bin"
    data = saved(Image.fromarray(noise(100, 100)), kind)
    path.write_bytes(data[: len(data) // 2])
    assert "copy or export it again" in complaint(path)


def test_unusual_tiffs(tmp_path: Path):
    for array, options in [
        (np.zeros((4, 4, 3), np.float32), {"photometric": "rgb"}),
        (np.zeros((4, 4), np.int16), {"photometric": "minisblack"}),
        (np.zeros((4, 4, 3), np.uint16), {"photometric": "cielab"}),
    ]:
        (tmp_path / "a.tif").write_bytes(tiff(array, **options))
        assert "with 8 or 16 bits a channel" in complaint(tmp_path / "a.tif")


def test_bomb_is_refused_by_its_header(tmp_path: Path):
    side = 60_000

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    for bits in (8, 16):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, 2, 0, 0, 0))
        data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
        (tmp_path / "bomb.png").write_bytes(data)
        message = complaint(tmp_path / "bomb.png")
        assert "60000 × 60000 = 3600 megapixels, over the limit of 250" in message
        assert "--max-megapixels" in message


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [(256, 1, 16), (257, 4, 2_000_000_000), (322, 4, 2_000_000_000), (277, 3, 60_000)],  # sizes, tile, channels
)
def test_tiff_that_asks_for_gigabytes(tmp_path: Path, tag: int, kind: int, value: int):
    tiled = {"tile": (16, 16)} if tag == 322 else {}
    data = bytearray(tiff(np.zeros((16, 16, 3), np.uint16), photometric="rgb", **tiled))
    start = struct.unpack_from("<I", data, 4)[0]
    for entry in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12):
        if struct.unpack_from("<H", data, entry)[0] == tag:
            struct.pack_into("<HII", data, entry + 2, kind, 1, value)
        if tag == 256 and struct.unpack_from("<H", data, entry)[0] == 257:
            struct.pack_into("<HII", data, entry + 2, 4, 1, 2_000_000_000)
    (tmp_path / "a.tif").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    complaint(tmp_path / "a.tif")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


@pytest.mark.parametrize("kind", FILES)
def test_limit_is_settable_and_pillows_stays(tmp_path: Path, kind: str):
    before = Image.MAX_IMAGE_PIXELS
    path = tmp_path / "a.bin"
    path.write_bytes(FILES[kind])
    assert "over the limit" in complaint(path, max_pixels=16 * 12 - 1)
    assert read_picture(path, max_pixels=16 * 12).pixels.size == 16 * 12 * 3
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_more_pixels_than_pillows_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    (tmp_path / "a.bin").write_bytes(saved(Image.new("RGB", (2000, 1500), "navy"), kind))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600_000)  # Pillow refuses what has twice as many
    picture = read_picture(tmp_path / "a.bin")
    assert picture.pixels.shape == (1500, 2000, 3)
    assert np.abs(picture.pixels.astype(int) - (0, 0, 128)).max() <= 4


def test_broken_exif_does_not_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 20
    (tmp_path / "a.png").write_bytes(saved(Image.fromarray(noise()), "PNG", exif=exif))
    with caplog.at_level(logging.WARNING):
        picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, noise())
    assert picture.exif is None


def test_libraries_stay_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    levels = [logging.getLogger(name).level for name in ("PIL", "tifffile")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind, data in FILES.items():
            for at in range(8, len(data), 37):
                (tmp_path / "a.bin").write_bytes(data[:at] + b"\xa7" + data[at + 1 :])
                try:
                    read_picture(tmp_path / "a.bin", max_pixels=1_000_000)
                except ImageError as error:
                    assert str(error).count("\n") == 0, kind
    captured = capfd.readouterr()
    assert captured.out == ""
    # Only our own words, each about this file.
    assert all("a.bin: ignored" in line for line in captured.err.splitlines()), captured.err
    assert levels == [logging.getLogger(name).level for name in ("PIL", "tifffile")]


def test_threads_read_at_once(tmp_path: Path):
    expected = {}
    for kind, data in FILES.items():
        (tmp_path / kind).write_bytes(data)
        expected[kind] = read_picture(tmp_path / kind).pixels
    filters = list(warnings.filters)
    wrong: list[str] = []

    def read_all() -> None:
        for kind in FILES:
            if not np.array_equal(read_picture(tmp_path / kind).pixels, expected[kind]):
                wrong.append(kind)

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and list(warnings.filters) == filters


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid file with some bytes changed, perhaps some cut out, perhaps the end missing."""
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    places = st.integers(0, len(data) - 1) | st.integers(0, min(len(data), 200) - 1)
    for at, value in draw(st.lists(st.tuples(places, st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255)))):
        data[at] = value
    start = draw(st.integers(0, len(data)))
    del data[start : start + draw(st.sampled_from([0, 0, 1, 4, 64]))]
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])


@pytest.fixture(scope="module")
def fuzzed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "fuzzed.bin"


def read_fuzzed(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        picture = read_picture(path, max_pixels=1_000_000)
    except ImageError as error:
        assert path.name in str(error) and "\n" not in str(error)
        return
    assert picture.pixels.shape == (picture.height, picture.width, 3)
    assert picture.pixels.dtype in (np.uint8, np.uint16)
    assert picture.alpha is None or picture.alpha.shape == picture.pixels.shape[:2]


@hypothesis.settings(max_examples=1000, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(data=damaged())
def test_damaged_files(fuzzed_file: Path, data: bytes):
    read_fuzzed(fuzzed_file, data)


@hypothesis.settings(max_examples=300, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(
    kind=st.sampled_from(sorted(FILES)), length=st.sampled_from([0, 2, 4, 8, 12, 16, 26, 33]), rest=st.binary()
)
def test_random_bytes_after_a_good_beginning(fuzzed_file: Path, kind: str, length: int, rest: bytes):
    read_fuzzed(fuzzed_file, FILES[kind][:length] + rest)


def test_heic_fuzz(fuzzed_file: Path):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(noise(32, 32))).save(file)
    data = file.getvalue()
    for at in range(0, len(data), 9):
        read_fuzzed(fuzzed_file, data[:at] + b"\xff" + data[at + 1 :])
        read_fuzzed(fuzzed_file, data[:at])
