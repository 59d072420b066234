"""Pictures to tensors and back: nothing is lost on the way, whatever the bands."""

import numpy as np
import pytest
import torch

from nst_core import tensor
from nst_core.picture import Picture
from nst_core.tensor import to_picture, to_tensor


def random_picture(height: int, width: int, bits: int, alpha: bool = False) -> Picture:
    rng = np.random.default_rng(0)
    dtype, top = (np.uint8, 256) if bits == 8 else (np.uint16, 65536)
    cover = rng.integers(0, top, (height, width), dtype=dtype) if alpha else None
    pixels = rng.integers(0, top, (height, width, 3), dtype=dtype)
    return Picture(pixels, cover, exif=b"exif", name="a.png", sha256="0" * 64, settings={"a": 1})


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("height", [1, 7, tensor.BAND_ROWS, tensor.BAND_ROWS + 1])
def test_there_and_back_is_the_same(bits: int, height: int):
    picture = random_picture(height, 5, bits)
    x = to_tensor(picture)
    assert x.shape == (1, 3, height, 5)
    assert x.dtype == torch.float32
    expected = picture.pixels.astype(np.float64) / (2**bits - 1)
    np.testing.assert_allclose(x[0].permute(1, 2, 0).numpy(), expected, atol=1e-7)
    np.testing.assert_array_equal(to_picture(x, picture, bits).pixels, picture.pixels)


def test_values_are_clipped_and_rounded_to_the_nearest():
    like = random_picture(1, 4, 8)
    values = torch.tensor([-0.5, 100.4 / 255, 100.6 / 255, 1.5]).expand(1, 3, 1, 4)
    assert to_picture(values, like).pixels[0, :, 0].tolist() == [0, 100, 101, 255]
    assert to_picture(values, like, 16).pixels[0, [0, 3], 0].tolist() == [0, 65535]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("own_bits", [8, 16])
def test_alpha_and_exif_come_along_but_not_where_it_came_from(bits: int, own_bits: int):
    like = random_picture(4, 5, own_bits, alpha=True)
    picture = to_picture(torch.rand(1, 3, 4, 5), like, bits)
    assert picture.bit_depth == bits
    assert (picture.exif, picture.name) == (b"exif", "a.png")
    assert picture.sha256 is None and picture.settings is None
    assert picture.alpha is not None and like.alpha is not None
    expected = np.rint(like.alpha / (2**own_bits - 1) * (2**bits - 1))
    np.testing.assert_array_equal(picture.alpha, expected)


def test_rows_are_changed_where_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tensor, "BAND_ROWS", 4)
    picture = random_picture(10, 3, 8)
    seen = []

    def darken(rows: np.ndarray, top: int, bottom: int) -> np.ndarray:
        seen.append((top, bottom))
        np.testing.assert_allclose(rows, picture.pixels[top:bottom] / 255, atol=1e-6)
        return rows / 2

    halved = to_tensor(picture, change=darken)
    torch.testing.assert_close(halved, to_tensor(picture) / 2)
    assert seen == [(0, 4), (4, 8), (8, 10)]
    result = to_picture(to_tensor(picture), picture, change=darken)
    np.testing.assert_array_equal(result.pixels, np.rint(picture.pixels / 2))
