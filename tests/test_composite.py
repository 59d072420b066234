"""What a stack shows: each blend mode and group against values worked out by hand and by another program's formulas."""

from pathlib import Path

import numpy as np
import pytest
from layer_stacks import BLENDS, HEIGHT, WIDTH, colors, even, fade, painting, two_layers

from studio.layers import composite as module
from studio.layers.composite import composite
from studio.layers.stack import Blend, Group, Layer, Stack


def pixel(*color: int) -> np.ndarray:
    return np.array([[color]], np.uint8)


def shown(*children: Layer | Group) -> list[int]:
    return composite(Stack(1, 1, children))[0, 0].tolist()


@pytest.mark.parametrize(
    ("blend", "expected"),
    [
        ("normal", [200, 100, 50]),
        ("multiply", [78, 63, 39]),  # 100 · 200 / 255, 160 · 100 / 255, 200 · 50 / 255
        ("screen", [222, 197, 211]),  # the two less their product
        ("overlay", [157, 140, 167]),  # 2 · product below the middle of the backdrop, else 2 · screen − 255
        ("soft_light", [134, 147, 174]),
        ("luminosity", [78, 138, 178]),  # the luminosities are 124.5 above and 146.4 below
        ("color", [222, 122, 72]),
    ],
)
def test_blends_as_worked_out_by_hand(blend: Blend, expected: list[int]):
    """By the formulas of W3C, Compositing and Blending Level 1, section 10."""
    below, above = Layer("below", pixel(100, 160, 200)), Layer("above", pixel(200, 100, 50), blend=blend)
    assert np.abs(np.subtract(shown(below, above), expected)).max() <= 1


@pytest.mark.parametrize(
    ("blend", "below", "above", "expected"),
    [
        ("luminosity", (200, 100, 50), (255, 255, 255), [255, 255, 255]),
        ("color", (0, 0, 0), (200, 100, 50), [0, 0, 0]),
        # 0.3 of the light is red: too bright a red for it becomes pink, as bright as asked for.
        ("color", (128, 128, 128), (255, 0, 0), [255, 74, 74]),
        ("luminosity", (0, 0, 255), (128, 128, 128), [112, 112, 255]),
    ],
)
def test_colors_beyond_the_range_move_toward_gray(
    blend: Blend, below: tuple[int, ...], above: tuple[int, ...], expected: list[int]
):
    assert shown(Layer("below", pixel(*below)), Layer("above", pixel(*above), blend=blend)) == expected


@pytest.mark.parametrize("blend", BLENDS)
def test_blends_as_psd_tools_has_them(blend: Blend):
    functions = pytest.importorskip("psd_tools.composite.blend")
    below, above = (colors(seed, 64, 64) for seed in (1, 2))
    ours = composite(Stack(64, 64, [Layer("below", below), Layer("above", above, blend=blend)]))
    theirs = getattr(functions, blend)(below.astype(np.float32) / 255, above.astype(np.float32) / 255)
    assert np.abs(ours - theirs * 255).max() <= 1


def test_opacity_mask_and_alpha_multiply():
    layer = Layer("gray", pixel(200, 200, 200), even(128, 1, 1), even(64, 1, 1), opacity=0.5)
    cover = 0.5 * 128 / 255 * 64 / 255
    assert shown(Layer("black", pixel(0, 0, 0)), layer) == [round(200 * cover)] * 3


def test_what_is_hidden_or_clear_does_not_show():
    below = Layer("below", pixel(10, 20, 30))
    above = pixel(200, 200, 200)
    assert shown(below, Layer("hidden", above, visible=False)) == [10, 20, 30]
    assert shown(below, Layer("masked", above, mask=even(0, 1, 1))) == [10, 20, 30]
    assert shown(below, Group("hidden", [Layer("in it", above)], visible=False)) == [10, 20, 30]


def test_it_is_white_where_nothing_is():
    assert shown() == [255, 255, 255]
    assert shown(Layer("half", pixel(0, 0, 0), alpha=even(51, 1, 1))) == [204, 204, 204]
    # A blend mode has nothing to blend with there: the color comes as it is.
    assert shown(Layer("alone", pixel(90, 80, 70), blend="multiply")) == [90, 80, 70]


def test_a_group_that_passes_through_blends_with_what_is_below():
    below, above = Layer("below", pixel(100, 100, 100)), Layer("above", pixel(51, 51, 51), blend="multiply")
    assert shown(below, Group("passes", [above])) == [20, 20, 20]
    assert shown(below, Group("passes", [above], opacity=0.5)) == [60, 60, 60]
    # By itself, it has nothing below to multiply with.
    assert shown(below, Group("apart", [above], blend="normal")) == [51, 51, 51]


def test_a_group_of_its_own_blends_as_one_layer():
    below = Layer("below", pixel(200, 200, 200))
    inside = [Layer("a", pixel(255, 255, 255)), Layer("b", pixel(0, 0, 0), alpha=even(128, 1, 1))]
    as_one = Layer("gray", pixel(127, 127, 127), blend="multiply", opacity=0.5)
    assert shown(below, Group("group", inside, opacity=0.5, blend="multiply")) == shown(below, as_one)


@pytest.mark.parametrize("stack", [painting(), two_layers("soft_light")], ids=["painting", "two"])
def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch, stack: Stack):
    whole = composite(stack)
    monkeypatch.setattr(module, "BAND_PIXELS", 5 * WIDTH)
    np.testing.assert_array_equal(composite(stack), whole)


def test_layers_may_lie_on_disk(tmp_path: Path):
    stored = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=(HEIGHT, WIDTH, 3))
    stored[:] = colors(1)
    np.testing.assert_array_equal(composite(Stack(WIDTH, HEIGHT, [Layer("stored", stored)])), colors(1))


def test_arrays_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"above: mask is uint8 \(36, 48\), not uint8 \(36, 40\)"):
        Stack(40, HEIGHT, [Group("group", [Layer("above", colors(1, width=40), mask=fade())])])
    with pytest.raises(ValueError, match="pixels is float64"):
        Stack(WIDTH, HEIGHT, [Layer("above", colors(1) / 255)])


def test_a_layer_at_another_size():
    layer = Layer("render", colors(1), mask=fade(), opacity=0.5).resized(96, 72)
    assert layer.pixels.shape == (72, 96, 3) and layer.mask is not None and layer.mask.shape == (72, 96)
    assert layer.opacity == 0.5
    np.testing.assert_allclose(layer.mask.mean(0), np.linspace(0, 255, 96), atol=4)
