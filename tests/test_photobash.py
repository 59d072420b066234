"""Several styles in one picture: where each shows, how they meet, and one palette over all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from random_pictures import random_picture
from toy_style import expected, write_toy_style

from models.catalog import Style, read_style
from nst_core.color_transfer import color_statistics
from nst_core.errors import ConfigError, ImageError
from nst_core.picture import Picture
from serve.engine import Engine
from serve.paint_options import PaintOptions
from studio.photobash.borders import Borders, share_out
from studio.photobash.palette import picture_palette
from studio.photobash.parts import Part, PhotobashOptions
from studio.photobash.photobash import photobash

HEIGHT, WIDTH = 44, 60
"""The toy styles paint their strokes at this size, so that a result is what their formula says."""
PLAIN = PhotobashOptions(palette="none", feather_px=0)
LEVEL = 1 / 255


@pytest.fixture
def styles(tmp_path: Path) -> tuple[Style, Style]:
    """Two styles of different colors; the second holds two paintings."""
    write_toy_style(tmp_path / "first.onnx")
    write_toy_style(tmp_path / "second.onnx", paintings=2)
    return read_style(tmp_path / "first.onnx"), read_style(tmp_path / "second.onnx")


SECOND = PaintOptions(weights=(1.0, 3.0))


def smooth_photo(height: int = HEIGHT, width: int = WIDTH) -> Picture:
    return random_picture(height, width, 5, name="cat.png")


def stripe(left: int, right: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    mask = np.zeros((height, width), np.float32)
    mask[:, left:right] = 1
    return mask


def painted(photo: Picture) -> tuple[np.ndarray, np.ndarray]:
    """The whole photo in the first and in the second style."""
    rgb = photo.as_float()
    return expected(rgb), expected(rgb, weights=(1.0, 3.0))


def bash(parts: Sequence[Part], options: PhotobashOptions = PLAIN, photo: Picture | None = None, **more) -> np.ndarray:
    return photobash(photo or smooth_photo(), parts, options, Engine(), **more).as_float()


def test_each_style_shows_where_its_mask_is_white(styles: tuple[Style, Style]):
    first, second = styles
    result = bash([Part(first, stripe(0, 30)), Part(second, stripe(30, 60), SECOND)])
    one, other = painted(smooth_photo())
    assert np.abs(result[:, :30] - one[:, :30]).max() <= LEVEL
    assert np.abs(result[:, 30:] - other[:, 30:]).max() <= LEVEL


def test_a_later_mask_lies_over_and_the_first_style_takes_what_is_left(styles: tuple[Style, Style]):
    first, second = styles
    result = bash([Part(first, stripe(20, 40)), Part(second, stripe(30, 50), SECOND)])
    one, other = painted(smooth_photo())
    assert np.abs(result[:, 30:50] - other[:, 30:50]).max() <= LEVEL
    assert np.abs(result[:, :30] - one[:, :30]).max() <= LEVEL and np.abs(result[:, 50:] - one[:, 50:]).max() <= LEVEL


def test_a_style_without_a_mask_takes_what_the_others_leave(styles: tuple[Style, Style]):
    first, second = styles
    result = bash([Part(first, stripe(0, 20)), Part(second, None, SECOND)])
    assert np.abs(result[:, 20:] - painted(smooth_photo())[1][:, 20:]).max() <= LEVEL


def test_gray_in_a_mask_mixes_and_its_size_may_differ(styles: tuple[Style, Style]):
    first, second = styles
    result = bash([Part(first), Part(second, np.full((11, 15), 0.5, np.float32), SECOND)])
    one, other = painted(smooth_photo())
    assert np.abs(result - (one + other) / 2).max() <= 1.5 * LEVEL


def test_alpha_exif_bits_and_size_are_kept(styles: tuple[Style, Style]):
    photo = smooth_photo(88, 120).with_bits(16)
    alpha = np.linspace(0, 65535, 88 * 120).reshape(88, 120).astype(np.uint16)
    photo = Picture(photo.pixels, alpha, b"Exif", "cat.png")
    seen: list[float] = []
    parts = [Part(styles[0], stripe(0, 30)), Part(styles[1])]
    result = photobash(photo, parts, PhotobashOptions(), Engine(), seen.append)
    assert (result.width, result.height, result.bit_depth) == (120, 88, 16)
    assert result.alpha is not None and (result.alpha == alpha).all() and result.exif == b"Exif"
    assert seen == sorted(seen) and seen[-1] == 1
    small = photobash(photo, parts, PhotobashOptions(size=60), Engine())
    assert (small.width, small.height) == (60, 44)


def test_with_full_strength_all_have_the_first_styles_palette(styles: tuple[Style, Style]):
    first, second = styles
    nearly_all = 1 - stripe(0, 1)
    parts = [Part(first), Part(second, nearly_all, SECOND)]
    photo = Picture.from_float(0.3 + 0.4 * smooth_photo().as_float())  # nothing is clipped
    result = bash(parts, PhotobashOptions(feather_px=0, palette_strength=1), photo)
    mean, covariance = color_statistics(expected(photo.as_float()))
    found_mean, found_covariance = color_statistics(result)
    assert found_mean == pytest.approx(mean, abs=0.01) and found_covariance == pytest.approx(covariance, abs=0.003)
    none = bash(parts, PhotobashOptions(feather_px=0, palette_strength=0), photo)
    assert (none == bash(parts, PLAIN, photo)).all()


def test_the_palette_of_a_picture_is_matched_by_every_part(styles: tuple[Style, Style]):
    first, second = styles
    photo = smooth_photo()
    parts = [Part(first, stripe(0, 30)), Part(second, None, SECOND)]
    result = bash(parts, PhotobashOptions(palette=picture_palette(photo), palette_strength=1), photo)
    far = [np.abs(color_statistics(x)[0] - color_statistics(photo.as_float())[0]).max() for x in painted(photo)]
    near = np.abs(color_statistics(result)[0] - color_statistics(photo.as_float())[0]).max()
    assert near < 0.05 < min(far)


def test_a_border_moves_to_the_photos_edge_near_it():
    edge = np.zeros((64, 96, 3), np.uint8)
    edge[:, 50:] = 255
    flat = np.full((64, 96, 3), 128, np.uint8)
    masks = [stripe(0, 47, 64, 96), stripe(47, 96, 64, 96)]
    on_edge, on_flat = (Borders(Picture(x), masks, 10).rows(slice(0, 64))[32, :, 1] for x in (edge, flat))
    assert np.diff(on_edge).argmax() == 49 and on_edge[50] - on_edge[49] > 0.4 and on_edge[50:].min() > 0.97
    assert on_flat[46] + on_flat[47] == pytest.approx(1, abs=0.01) and np.diff(on_flat).max() < 0.15
    assert on_flat[:36].max() < 0.01 and on_flat[58:].min() > 0.99  # within so many pixels to either side


def test_shares_are_whole_and_alike_in_bands():
    random = np.random.default_rng(0)
    photo = Picture(random.integers(0, 256, (70, 90, 3), np.uint8))
    masks = [random.random((35, 45), np.float32) for _ in range(3)]
    borders = Borders(photo, masks, 5)
    whole = borders.rows(slice(0, 70))
    assert whole.shape == (70, 90, 3) and whole.min() >= 0
    assert np.abs(whole.sum(2) - 1).max() < 1e-5
    in_bands = np.concatenate([borders.rows(slice(top, min(top + 16, 70))) for top in range(0, 70, 16)])
    assert np.abs(in_bands - whole).max() < 1e-4


def test_masks_are_shared_out_as_layers_lie():
    low, high = np.full((2, 2), 0.5, np.float32), np.full((2, 2), 0.25, np.float32)
    shares = share_out([low, high], 2, 2)
    assert shares[:, 0, 0] == pytest.approx([0.75 * 0.5 + 0.75 * 0.5, 0.25])
    assert share_out([low, None, high], 2, 2)[:, 0, 0] == pytest.approx([0.375, 0.375, 0.25])


def test_one_style_and_another_photos_mask_are_refused(styles: tuple[Style, Style]):
    first, second = styles
    with pytest.raises(ConfigError, match="two styles or more"):
        bash([Part(first)])
    with pytest.raises(ImageError, match="the mask of second is 20x20 px"):
        bash([Part(first), Part(second, np.ones((20, 20), np.float32))])
    with pytest.raises(ConfigError, match="second holds 2 paintings"):
        bash([Part(first), Part(second, None, PaintOptions(weights=(1.0, 2.0, 3.0)))])
