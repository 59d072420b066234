"""The optimizer as a whole, on small pictures and a small network."""

import itertools
import logging
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import Tensor

from nst_core import budget
from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.errors import BudgetError, ConfigError, ModelError
from nst_core.gatys import Progress, Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.known_painting import KnownPainting
from nst_core.losses import gram_matrix
from nst_core.optimizers import Adam, Lbfgs
from nst_core.picture import Picture
from nst_core.sources import Sources, Style
from nst_core.tensor import to_tensor
from nst_core.vgg import LAYERS

OPTIONS = GatysOptions(size=96, iterations=6, optimizer="lbfgs")
LIMIT = 10**9


class FaintNetwork(CompactNetwork):
    """Runs out of memory when it is shown more than so many pixels."""

    most_pixels = 10**9
    failures = 0

    def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
        if x.shape[2] * x.shape[3] > self.most_pixels:
            self.failures += 1
            assert self.failures < 20, "it tries again and again"
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return super().features(x, layers)


@pytest.fixture
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return FaintNetwork(CompactOptions(widths=(8, 8, 12, 8, 12, 8, 8, 8, 12, 8, 8, 8, 16))).freeze()


def random_picture(height: int, width: int, seed: int, low: int = 0, high: int = 256) -> Picture:
    rng = np.random.default_rng(seed)
    small = Picture(rng.integers(low, high, (height // 8, width // 8, 3), dtype=np.uint8), name=f"{seed}.png")
    return small.resized(width, height)


@pytest.fixture
def sources() -> Sources:
    return Sources(random_picture(72, 96, 0), (Style(random_picture(80, 64, 1)),))


def paint(
    network: CompactNetwork, sources: Sources, options: GatysOptions = OPTIONS, resume: Progress | None = None
) -> list[Step]:
    return list(optimize(sources, options, network, make_plan(sources, options, network, LIMIT), "cpu", resume))


def pixels(network: CompactNetwork, sources: Sources, options: GatysOptions = OPTIONS) -> np.ndarray:
    return paint(network, sources, options)[-1].picture().pixels


@pytest.fixture
def two_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of 96 pixels have two scales, 48 and 96."""
    monkeypatch.setattr(budget, "COARSEST_PX", 48)


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


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("stop", [4, 6, 9])
def test_resumed_is_the_same_as_never_stopped(
    network: CompactNetwork, sources: Sources, two_scales: None, optimizer, stop: int
):
    options = replace(OPTIONS, optimizer=optimizer)
    whole = paint(network, sources, options)
    plan = make_plan(sources, options, network, LIMIT)
    for _, step in zip(range(stop), optimize(sources, options, network, plan), strict=False):
        stopped = step.progress
    restored: Lbfgs | Adam = Lbfgs(plan.history) if optimizer == "lbfgs" else Adam()
    restored.restore({key: value.clone() for key, value in stopped.optimizer.state().items()})
    progress = Progress(stopped.scale, stopped.iteration, stopped.x.clone(), restored, stopped.seconds)
    rest = paint(network, sources, options, progress)
    assert [(s.scale, s.iteration, s.loss) for s in rest] == [(s.scale, s.iteration, s.loss) for s in whole[stop:]]
    np.testing.assert_array_equal(rest[-1].picture().pixels, whole[-1].picture().pixels)


def test_out_of_memory_it_goes_on_with_smaller_tiles(
    network: CompactNetwork, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    sources = Sources(random_picture(96, 400, 0), (Style(random_picture(80, 64, 1)),))
    options = replace(OPTIONS, size=400, iterations=2)
    whole = paint(network, sources, options)
    monkeypatch.setattr(FaintNetwork, "most_pixels", 96 * 400 - 1)
    with caplog.at_level(logging.WARNING):
        tiled = paint(network, sources, options)
    (record,) = caplog.records
    assert re.fullmatch(r"out of memory: going on with \d+ tiles", record.getMessage())
    assert [s.loss for s in tiled] == pytest.approx([s.loss for s in whole], rel=1e-3)


def test_out_of_memory_with_the_smallest_tiles_is_an_error(
    network: CompactNetwork, sources: Sources, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FaintNetwork, "most_pixels", 10)
    with pytest.raises(BudgetError, match="lower --size"):
        paint(network, sources)


def test_other_errors_are_not_taken_for_lack_of_memory(
    network: CompactNetwork, sources: Sources, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(FaintNetwork, "features", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        paint(network, sources)


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


def known(network: CompactNetwork, picture: Picture) -> KnownPainting:
    """What a card would hold of a painting, at its own size."""
    features = network.features(to_tensor(picture), LAYERS)
    grams = {layer: gram_matrix(f)[0].numpy() for layer, f in features.items()}
    rgb = picture.as_float().reshape(-1, 3)
    return KnownPainting("waves", grams, rgb.mean(0), np.cov(rgb.T), max(picture.width, picture.height))


def test_known_by_its_gram_matrices_a_painting_is_painted_as_from_its_picture(
    network: CompactNetwork, sources: Sources, two_scales: None
):
    painting = random_picture(96, 80, 1)  # as large as the result asks for, so that it is not resized
    draft = replace(sources, draft=sources.photo)  # all at one scale, as with a known painting
    pictured = paint(network, replace(draft, styles=(Style(painting),)), replace(OPTIONS, start="picture"))
    stated = paint(network, replace(sources, styles=(Style(known(network, painting)),)))
    assert [(s.scale, s.width, s.iteration) for s in stated] == [(0, 96, n) for n in range(1, 7)]
    assert stated[0].parts == pytest.approx(pictured[0].parts, rel=1e-3)
    assert [s.loss for s in stated] == pytest.approx([s.loss for s in pictured], rel=1e-2)


def test_known_paintings_are_mixed_by_shares(network: CompactNetwork, sources: Sources):
    a, b = known(network, random_picture(96, 80, 1)), known(network, random_picture(96, 80, 2))

    def style_loss(*styles: Style) -> float:
        return paint(network, replace(sources, styles=styles), replace(OPTIONS, iterations=1))[0].parts["relu2_1"]

    alone, other = style_loss(Style(a)), style_loss(Style(b))
    assert style_loss(Style(a, 3), Style(b, 1)) == pytest.approx(0.75 * alone + 0.25 * other, rel=1e-4)


def test_a_known_paintings_palette_is_matched(network: CompactNetwork, sources: Sources):
    painting = known(network, random_picture(96, 80, 1, 90, 160))
    muted = replace(sources, photo=random_picture(72, 96, 0, 90, 160), styles=(Style(painting),))
    result = paint(network, muted, replace(OPTIONS, color="palette"))[-1].picture(16).as_float().reshape(-1, 3)
    np.testing.assert_allclose(result.mean(0), painting.color_mean, atol=0.005)
    np.testing.assert_allclose(np.cov(result.T), painting.color_covariance, atol=0.001)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "vgg19"}, "network=vgg19"),
        ({"statistics": "wasserstein"}, "statistics=wasserstein"),
        ({"color": "photo"}, "color=photo"),
        ({"color": "palette", "palette_match": "histogram"}, "palette_match=histogram"),
        ({"start": "painting"}, "start=painting"),
        ({"brush_size": 2.0}, "brush_size=2"),
    ],
)
def test_what_needs_the_painting_itself_is_said(network: CompactNetwork, sources: Sources, changes, message):
    styles = (*sources.styles, Style(known(network, random_picture(96, 80, 1))))
    with pytest.raises(ConfigError) as refused:
        paint(network, replace(sources, styles=styles), replace(OPTIONS, **changes))
    assert str(refused.value) == (
        f"{message} needs the painting itself, and the card of waves holds its Gram matrices only; "
        "give the painting's file, or leave that option out"
    )


def test_a_painting_known_to_another_loss_network_is_refused(network: CompactNetwork, sources: Sources):
    narrow = CompactNetwork(CompactOptions(widths=(3,) * 13)).freeze()
    other = replace(sources, styles=(Style(known(narrow, random_picture(96, 80, 1))),))
    with pytest.raises(ModelError, match="waves was learned with another loss network"):
        paint(network, other)


def test_without_a_word_the_optimizer_is_what_serves_the_start(network: CompactNetwork, sources: Sources):
    stated = replace(sources, styles=(Style(known(network, random_picture(96, 80, 1))),))
    chosen = [
        make_plan(of, replace(OPTIONS, optimizer=asked, start=start), network, LIMIT).optimizer
        for of, asked, start in (
            (sources, "auto", "photo"),
            (stated, "auto", "photo"),
            (replace(sources, draft=sources.photo), "auto", "picture"),
            (stated, "adam", "photo"),
            (sources, "lbfgs", "photo"),
        )
    ]
    assert chosen == ["adam", "lbfgs", "lbfgs", "adam", "lbfgs"]


def test_a_draft_is_gone_on_from_at_its_size_with_all_iterations(
    network: CompactNetwork, sources: Sources, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(budget, "COARSEST_PX", 24)
    monkeypatch.setattr(budget, "FULL_EFFORT_PX", 48)
    steps = paint(network, replace(sources, draft=random_picture(72, 96, 5)), replace(OPTIONS, start="picture"))
    assert [(s.width, s.iteration, s.iterations) for s in steps] == [(96, n, 6) for n in range(1, 7)]


@pytest.mark.parametrize("color", ["painting", "photo", "palette"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_draft_changes_only_where_the_mask_is(network: CompactNetwork, sources: Sources, optimizer, color):
    draft = random_picture(72, 96, 5)
    only = np.zeros((72, 96), np.float32)
    only[20:60, 10:50] = 1
    options = replace(OPTIONS, start="picture", optimizer=optimizer, color=color)
    everywhere = pixels(network, replace(sources, draft=draft), options)
    result = pixels(network, replace(sources, draft=draft, only=only), options)
    np.testing.assert_array_equal(result[only == 0], draft.pixels[only == 0])
    np.testing.assert_array_equal(result[only == 1], everywhere[only == 1])
    assert (result[only == 1] != draft.pixels[only == 1]).mean() > 0.5


def test_where_both_apply_the_photo_is_kept_rather_than_the_draft(network: CompactNetwork, sources: Sources):
    only, protect = np.zeros((2, 72, 96), np.float32)
    only[:, :48] = protect[:36] = 1
    masked = replace(sources, draft=random_picture(72, 96, 5), only=only, protect=protect)
    result = pixels(network, masked, replace(OPTIONS, start="picture"))
    np.testing.assert_array_equal(result[:36], sources.photo.pixels[:36])
    np.testing.assert_array_equal(result[36:, 48:], random_picture(72, 96, 5).pixels[36:, 48:])


def test_a_mask_of_what_to_change_needs_a_draft(network: CompactNetwork, sources: Sources):
    with pytest.raises(ConfigError, match="needs one: --from-style NAME, or --start FILE"):
        paint(network, replace(sources, only=np.ones((72, 96), np.float32)))
