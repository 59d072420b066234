"""Enlarging, whatever by: sizes, tiles that leave no trace, alpha, bit depth, EXIF, memory, and what is refused."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.ndimage import uniform_filter

from nst_core.errors import BudgetError, ConfigError, ModelError
from nst_core.picture import Picture
from studio.upscale import waifu2x
from studio.upscale.enlarge import Enlarger, open_enlarger
from studio.upscale.tiles import enlarge_tiles


class Repeating:
    """Enlarges by repeating pixels, after it has blurred them over some distance; notes what it was shown."""

    halo_px = 16

    def __init__(self, scale: int = 2, reach_px: int = 0, deep: bool = True, crop_pixels: int = 1 << 30) -> None:
        self.scale, self.deep, self._reach_px, self._crop_pixels = scale, deep, reach_px, crop_pixels
        self.settings = {"method": "repeating"}
        self.seen: list[np.ndarray] = []

    def fit(self, room_bytes: int) -> int:
        return self._crop_pixels

    def enlarge(self, crops: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for crop in crops:
            self.seen.append(crop)
            values = (crop / np.iinfo(crop.dtype).max).astype(np.float32)
            if self._reach_px:
                values = uniform_filter(values, 2 * self._reach_px + 1, mode="nearest", axes=(0, 1))
            yield values.repeat(self.scale, 0).repeat(self.scale, 1)


def photo(height: int = 120, width: int = 200) -> np.ndarray:
    return np.ascontiguousarray(skimage.data.coffee()[:height, :width])


def enlarge(network: Repeating, factor: int, picture: Picture, **changes: object) -> Picture:
    return replace(Enlarger(factor, {}, network), **changes).enlarge(picture)


@pytest.mark.parametrize("crop_pixels", [1 << 30, 100**2, 64**2])
def test_tiles_give_what_the_whole_gives(crop_pixels: int):
    pixels = photo()
    network = Repeating()
    large, alpha = enlarge_tiles(pixels, None, 2, network, crop_pixels, lambda share: None)
    assert alpha is None and np.array_equal(large, pixels.repeat(2, 0).repeat(2, 1))
    assert (len(network.seen) == 1) == (crop_pixels == 1 << 30)
    assert max(crop[..., 0].size for crop in network.seen) <= crop_pixels


def test_no_seam_of_a_network_that_sees_as_far_as_the_halo_lets_it():
    pixels = photo()
    whole, small = (
        enlarge_tiles(pixels, None, 2, Repeating(reach_px=8), crop_pixels, lambda share: None)[0].astype(int)
        for crop_pixels in (1 << 30, 64**2)
    )
    assert np.abs(whole - small).max() <= 1


def test_a_seam_that_must_be_is_spread():
    """A network that answers each crop with another level of gray: the steps between tiles become slopes."""

    class Moody(Repeating):
        def enlarge(self, crops: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
            for number, large in enumerate(super().enlarge(crops)):
                yield np.full_like(large, 0.2 + 0.5 * (number % 2))

    large, _ = enlarge_tiles(photo(40, 300), None, 2, Moody(), 40 * 100, lambda share: None)
    steps = np.abs(np.diff(large[..., 0].astype(int), axis=1))
    assert large.min() == 51 and large.max() >= 178  # 0.2 and 0.7 of 255
    assert 0 < steps.max() <= 5  # 0.5 of 255 over 32 pixels


def test_progress_rises_to_one():
    shares: list[float] = []
    Enlarger(4, {}, Repeating(crop_pixels=64**2)).enlarge(Picture(photo()), shares.append)
    assert shares == sorted(shares) and len(set(shares)) > 10
    assert shares[-1] == pytest.approx(1)


def test_what_the_progress_raises_ends_the_work():
    class Stop(Exception):
        pass

    def stop(share: float) -> None:
        raise Stop

    network = Repeating(crop_pixels=64**2)
    with pytest.raises(Stop):
        Enlarger(2, {}, network).enlarge(Picture(photo()), stop)
    assert len(network.seen) == 1


@pytest.mark.parametrize(
    ("scale", "factor", "times"), [(2, 2, 1), (2, 4, 2), (4, 4, 1), (4, 2, 1), (3, 4, 2), (8, 4, 1)]
)
def test_a_network_works_as_often_as_it_must(scale: int, factor: int, times: int):
    network = Repeating(scale)
    large = enlarge(network, factor, Picture(photo(30, 41)))
    assert (large.height, large.width) == (30 * factor, 41 * factor)
    assert len(network.seen) == times


def test_a_network_that_enlarges_more_than_asked_is_reduced():
    pixels = photo(60, 80)
    large = enlarge(Repeating(4, crop_pixels=64**2), 2, Picture(pixels)).pixels
    # repeating each pixel four times, and halving that: not far from repeating it twice
    assert np.abs(large.astype(int) - pixels.repeat(2, 0).repeat(2, 1)).mean() < 3


def test_alpha_is_enlarged_and_hidden_colors_are_kept_out():
    y, x = np.mgrid[:60, :80]
    disc = (y - 30) ** 2 + (x - 40) ** 2 < 400
    pixels = np.where(disc[..., None], [220, 40, 30], [0, 255, 0]).astype(np.uint8)
    network = Repeating(reach_px=2)
    large = enlarge(network, 2, Picture(pixels, (disc * 255).astype(np.uint8)))
    assert large.alpha is not None and large.alpha.shape == large.pixels.shape[:2]
    expected = Image.fromarray((disc * 255).astype(np.float32)).resize((160, 120), Image.Resampling.LANCZOS)
    assert np.abs(large.alpha - np.asarray(expected).clip(0, 255)).max() <= 1
    assert (network.seen[0] == [220, 40, 30]).all()  # the green is nowhere
    assert (large.pixels == [220, 40, 30]).all()


def test_a_wholly_transparent_picture_stays_one():
    large = enlarge(Repeating(), 2, Picture(photo(20, 30), np.zeros((20, 30), np.uint8)))
    assert large.alpha is not None and not large.alpha.any()


def test_sixteen_bits_stay_where_the_network_has_them_and_become_eight_where_not():
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), np.uint16)
    deep = enlarge(Repeating(), 2, Picture(pixels))
    assert deep.bit_depth == 16
    assert np.abs(deep.pixels.astype(int) - pixels.repeat(2, 0).repeat(2, 1)).max() <= 1
    shallow = enlarge(Repeating(deep=False), 2, Picture(pixels))
    assert shallow.bit_depth == 8
    assert np.abs(shallow.pixels.astype(int) - pixels.repeat(2, 0).repeat(2, 1) / 257).max() <= 0.51


def test_exif_and_name_come_along_and_what_was_so_no_more_does_not():
    picture = Picture(
        photo(20, 30), exif=b"Exif\0\0...", name="cat.png", sha256="0" * 64, settings={"command": "paint"}
    )
    for network in (Repeating(), None):
        large = Enlarger(2, {}, network).enlarge(picture)
        assert (large.exif, large.name) == (picture.exif, "cat.png")
        assert large.sha256 is None and large.settings is None


def test_lanczos_is_pillows():
    enlarger = open_enlarger(4, "lanczos")
    large = enlarger.enlarge(Picture(photo(30, 40)))
    for channel in range(3):
        plane = Image.fromarray(photo(30, 40)[..., channel].astype(np.float32))
        expected = np.asarray(plane.resize((160, 120), Image.Resampling.LANCZOS)).clip(0, 255)
        assert np.abs(large.pixels[..., channel] - expected).max() <= 1
    assert enlarger.settings == {"factor": 4, "method": "lanczos"} and enlarger.deep and not enlarger.note


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (2, 3), (17, 33)])
def test_any_size(height: int, width: int):
    for network in (Repeating(crop_pixels=64**2), None):
        large = Enlarger(2, {}, network).enlarge(Picture(photo(height, width)))
        assert (large.height, large.width) == (2 * height, 2 * width)


def test_a_result_that_does_not_fit_is_refused_before_the_work():
    network = Repeating()
    with pytest.raises(BudgetError, match=r"cat.png: 800x480 px need \d+\.\d GB of memory; raise --memory-limit"):
        Enlarger(4, {}, network, memory_limit=10_000_000).enlarge(Picture(photo(), name="cat.png"))
    assert not network.seen


def test_auto_falls_back_to_lanczos_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waifu2x, "why_not", lambda: "libvulkan.so.1 not found; run: sudo apt install libvulkan1")
    enlarger = open_enlarger(2, noise=2)
    assert enlarger.settings == {"factor": 2, "method": "lanczos"}
    assert enlarger.note.startswith("enlarging by Lanczos only, as Waifu2x cannot be used: libvulkan.so.1 not found")
    with pytest.raises(ModelError, match=r"Waifu2x cannot be used: libvulkan\.so\.1 not found; run: sudo apt"):
        open_enlarger(2, "waifu2x")


@pytest.mark.parametrize(
    ("factor", "method", "noise", "message"),
    [
        (3, "auto", None, "by 2 or 4, not 3"),
        (2, "nearest", None, "must be auto, waifu2x, lanczos or a model file, not nearest"),
        (2, "lanczos", 1, "--noise is for Waifu2x"),
        (2, "auto", 4, "--noise must be from 0 to 3, not 4"),
    ],
)
def test_options_that_make_no_sense(factor: int, method: str, noise: int | None, message: str):
    with pytest.raises(ConfigError, match=message):
        open_enlarger(factor, method, noise=noise)


def test_torch_is_not_needed():
    script = (
        "import sys; from studio.upscale import enlarge, record, waifu2x;"
        "enlarge.open_enlarger(2, 'lanczos'); enlarge.open_enlarger(2);"
        "sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
