"""The curve of an optimization, as JSON and drawn."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from impasto.optimize_plot import draw_curve
from nst_core.trace import Trace


def step(scale: int, iteration: int, seconds: float, loss: float) -> Any:
    parts = {"content": loss / 2, "tv": 0.0, "relu1_1": loss / 4}
    return SimpleNamespace(
        scale=scale, iteration=iteration, width=64 << scale, height=48 << scale, seconds=seconds, loss=loss, parts=parts
    )


def curve() -> Trace:
    trace = Trace()
    for args in [(0, 1, 0.5, 2.0), (0, 2, 1.0, 1.0), (1, 1, 2.5, 1.5)]:
        trace.add(step(*args))
    return trace


def test_json_has_each_iteration_and_the_settings_without_folders(tmp_path: Path):
    curve().write(tmp_path / "new" / "a.json", {"photo": tmp_path / "cat.jpg", "size": 64})
    found = json.loads((tmp_path / "new" / "a.json").read_text())
    assert found["settings"] == {"photo": "cat.jpg", "size": 64}
    assert [point["loss"] for point in found["points"]] == [2.0, 1.0, 1.5]
    assert found["points"][2] == {
        "scale": 1,
        "iteration": 1,
        "width": 128,
        "height": 96,
        "seconds": 2.5,
        "loss": 1.5,
        "parts": {"content": 0.75, "tv": 0.0, "relu1_1": 0.375},
    }


def test_goes_on_with_points_of_an_earlier_run():
    trace = Trace(curve().points)
    trace.add(step(1, 2, 3.0, 0.5))
    assert [point["loss"] for point in trace.points] == [2.0, 1.0, 1.5, 0.5]


def test_drawing_shows_scales_parts_and_losses(tmp_path: Path):
    draw_curve(curve().points, tmp_path / "a.svg", "cat.jpg: waves.jpg")
    # Matplotlib writes texts into SVG as shapes, each after a comment with the text.
    svg = (tmp_path / "a.svg").read_text()
    for text in ("cat.jpg: waves.jpg", " 64 px", " 128 px", "seconds", "loss", "content", "tv", "relu1_1"):
        assert f"<!-- {text} -->" in svg, text


def test_drawing_as_png(tmp_path: Path):
    draw_curve(curve().points, tmp_path / "a.png", "title")
    with Image.open(tmp_path / "a.png") as drawn:
        assert drawn.format == "PNG" and drawn.width > 800
