"""What artists turn: its ranges, and the shares of paintings."""

from pathlib import Path
from typing import Any

import pytest
from toy_style import toy_card

from models.catalog import Style
from nst_core.errors import ConfigError
from serve.paint_options import PaintOptions


def style(paintings: int = 1) -> Style:
    return Style("toy", Path("toy.onnx"), toy_card(paintings=paintings), "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -0.1}, "strength must be from 0 to 1.5, not -0.1"),
        ({"strength": 1.6}, "strength must be from 0 to 1.5, not 1.6"),
        ({"strength": float("nan")}, "strength must be from 0 to 1.5, not nan"),
        ({"brush_size": 0.2}, "brush_size must be from 0.25 to 4, not 0.2"),
        ({"brush_size": float("nan")}, "brush_size must be from 0.25 to 4, not nan"),
        ({"size": 31}, "size must be 32 px or more, or 0 for the photo's own, not 31"),
        ({"size": -1}, "size must be"),
        ({"weights": (1, 2)}, r"toy holds 3 paintings \(toy_1, toy_2, toy_3\), not 2 weights"),
        ({"weights": (0, 0, 0)}, "weights must be 0 or more, and not all 0"),
        ({"weights": (2, 1, -1)}, "weights must be 0 or more"),
        ({"weights": (1, 1, float("nan"))}, "weights must be 0 or more"),
        ({"weights": (1, 1, float("inf"))}, "weights must be 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        PaintOptions(**options).check(style(3))


def test_weights_for_a_single_painting_are_refused():
    with pytest.raises(ConfigError, match="toy holds one painting only; leave the weights out"):
        PaintOptions(weights=(1,)).check(style())


@pytest.mark.parametrize(("weights", "shares"), [((), (1 / 3,) * 3), ((1, 0, 3), (0.25, 0, 0.75))])
def test_shares_add_up_to_1(weights: tuple[float, ...], shares: tuple[float, ...]):
    assert PaintOptions(weights=weights).shares(style(3)) == pytest.approx(shares)
