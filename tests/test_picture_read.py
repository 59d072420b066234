"""Reading: every kind of file and of samples gives the sRGB pixels that were put in."""

import hashlib
import io
import logging
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageOps
from sample_pictures import (
    camera_exif,
    cmyk_profile,
    four_bit_tiff,
    gray_profile,
    noise,
    rgb_profile,
    saved,
    tiff,
    to_srgb,
    valid_files,
)

from nst_core.errors import ImageError
from nst_core.picture import Picture, read_picture, read_settings, write_picture
from nst_core.picture_profile import srgb_profile

RGB = noise()
ALPHA = noise(channels=1, seed=1)[..., 0]
DEEP = np.random.default_rng(2).integers(0, 65536, RGB.shape, np.uint16)
DEEP_ALPHA = np.random.default_rng(3).integers(0, 65536, ALPHA.shape, np.uint16)


def read(folder: Path, data: bytes, name: str = "picture.bin") -> Picture:
    (folder / name).write_bytes(data)
    return read_picture(folder / name)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_rgb_without_loss(tmp_path: Path, kind: str):
    picture = read(tmp_path, saved(Image.fromarray(RGB), kind, lossless=True))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.alpha is None and picture.bit_depth == 8
    assert (picture.width, picture.height) == (16, 12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_without_loss(tmp_path: Path, kind: str):
    data = saved(Image.fromarray(np.dstack([RGB, ALPHA])), kind, lossless=True, exact=True)
    picture = read(tmp_path, data)
    np.testing.assert_array_equal(picture.pixels, RGB)
    np.testing.assert_array_equal(picture.alpha, ALPHA)


def test_opaque_alpha_is_none(tmp_path: Path):
    data = saved(Image.fromarray(np.dstack([RGB, np.full_like(ALPHA, 255)])), "PNG")
    assert read(tmp_path, data).alpha is None


def test_jpeg_and_gif_decode_as_pillow_does(tmp_path: Path):
    gradient = np.linspace(0, 255, 32 * 24 * 3).reshape(24, 32, 3).astype(np.uint8)
    for kind in ("JPEG", "GIF"):
        data = saved(Image.fromarray(gradient), kind)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        np.testing.assert_array_equal(read(tmp_path, data).pixels, expected)
        assert np.abs(expected.astype(int) - gradient).max() < 40  # not some other picture


def test_first_frame_of_an_animation(tmp_path: Path):
    frames = [Image.new("RGB", (5, 4), color) for color in ("red", "blue")]
    for kind in ("GIF", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        assert (read(tmp_path, data).pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_gray_palette_and_bilevel(tmp_path: Path, kind: str):
    gray = RGB[..., 0]
    picture = read(tmp_path, saved(Image.fromarray(gray), kind))
    np.testing.assert_array_equal(picture.pixels, gray[..., None].repeat(3, axis=2))

    bilevel = Image.fromarray(gray > 99)
    picture = read(tmp_path, saved(bilevel, kind))
    np.testing.assert_array_equal(picture.pixels[..., 1], np.where(gray > 99, 255, 0))

    palette = Image.fromarray(gray % 4, mode="P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 0, 128])
    colors = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [255, 0, 128]])
    np.testing.assert_array_equal(read(tmp_path, saved(palette, kind)).pixels, colors[gray % 4])


def test_gray_with_alpha(tmp_path: Path):
    picture = read(tmp_path, saved(Image.fromarray(np.dstack([RGB[..., 0], ALPHA])), "PNG"))
    np.testing.assert_array_equal(picture.pixels[..., 2], RGB[..., 0])
    np.testing.assert_array_equal(picture.alpha, ALPHA)


def test_transparent_palette_entry(tmp_path: Path):
    index = RGB[..., 0] % 4
    for kind in ("PNG", "GIF"):
        palette = Image.fromarray(index, mode="P")
        palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 0, 128])
        picture = read(tmp_path, saved(palette, kind, transparency=2))
        np.testing.assert_array_equal(picture.alpha, np.where(index == 2, 0, 255))


def test_small_and_odd_tiffs(tmp_path: Path):
    gray = RGB[..., 0]
    white_is_zero = tiff(gray, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path, white_is_zero).pixels[..., 0], 255 - gray)
    np.testing.assert_array_equal(read(tmp_path, four_bit_tiff(gray >> 4)).pixels[..., 0], (gray >> 4) * 17)
    in_jpeg = saved(Image.fromarray(np.full((16, 16, 3), (200, 100, 50), np.uint8)), "TIFF", compression="jpeg")
    assert np.abs(read(tmp_path, in_jpeg).pixels.astype(int) - (200, 100, 50)).max() <= 2
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        data = saved(Image.fromarray(RGB), "TIFF", compression=compression)
        np.testing.assert_array_equal(read(tmp_path, data).pixels, RGB)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_is_exact(tmp_path: Path, channels: int):
    samples = np.dstack([DEEP, DEEP_ALPHA])
    samples = {1: samples[..., 0], 2: samples[..., [0, 3]], 3: DEEP, 4: samples}[channels]
    picture = read(tmp_path, bytes(imagecodecs.png_encode(np.ascontiguousarray(samples))))
    expected = DEEP if channels > 2 else DEEP[..., :1].repeat(3, axis=2)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.bit_depth == 16
    if channels % 2 == 0:
        np.testing.assert_array_equal(picture.alpha, DEEP_ALPHA)


@pytest.mark.parametrize("compression", [None, "lzw", "adobe_deflate"])
def test_tiff_of_16_bits_is_exact(tmp_path: Path, compression: str | None):
    picture = read(tmp_path, tiff(DEEP, photometric="rgb", compression=compression, predictor=bool(compression)))
    np.testing.assert_array_equal(picture.pixels, DEEP)
    planes = tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate", byteorder=">")
    np.testing.assert_array_equal(read(tmp_path, planes).pixels, DEEP)
    gray = tiff(DEEP[..., 0], photometric="minisblack", compression=compression)
    np.testing.assert_array_equal(read(tmp_path, gray).pixels, DEEP[..., :1].repeat(3, axis=2))


def test_tiff_alpha_of_16_bits(tmp_path: Path):
    straight = tiff(np.dstack([DEEP, DEEP_ALPHA]), photometric="rgb", extrasamples=["unassalpha"])
    picture = read(tmp_path, straight)
    np.testing.assert_array_equal(picture.pixels, DEEP)
    np.testing.assert_array_equal(picture.alpha, DEEP_ALPHA)

    half = np.full_like(DEEP_ALPHA, 32768)
    multiplied = np.rint(DEEP * (32768 / 65535)).astype(np.uint16)
    picture = read(tmp_path, tiff(np.dstack([multiplied, half]), photometric="rgb", extrasamples=["assocalpha"]))
    assert np.abs(picture.pixels.astype(int) - DEEP).max() <= 1
    np.testing.assert_array_equal(picture.alpha, half)


def test_cmyk_without_profile(tmp_path: Path):
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 51], [0, 0, 0, 255]]], np.uint8)
    expected = [[[255, 255, 255], [0, 255, 255], [204, 0, 204], [0, 0, 0]]]
    np.testing.assert_array_equal(read(tmp_path, saved(Image.fromarray(inks, "CMYK"), "TIFF")).pixels, expected)
    blocks = inks.repeat(16, axis=0).repeat(16, axis=1)
    in_jpeg = read(tmp_path, saved(Image.fromarray(blocks, "CMYK"), "JPEG", quality=98)).pixels[8:9, 8::16]
    assert np.abs(in_jpeg.astype(int) - expected).max() <= 4


def test_cmyk_with_profile(tmp_path: Path):
    profile = cmyk_profile({(0, 0, 0, 0): 100, (1, 0, 0, 0): 50})
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    picture = read(tmp_path, saved(Image.fromarray(inks, "CMYK"), "TIFF", icc_profile=profile))
    # L* = 50 is sRGB gray 118.9
    assert np.abs(picture.pixels[0].astype(int) - [[255] * 3, [119] * 3, [0] * 3]).max() <= 2


@pytest.mark.parametrize("gamma", [1.0, 563 / 256])
def test_profile_becomes_srgb(tmp_path: Path, gamma: float):
    profile = rgb_profile(gamma)
    picture = read(tmp_path, saved(Image.fromarray(RGB), "PNG", icc_profile=profile))
    assert np.abs(picture.pixels - to_srgb(RGB / 255, gamma) * 255).max() <= 1.5
    assert np.abs(picture.pixels.astype(int) - RGB).max() > 10  # the profile makes a difference

    # 80 levels in 65535 are what the profile's and the reference's rounded numbers make in the shadows.
    expected = to_srgb(DEEP / 65535, gamma) * 65535
    picture = read(tmp_path, tiff(DEEP, photometric="rgb", iccprofile=profile))
    assert np.abs(picture.pixels - expected).max() <= 80


def test_gray_profile(tmp_path: Path):
    ramp = np.arange(256, dtype=np.uint8)[None]
    picture = read(tmp_path, saved(Image.fromarray(ramp), "PNG", icc_profile=gray_profile(1.0)))
    linear = ramp[0] / 255
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    assert np.abs(picture.pixels[0] - expected[:, None]).max() <= 1


def test_srgb_profile_changes_no_bit(tmp_path: Path):
    picture = read(tmp_path, saved(Image.fromarray(RGB), "PNG", icc_profile=srgb_profile()))
    np.testing.assert_array_equal(picture.pixels, RGB)


@pytest.mark.parametrize("profile", [b"junk" * 50, rgb_profile(2.2)[:300], gray_profile(2.2)])
def test_bad_profile_is_ignored_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture, profile: bytes):
    with caplog.at_level(logging.WARNING):
        picture = read(tmp_path, saved(Image.fromarray(RGB), "PNG", icc_profile=profile), "a.png")
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert "a.png" in caplog.text and "color profile" in caplog.text


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation(tmp_path: Path, orientation: int, kind: str):
    blocks = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]], [[0, 0, 0], [255, 255, 0]]])
    image = Image.fromarray(blocks.astype(np.uint8).repeat(16, axis=0).repeat(16, axis=1))
    exif = camera_exif(orientation).tobytes()
    picture = read(tmp_path, saved(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {})))
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels.astype(int) - expected)[8::16, 8::16].max() <= 3
    assert read(tmp_path, saved(image, kind)).exif is None


def test_alpha_turns_with_the_picture(tmp_path: Path):
    data = saved(Image.fromarray(np.dstack([RGB, ALPHA])), "PNG", exif=camera_exif(6))
    picture = read(tmp_path, data)
    np.testing.assert_array_equal(picture.alpha, np.rot90(ALPHA, -1))
    np.testing.assert_array_equal(picture.pixels, np.rot90(RGB, -1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_is_cleaned(tmp_path: Path, kind: str):
    data = saved(Image.fromarray(RGB), kind, exif=camera_exif(3).tobytes())
    exif = Image.Exif()
    exif.load(read(tmp_path, data).exif or b"")
    assert exif[0x010F] == "Camera & Co"
    if kind != "TIFF":  # where Pillow, which made the file, already wrote question marks
        assert exif[0x8298].encode("latin-1").decode() == "© A. Painter"
    details = exif.get_ifd(0x8769)
    assert details[0x9003] == "2020:02:03 04:05:06" and float(details[0x829A]) == pytest.approx(0.01)
    assert not {0x0112, 0x8825} & set(exif) and not {0x927C, 0xA002} & set(details)
    assert not exif.get_ifd(0x8825) and not exif.get_ifd(1)


def test_name_and_hash(tmp_path: Path):
    data = saved(Image.fromarray(RGB), "PNG")
    picture = read(tmp_path, data, "my cat.jpg")  # what it is, its content tells
    assert picture.name == "my cat.jpg" and picture.sha256 == hashlib.sha256(data).hexdigest()


def test_heic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    gradient = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(gradient)).save(file, quality=95)
    picture = read(tmp_path, file.getvalue(), "a.heic")
    assert np.abs(picture.pixels.astype(int) - gradient).mean() < 4

    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as where it is not installed
    with pytest.raises(ImageError, match=r'a\.heic .*pip install "impasto\[heif\]"'):
        read_picture(tmp_path / "a.heic")


def test_every_kind_is_read(tmp_path: Path):
    for kind, data in valid_files().items():
        picture = read(tmp_path, data)
        assert {picture.width, picture.height} == {16, 12}, kind


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_settings_are_read_without_the_pixels(tmp_path: Path, suffix: str, bits: int):
    if bits == 16 and suffix in (".jpg", ".webp"):
        return
    path = tmp_path / f"painted{suffix}"
    write_picture(Picture(noise(40, 60)).with_bits(bits), path, settings={"command": "paint", "seconds": 1.5})
    found = read_settings(path)
    assert (found.width, found.height, found.settings) == (60, 40, {"command": "paint", "seconds": 1.5})
    assert found.settings == read_picture(path).settings


def test_settings_are_read_from_a_png_that_breaks_off(tmp_path: Path):
    path = tmp_path / "cut.png"
    write_picture(Picture(noise(200, 200)), path, settings={"command": "paint"})
    path.write_bytes(path.read_bytes()[:-1000])
    assert read_settings(path).settings == {"command": "paint"}
    with pytest.raises(ImageError, match=r"cut\.png is a broken or truncated PNG"):
        read_picture(path)


def test_what_has_no_settings_or_is_no_picture(tmp_path: Path):
    for name, data in valid_files().items():
        (tmp_path / name).write_bytes(data)
        assert read_settings(tmp_path / name).settings is None
    (tmp_path / "text.png").write_text("no picture")
    for name, said in (("text.png", "is not a picture"), ("none.png", "does not exist"), (".", "is a folder")):
        with pytest.raises(ImageError, match=said):
            read_settings(tmp_path / name)
    with pytest.raises(ImageError, match="over the limit"):
        read_settings(tmp_path / "png", max_pixels=10)
