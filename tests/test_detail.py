"""Broad strokes at the full size: the small painting comes back when the result is made smaller."""

import numpy as np
import skimage.data

from nst_core.picture import Picture
from serve.detail import refine


def blurred(picture: Picture, size: tuple[int, int]) -> Picture:
    return picture.resized(*size).resized(picture.width, picture.height)


def test_result_made_smaller_is_the_small_painting():
    photo = Picture(skimage.data.astronaut())
    painting = Picture(255 - photo.resized(128, 128).pixels[..., ::-1])
    fine = Picture(photo.pixels.copy())
    refine(painting.as_float(), photo.resized(128, 128).as_float(), photo, fine)
    assert np.abs(fine.resized(128, 128).as_float() - painting.as_float()).mean() < 0.02


def test_detail_comes_from_the_fine_painting():
    photo = Picture(np.full((256, 256, 3), 128, np.uint8))  # no edges to follow
    random = np.random.default_rng(0)
    fine = Picture(random.integers(90, 160, (256, 256, 3), np.uint8))
    small = photo.resized(64, 64).as_float()
    detail = fine.as_float() - blurred(fine, (64, 64)).as_float()
    refine(np.full_like(small, 0.7), small, photo, fine)
    assert np.corrcoef((fine.as_float() - 0.7).ravel(), detail.ravel())[0, 1] > 0.98


def test_edges_of_the_photo_stay_sharp():
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[:, 131:] = 255
    photo = Picture(pixels)
    small = photo.resized(32, 32).as_float()
    fine = Picture(np.full_like(pixels, 128))  # has no edge of its own
    refine(1 - small, small, photo, fine)
    row = fine.as_float()[128, :, 0]
    assert row[129] - row[132] > 0.6  # enlarged smoothly, eight pixels would lie between dark and light


def test_bit_depth_is_kept():
    photo = Picture(skimage.data.astronaut()).with_bits(16)
    fine = Picture(photo.pixels.copy())
    small = photo.resized(128, 128).as_float()
    refine(small, small, photo, fine)
    assert fine.pixels.dtype == np.uint16 and len(np.unique(fine.pixels)) > 256
