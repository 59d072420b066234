"""The optimizer as a whole, on small pictures and a small network."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from optimizing import OPTIONS, paint, pixels
from random_pictures import random_picture
from skimage.color import rgb2lab
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.errors import BudgetError
from nst_core.picture import Picture
from nst_core.sources import Sources, Style
from nst_core.vgg import LAYERS

pytest_plugins = ["optimizing_fixtures"]


def test_steps_tell_how_far_it_is(network: CompactNetwork, sources: Sources, two_scales: None):
    steps = paint(network, sources)
    assert [(s.scale, s.iteration, s.iterations) for s in steps] == [(i, n, 6) for i in (0, 1) for n in range(1, 7)]
    assert [(s.width, s.height) for s in steps] == [(48, 36)] * 6 + [(96, 72)] * 6
    assert set(steps[0].parts) == {"content", "tv", *LAYERS}
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(steps))
    assert steps[0].seconds_left > 0
    assert steps[-1].seconds_left == pytest.approx(0)
    assert steps[-1].picture().pixels.shape == (72, 96, 3)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("statistics", ["gram", "wasserstein"])
def test_the_loss_falls(network: CompactNetwork, sources: Sources, optimizer, statistics):
    options = replace(OPTIONS, iterations=16, optimizer=optimizer, statistics=statistics, start="noise")
    steps = paint(network, sources, options)
    assert steps[-1].loss < 0.7 * steps[0].loss


@pytest.mark.parametrize("start", ["photo", "noise", "painting"])
def test_strength_0_is_the_photo(network: CompactNetwork, sources: Sources, start):
    options = replace(OPTIONS, strength=0, start=start)
    np.testing.assert_array_equal(pixels(network, sources, options), sources.photo.pixels)


def test_strength_0_is_the_photo_after_several_scales(network: CompactNetwork, sources: Sources, two_scales: None):
    np.testing.assert_array_equal(pixels(network, sources, replace(OPTIONS, strength=0)), sources.photo.pixels)


def test_more_strength_is_further_from_the_photo(network: CompactNetwork, sources: Sources):
    away = []
    for strength in (0.001, 0.01, 0.1, 1.0):
        result = pixels(network, sources, replace(OPTIONS, strength=strength, iterations=30))
        away.append(float(np.abs(result.astype(float) - sources.photo.pixels).mean()))
    assert away == sorted(away)
    assert away[0] < 4 < away[-1]


def test_a_seed_is_one_picture(network: CompactNetwork, sources: Sources):
    noise = replace(OPTIONS, start="noise")
    first = pixels(network, sources, noise)
    np.testing.assert_array_equal(first, pixels(network, sources, noise))
    assert (first != pixels(network, sources, replace(noise, seed=1))).mean() > 0.5
    np.testing.assert_array_equal(pixels(network, sources), pixels(network, sources, replace(OPTIONS, seed=1)))


@pytest.mark.parametrize("start", ["photo", "painting", "picture"])
def test_where_it_starts(network: CompactNetwork, sources: Sources, start):
    draft = random_picture(72, 96, 5)
    seen: list[Tensor] = []

    class Watching(CompactNetwork):
        def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
            seen.append(x.detach())
            return super().features(x, layers)

    network.__class__ = Watching
    paint(network, replace(sources, draft=draft), replace(OPTIONS, start=start, iterations=1))
    painting = sources.styles[0].painting
    assert isinstance(painting, Picture)
    expected = {"photo": sources.photo, "painting": painting.resized(96, 72), "picture": draft}
    shown = seen[-1][0].permute(1, 2, 0).numpy()[8:80, 8:104]  # within the mirrored margins
    np.testing.assert_allclose(shown, expected[start].as_float(), atol=1e-6)


def test_what_is_protected_stays_the_photo(network: CompactNetwork, sources: Sources, two_scales: None):
    protect = np.zeros((72, 96), np.float32)
    protect[20:60, 10:50] = 1
    result = pixels(network, replace(sources, protect=protect))
    np.testing.assert_array_equal(result[20:60, 10:50], sources.photo.pixels[20:60, 10:50])
    assert (result[:, 60:] != sources.photo.pixels[:, 60:]).mean() > 0.5


def test_the_photos_colors_are_kept(network: CompactNetwork, sources: Sources):
    muted = replace(sources, photo=random_picture(72, 96, 0, 90, 160))
    result = paint(network, muted, replace(OPTIONS, color="photo", optimizer="adam"))[-1].picture(16)
    photo, painted = (rgb2lab(p.as_float().astype(np.float64)) for p in (muted.photo, result))
    assert np.abs(painted[..., 1:] - photo[..., 1:]).mean() < 0.5
    assert np.abs(painted[..., 0] - photo[..., 0]).mean() > 0.5


def test_a_painting_applies_only_where_its_mask_is(network: CompactNetwork):
    photo = random_picture(96, 352, 0)
    mask = np.zeros((96, 352), np.float32)
    mask[:, :96] = 1
    sources = Sources(photo, (Style(random_picture(80, 64, 1), mask=mask),))
    options = replace(OPTIONS, size=352, tv_weight=0, content_weight=0, iterations=8)
    result = pixels(network, sources, options)
    np.testing.assert_array_equal(result[:, 96 + network.halo_px :], photo.pixels[:, 96 + network.halo_px :])
    assert (result[:, :96] != photo.pixels[:, :96]).mean() > 0.5


def test_shares_lean_toward_a_painting(network: CompactNetwork, sources: Sources):
    red = Picture(random_picture(80, 64, 1).pixels // np.array([1, 4, 4], np.uint8), name="red.png")
    blue = replace(red, pixels=np.ascontiguousarray(red.pixels[..., ::-1]), name="blue.png")
    redness = []
    for share in (0.9, 0.5, 0.1):
        styles = (Style(red, share), Style(blue, 1 - share))
        result = pixels(network, replace(sources, styles=styles), replace(OPTIONS, content_weight=0, iterations=15))
        redness.append(float(result[..., 0].mean() - result[..., 2].mean()))
    assert redness[0] > redness[1] > redness[2]


def test_brush_size_is_the_size_at_which_the_painting_is_seen(network: CompactNetwork, sources: Sources):
    seen: list[tuple[int, int]] = []

    class Watching(CompactNetwork):
        def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
            seen.append((x.shape[3], x.shape[2]))
            return super().features(x, layers)

    network.__class__ = Watching
    sources = replace(sources, styles=(Style(random_picture(200, 160, 1)),))
    for brush_size, expected in ((1.0, (77, 96)), (2.0, (154, 192)), (0.5, (38, 48)), (20.0, (160, 200))):
        seen.clear()
        paint(network, sources, replace(OPTIONS, brush_size=brush_size, iterations=1))
        assert seen[0] == expected
    with pytest.raises(BudgetError, match="raise --brush-size"):
        paint(network, sources, replace(OPTIONS, brush_size=0.2, iterations=1))


def test_size_0_keeps_the_photos_own(network: CompactNetwork, sources: Sources):
    (step,) = paint(network, sources, replace(OPTIONS, size=0, iterations=1))
    assert (step.width, step.height) == (96, 72)


def test_alpha_and_depth_of_the_result(network: CompactNetwork, sources: Sources):
    alpha = np.arange(72 * 96, dtype=np.uint32).reshape(72, 96).astype(np.uint8)
    photo = replace(sources.photo, alpha=alpha)
    step = paint(network, replace(sources, photo=photo), replace(OPTIONS, iterations=1))[-1]
    deep = step.picture(16)
    assert deep.bit_depth == 16 and deep.alpha is not None
    np.testing.assert_array_equal(deep.alpha, alpha.astype(np.uint16) * 257)
