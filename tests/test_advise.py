"""What advice says of pictures whose kind is known, and what it measures of pictures whose figures are known."""

from functools import cache

import drawn_styles as drawn
import numpy as np
import pytest
import skimage.data

from nst_core.errors import ConfigError, ImageError
from nst_core.picture import Picture
from studio.advise import advice as advice_module
from studio.advise.advice import Advice, AdviseOptions, advise
from studio.advise.crops import Box, crop_boxes, kept_of_subject
from studio.advise.measures import Measures, lost_in_downscale, measure
from studio.advise.seen import look
from studio.advise.subject import Subject

QUICKLY = AdviseOptions(crops=0)
ALL = drawn.SOFT | drawn.PATTERNS | drawn.BLOCKS | drawn.OTHERS


@cache
def style(name: str) -> Advice:
    """Advice on a drawing, or on a picture of scikit-image, as a style."""
    return advise(ALL[name]() if name in ALL else _image(name), "style", QUICKLY).advice


@cache
def content(name: str) -> Advice:
    return advise(_image(name), "content", AdviseOptions(size=256, crops=0)).advice


def _image(name: str) -> Picture:
    pixels = getattr(skimage.data, name)()
    pixels = np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels
    return Picture(np.ascontiguousarray(pixels), name=f"{name}.png")


def _measured(pixels: np.ndarray) -> Measures:
    return measure(look(drawn.picture(pixels), 256))


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("plain red", "a plain color"),
        ("plain gray", "a plain color"),
        ("plain cream", "a plain color"),
        ("blue to orange", "gradients"),
        ("black to white", "gradients"),
        ("glow", "gradients"),
        ("white noise", "noise"),
    ],
)
def test_what_has_no_contrast_is_too_soft_and_a_layer_instead(name: str, because: str):
    said = style(name)
    assert said.verdict.kind == "too soft" and said.verdict.because.startswith(because)
    assert said.score < 20
    assert said.verdict.instead is not None and "layer" in said.verdict.instead


@pytest.mark.parametrize("name", drawn.PATTERNS)
def test_pattern_all_over_overwhelms(name: str):
    said = style(name)
    assert str(said.verdict).startswith("overwhelms: all-over pattern") and "crop" in said.verdict.because
    assert said.score < 30


@pytest.mark.parametrize("name", drawn.BLOCKS)
def test_color_blocks_make_a_style(name: str):
    said = style(name)
    assert said.verdict.kind in ("good", "works") and said.verdict.because.startswith("color blocking")
    assert said.score >= 40


def test_broad_strokes_in_complements_make_a_good_style():
    said = style("strokes")
    assert said.verdict.kind == "good" and said.score > 60
    assert said.measures.complementarity > 0.3 and said.measures.pair_luminosity > 0.15


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_are_too_soft_as_styles(name: str):
    assert style(name).verdict.kind == "too soft"


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_gray_textures_lend_their_grain(name: str):
    said = style(name).verdict
    assert said.kind == "texture" and said.instead is not None and said.instead.startswith("a texture layer")


def test_one_thing_on_a_plain_ground_is_a_subject_and_no_style():
    assert style("ball").verdict.kind == "subject"


def test_kinds_of_styles_come_in_a_painters_order():
    blocks = [style(name).score for name in drawn.BLOCKS]
    poor = [style(name).score for name in (*drawn.SOFT, *drawn.PATTERNS, "ball")]
    photos = [style(name).score for name in ("astronaut", "chelsea", "coffee", "rocket")]
    assert min(blocks) > max(poor)
    assert style("strokes").score > max(photos)
    assert np.mean(blocks) > np.mean(photos) > np.mean(poor)


def test_a_portrait_is_good_to_paint_and_what_is_alike_all_over_is_not():
    portrait = content("astronaut")
    assert portrait.verdict.kind == "good" and portrait.subject["faces"] == 1
    assert portrait.score > content("coffee").score > content("gravel").score
    assert content("gravel").verdict.kind in ("noisy", "no subject", "too soft")
    assert advise(drawn.plain(drawn.RED), "content", QUICKLY).advice.verdict.kind == "too soft"


def test_without_opencv_a_photo_is_rated_without_its_faces(monkeypatch: pytest.MonkeyPatch):
    def missing(_: np.ndarray) -> list:
        raise ConfigError("this needs OpenCV")

    monkeypatch.setattr(advice_module, "find_faces", missing)
    said = advise(_image("astronaut"), "content", AdviseOptions(size=256, crops=0)).advice
    assert said.subject["faces"] == 0 and 0 < said.score <= content("astronaut").score


def test_halves_of_black_and_white_have_all_contrast_of_value_and_none_of_hue():
    found = _measured(np.repeat(np.arange(256)[None, :, None] // 128, 256, 0) * np.ones(3))
    assert found.value_spread == pytest.approx(1, abs=0.01)
    assert (found.hue_contrast, found.complementarity, found.colorfulness) == pytest.approx((0, 0, 0), abs=1e-3)
    assert found.blocking > 0.95 and found.edge_contrast == pytest.approx(1, abs=0.03)


def test_complements_are_found_with_their_luminosity():
    # Opposite in Lab's plane by construction: a and b change signs, L does not and then does.
    from skimage.color import lab2rgb

    def halves(light: float, dark: float) -> np.ndarray:
        lab = np.zeros((256, 256, 3))
        lab[:, :128], lab[:, 128:] = (light, 30, -30), (dark, -30, 30)
        return lab2rgb(lab)

    like, unlike = _measured(halves(60, 60)), _measured(halves(75, 40))
    assert like.complementarity == pytest.approx(1, abs=0.02) == unlike.complementarity
    assert like.hue_contrast == pytest.approx(1, abs=0.02)
    assert like.pair_luminosity == pytest.approx(0, abs=0.02)
    assert unlike.pair_luminosity == pytest.approx(0.35, abs=0.02)


def test_calm_and_busy_shares_are_those_of_the_areas():
    pixels = np.full((256, 256, 3), 0.5)
    pixels[:, 128:] = np.random.default_rng(0).integers(0, 2, (256, 128, 1))
    found = _measured(pixels)
    assert found.calm == pytest.approx(0.5, abs=0.07) and found.busy == pytest.approx(0.5, abs=0.07)


def test_evenness_tells_a_wallpaper_from_a_scene():
    y, x = np.mgrid[:256, :256]
    checks = ((x // 8 + y // 8) % 2)[..., None] * np.ones(3)
    assert _measured(checks).evenness > 0.9
    assert _measured(np.where(y[..., None] < 128, 0.1, 0.9) * np.ones(3)).evenness < 0.2


def test_fine_detail_is_lost_in_the_downscale_and_broad_detail_is_not():
    y, x = np.mgrid[:1024, :1024]
    fine, broad = (drawn.picture(((x // side + y // side) % 2)[..., None] * np.ones(3)) for side in (1, 64))
    assert lost_in_downscale(fine, 512) > 0.95
    assert lost_in_downscale(broad, 512) < 0.35
    assert lost_in_downscale(fine, 1024) == 0


def test_scores_hardly_change_with_the_resolution_of_the_file():
    pixels = drawn.facets().pixels.repeat(2, axis=0).repeat(2, axis=1)
    assert advise(Picture(pixels), "style", QUICKLY).advice.score == pytest.approx(style("facets").score, abs=6)


def test_what_is_transparent_counts_as_white():
    red = drawn.plain(drawn.RED)
    clear = Picture(red.pixels, np.zeros(red.pixels.shape[:2], np.uint8))
    assert look(clear, 64).rgb == pytest.approx(1)


def test_a_crop_of_the_better_part_is_suggested():
    pixels = np.tile(drawn.neon_spots().pixels[::2, ::2], (2, 2, 1))
    pixels[256:, 256:] = drawn.facets().resized(256, 256).pixels
    said = advise(Picture(pixels), "style", AdviseOptions(size=256)).advice
    assert said.crops and said.crops[0].score >= said.score + 3
    best = said.crops[0].box
    assert (best.left + best.right) / 2 > 256 and (best.top + best.bottom) / 2 > 256
    assert [crop.score for crop in said.crops] == sorted((crop.score for crop in said.crops), reverse=True)
    for one in said.crops:
        assert all(one is other or one.box.overlap(other.box) < 0.4 for other in said.crops)


def test_a_crop_that_cuts_a_photos_subject_counts_less():
    stands_out = np.zeros((100, 200), np.float32)
    stands_out[30:70, 60:100] = 1
    clear = Subject(stands_out, 0.08, 0.5, 0.3, spread=0.1, decision=1.0)
    around, across, beside = Box(80, 20, 280, 180), Box(0, 0, 160, 200), Box(240, 0, 400, 200)  # at twice the size
    assert kept_of_subject(clear, around, 400) == pytest.approx(1)
    assert kept_of_subject(clear, across, 400) == pytest.approx(0.4, abs=0.1)
    assert kept_of_subject(clear, beside, 400) == pytest.approx(0.3, abs=0.01)
    vague = Subject(stands_out, 0.08, 0.5, 0.3, spread=0.4, decision=0.3)
    assert kept_of_subject(vague, beside, 400) == 1


def test_crops_are_not_smaller_than_half_the_working_size():
    assert {max(b.right - b.left, b.bottom - b.top) for b in crop_boxes(600, 400, 512)} == {450, 330}
    assert all(b.right <= 600 and b.bottom <= 400 and b.left >= 0 and b.top >= 0 for b in crop_boxes(600, 400, 512))
    assert Box(0, 0, 10, 10).overlap(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)


def test_what_is_too_small_is_refused_by_name():
    with pytest.raises(ImageError, match=r"dot\.png has 20 × 20 pixels"):
        advise(Picture(np.zeros((20, 20, 3), np.uint8), name="dot.png"), "style", QUICKLY)
