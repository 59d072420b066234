"""Writing: other readers find in the file what was put in, and so does ours."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from sample_pictures import camera_exif, noise, saved

from nst_core.errors import ImageError, NstError
from nst_core.picture import Picture, picture_bytes, read_picture, read_picture_bytes, write_picture

SUFFIXES = [".png", ".jpg", ".webp", ".tif"]
LOSSLESS = [".png", ".webp", ".tiff"]
RGB = noise(24, 32)
ALPHA = noise(24, 32, 1, seed=1)[..., 0]
DEEP = np.random.default_rng(2).integers(0, 65536, RGB.shape, np.uint16)
DEEP_ALPHA = np.random.default_rng(3).integers(0, 65536, ALPHA.shape, np.uint16)


def from_camera(folder: Path) -> Picture:
    (folder / "camera.png").write_bytes(saved(Image.fromarray(RGB), "PNG", exif=camera_exif(3)))
    return read_picture(folder / "camera.png")


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("alpha", [None, ALPHA])
def test_lossless_for_other_readers(tmp_path: Path, suffix: str, alpha: np.ndarray | None):
    write_picture(Picture(RGB, alpha), tmp_path / f"a{suffix}", quality=100)
    expected = RGB if alpha is None else np.dstack([RGB, alpha])
    with Image.open(tmp_path / f"a{suffix}") as image:
        np.testing.assert_array_equal(np.asarray(image), expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_in_memory_it_is_the_same_as_in_a_file(tmp_path: Path, suffix: str):
    camera, settings = from_camera(tmp_path), {"strength": 0.5}
    write_picture(camera, tmp_path / f"a{suffix}", settings=settings, quality=80)
    data = picture_bytes(camera, f"cat{suffix}", settings=settings, quality=80)
    assert data == (tmp_path / f"a{suffix}").read_bytes()
    from_file, from_bytes = read_picture(tmp_path / f"a{suffix}"), read_picture_bytes(data, f"photos/a{suffix}")
    assert (from_bytes.name, from_bytes.sha256) == (f"a{suffix}", from_file.sha256)
    assert from_bytes.settings == settings and np.array_equal(from_bytes.pixels, from_file.pixels)


def test_in_memory_errors_name_the_picture():
    with pytest.raises(ImageError, match=r"cat\.png is a broken or truncated PNG file"):
        read_picture_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40), "cat.png")
    with pytest.raises(ImageError, match=r"cat\.xyz: the name must end in"):
        picture_bytes(Picture(RGB), "cat.xyz")


def test_jpeg_is_close_and_quality_counts(tmp_path: Path):
    gradient = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    sizes = []
    for quality in (30, 92):
        write_picture(Picture(gradient), tmp_path / "a.JPG", quality=quality)
        sizes.append((tmp_path / "a.JPG").stat().st_size)
    assert sizes[0] < sizes[1]
    with Image.open(tmp_path / "a.JPG") as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image).astype(int) - gradient).max() <= 12


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_srgb_profile_inside(tmp_path: Path, suffix: str):
    write_picture(Picture(RGB), tmp_path / f"a{suffix}")
    write_picture(Picture(RGB), tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    with Image.open(tmp_path / f"a{suffix}") as image:
        profile = ImageCms.ImageCmsProfile(_as_file(image.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        through = ImageCms.profileToProfile(Image.fromarray(RGB), profile, srgb)
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    np.testing.assert_array_equal(np.asarray(through), RGB)


def _as_file(data: bytes):
    import io

    return io.BytesIO(data)


@pytest.mark.parametrize("alpha", [None, DEEP_ALPHA])
def test_tiff_of_16_bits(tmp_path: Path, alpha: np.ndarray | None):
    write_picture(Picture(DEEP, alpha, from_camera(tmp_path).exif), tmp_path / "a.tif", settings={"a": 1})
    expected = DEEP if alpha is None else np.dstack([DEEP, alpha])
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = tiff.pages.first
        np.testing.assert_array_equal(page.asarray(), expected)
        assert page.photometric == tifffile.PHOTOMETRIC.RGB and page.iccprofile
        assert page.extrasamples == (() if alpha is None else (tifffile.EXTRASAMPLE.UNASSALPHA,))
        assert list(page.tags.keys()) == sorted(page.tags.keys())
        assert page.tags["Make"].value == "Camera & Co"
        assert page.tags["ExifTag"].value["DateTimeOriginal"] == "2020:02:03 04:05:06"
    again = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(again.pixels, DEEP)
    assert again.settings == {"a": 1}


@pytest.mark.parametrize("alpha", [None, DEEP_ALPHA])
def test_png_of_16_bits(tmp_path: Path, alpha: np.ndarray | None):
    write_picture(Picture(DEEP, alpha, from_camera(tmp_path).exif), tmp_path / "a.png", settings={"a": "ü"})
    again = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(again.pixels, DEEP)
    if alpha is not None:
        np.testing.assert_array_equal(again.alpha, alpha)
    assert again.settings == {"a": "ü"}
    with Image.open(tmp_path / "a.png") as image:  # which reads the upper 8 bits, and all that is beside
        assert image.info["icc_profile"][36:40] == b"acsp"
        assert json.loads(image.info["impasto"]) == {"a": "ü"}
        assert image.getexif()[0x010F] == "Camera & Co"
        np.testing.assert_array_equal(np.asarray(image)[..., :3], DEEP >> 8)


def test_bits_asked_for(tmp_path: Path):
    write_picture(Picture(RGB), tmp_path / "a.tif", bits=16)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), RGB.astype(int) * 257)
    write_picture(Picture(DEEP), tmp_path / "b.tif", bits=8)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), np.rint(DEEP / 257))
    write_picture(Picture(DEEP), tmp_path / "c.webp", quality=100)  # has 8 bits only
    np.testing.assert_array_equal(read_picture(tmp_path / "c.webp").pixels, np.rint(DEEP / 257))
    with pytest.raises(ImageError, match=r"d\.jpg: JPEG holds 8 bits .*use \.tif or \.png"):
        write_picture(Picture(RGB), tmp_path / "d.jpg", bits=16)
    assert not (tmp_path / "d.jpg").exists()


def test_jpeg_is_composed_on_white(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    color = np.full((16, 16, 3), (200, 0, 100), np.uint8)
    cover = np.full((16, 16), 51, np.uint8)
    with caplog.at_level(logging.WARNING):
        write_picture(Picture(color, cover), tmp_path / "a.jpg", quality=98)
    assert "transparency" in caplog.text
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - (244, 204, 224)).max() <= 2


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_exif_is_kept_without_what_tells(tmp_path: Path, suffix: str):
    write_picture(from_camera(tmp_path), tmp_path / f"a{suffix}", settings={"seed": 7})
    with Image.open(tmp_path / f"a{suffix}") as image:
        exif = image.getexif()
        assert exif[0x010F] == "Camera & Co" and exif[0x8298].encode("latin-1").decode() == "© A. Painter"
        assert exif.get_ifd(0x8769)[0x9003] == "2020:02:03 04:05:06"
        assert exif.get(0x0112, 1) == 1 and 0x8825 not in exif
        assert 0x927C not in exif.get_ifd(0x8769) and not exif.get_ifd(1)
    again = read_picture(tmp_path / f"a{suffix}")
    assert again.settings == {"seed": 7}
    # The settings belong to this file: what is painted from it does not inherit them.
    write_picture(again, tmp_path / f"b{suffix}")
    assert read_picture(tmp_path / f"b{suffix}").settings is None
    assert read_picture(tmp_path / f"b{suffix}").exif is not None


@dataclass(frozen=True)
class Options:
    style: Path
    strength: float


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_settings_come_back_without_paths(tmp_path: Path, suffix: str):
    settings = {
        "options": Options(Path("/home/me/My Paintings/wave.jpg"), 0.7),
        "photos": ("C:\\Users\\me\\cat.jpg", "photos/dog.png:0.3", PureWindowsPath("D:/a/b.png")),
        "/home/me/mask.png": "~/secret",
        "command": "impasto optimize /home/me/cat.jpg --style=/data/wave.jpg -o ../out/x.png",
        "licence": "CC-BY/CC0 and/or https://example.org/a/b",
        "name": "Größe ☂",
        "loss": [np.float32(0.5), float("nan"), None, True, 3],
    }
    write_picture(Picture(RGB), tmp_path / f"a{suffix}", settings=settings, sidecar=True)
    found = read_picture(tmp_path / f"a{suffix}").settings
    assert found == {
        "options": {"style": "wave.jpg", "strength": 0.7},
        "photos": ["cat.jpg", "dog.png:0.3", "b.png"],
        "mask.png": "secret",
        "command": "impasto optimize cat.jpg --style=wave.jpg -o x.png",
        "licence": "CC-BY/CC0 and/or https://example.org/a/b",
        "name": "Größe ☂",
        "loss": [0.5, None, None, True, 3],
    }
    assert json.loads((tmp_path / f"a{suffix}.json").read_text("utf-8")) == found
    assert b"home" not in (tmp_path / f"a{suffix}").read_bytes()


def test_exif_that_is_too_long_for_jpeg(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    settings = {"note": "x" * 70_000}
    with caplog.at_level(logging.WARNING):
        write_picture(Picture(RGB), tmp_path / "a.jpg", settings=settings, sidecar=True)
    assert "too long" in caplog.text and read_picture(tmp_path / "a.jpg").settings is None
    assert json.loads((tmp_path / "a.jpg.json").read_text()) == settings
    for suffix in (".png", ".webp", ".tif"):
        write_picture(Picture(RGB), tmp_path / f"a{suffix}", settings=settings)
        assert read_picture(tmp_path / f"a{suffix}").settings == settings


def test_unknown_suffix_and_sizes(tmp_path: Path):
    with pytest.raises(ImageError, match=r"a\.gif: the name must end in \.png"):
        write_picture(Picture(RGB), tmp_path / "a.gif")
    with pytest.raises(ImageError, match="WebP holds at most 16383 pixels a side, not 16384"):
        write_picture(Picture(np.zeros((1, 16384, 3), np.uint8)), tmp_path / "a.webp")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_what_was_there(tmp_path: Path):
    write_picture(Picture(RGB), tmp_path / "a.webp")
    before = (tmp_path / "a.webp").read_bytes()
    with pytest.raises(ImageError):
        write_picture(Picture(np.zeros((1, 16384, 3), np.uint8)), tmp_path / "a.webp")
    assert (tmp_path / "a.webp").read_bytes() == before and os.listdir(tmp_path) == ["a.webp"]
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(NstError, match=r"folder\.png"):
        write_picture(Picture(RGB), tmp_path / "folder.png")
