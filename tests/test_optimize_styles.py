"""`impasto optimize` with the styles: a style's painting, and its fast picture as a draft."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from known_styles import digest, fast, loss, pixels, settings, write_style

from impasto.main import main

pytest_plugins = ["known_styles_fixtures"]
pytestmark = pytest.mark.usefixtures("known_styles")

SIZE = ["--size", "96", "--iterations", "6"]


def optimize(*words: str) -> int:
    return main(["optimize", *SIZE, *words])


def test_a_styles_name_is_its_painting(known_styles: Path, capsys):
    assert optimize("cat.png", "--style", "sky", "-o", "named.png") == 0
    assert "times as large" not in capsys.readouterr().out
    assert optimize("cat.png", "--style", "waves.png", "--start", "cat.png", "-o", "pictured.png") == 0
    apart, painted = (np.abs(pixels("named.png") - pixels(name)).mean() for name in ("pictured.png", "cat.png"))
    assert apart < 0.1 * painted and painted > 2
    (painting,) = settings("named.png")["paintings"]
    assert painting == {"file": "sky.onnx", "sha256": digest(known_styles / "sky.onnx"), "share": 1.0, "mask": None}


def test_shares_and_palettes_of_styles_are_mixed(known_styles: Path):
    assert optimize("cat.png", "--style", "pair", "-o", "pair.png") == 0
    assert (
        optimize("cat.png", "--style", "sky:0.3", "--style", "night.png:0.7", "--start", "cat.png", "-o", "b.png") == 0
    )
    assert (
        loss("pair.png", "pair", (0.5, 0.5)) < loss("b.png", "pair", (0.5, 0.5)) < loss("cat.png", "pair", (0.5, 0.5))
    )
    assert [p["share"] for p in settings("b.png")["paintings"]] == [0.3, 0.7]


def test_a_file_goes_before_a_style_of_its_name():
    shutil.copy("night.png", "sky")
    assert optimize("cat.png", "--style", "sky", "-o", "out.png") == 0
    assert settings("out.png")["paintings"][0] == {
        "file": "sky",
        "sha256": digest(Path("night.png")),
        "share": 1.0,
        "mask": None,
    }


def test_strokes_of_another_size_are_said(capsys):
    assert optimize("cat.png", "--style", "sky", "-o", "out.png", "--size", "48", "--iterations", "1") == 0
    said = "sky is known as it is at 96 px: its strokes come out 2 times as large; its painting's file keeps their size"
    assert said in capsys.readouterr().out.splitlines()


def test_the_fast_picture_over_the_photo_is_what_is_started_from(known_styles: Path):
    assert optimize("cat.png", "--from-style", "sky", "-o", "draft.png", "--iterations", "1") == 0
    mixed = (25 * fast("sky") + pixels("cat.png")) / 26
    assert np.abs(pixels("draft.png") - mixed).max() < 0.6
    assert settings("draft.png")["start_picture"] == {"file": "sky.onnx", "sha256": digest(known_styles / "sky.onnx")}
    assert optimize("cat.png", "--from-style", "sky", "-o", "better.png") == 0
    assert loss("better.png", "sky") < 0.9 * loss("draft.png", "sky")
    assert optimize("cat.png", "--from-style", "sky", "--style", "night.png", "-o", "night.png.png") == 0
    assert [p["file"] for p in settings("night.png.png")["paintings"]] == ["night.png"]


def test_only_inside_a_mask_the_fast_picture_changes():
    words = ["cat.png", "--from-style", "sky", "--only", "right.png"]
    assert optimize(*words, "-o", "out.png") == 0
    changed = pixels("out.png") != fast("sky")
    assert not changed[:, :48].any() and changed[:, 48:].mean() > 0.5
    assert settings("out.png")["only"] == {"file": "right.png", "sha256": digest(Path("right.png"))}


def test_a_style_changed_since_is_noticed_by_resume(known_styles: Path, capsys):
    words = ["cat.png", "--from-style", "sky", "-o", "out.png", "--resume"]
    for _ in range(2):
        assert optimize(*words) == 0
    assert "out.png is done already" in capsys.readouterr().out
    write_style(known_styles / "sky.onnx", ["night.png"])
    assert optimize(*words) == 0
    assert "is done already" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--style", "sk"], "sk does not exist, and there is no style 'sk'; did you mean sky? see impasto styles"),
        (["--style", "nope.onnx"], "nope.onnx does not exist"),
        (["--style", "more/sky"], "more/sky does not exist; check the name"),
        (["--from-style", "sk"], "there is no style 'sk'; did you mean sky?"),
        (["--from-style", "sky", "--start", "noise"], "--from-style and --start each say what to start from"),
        (["--style", "sky", "--brush-size", "2"], "brush_size=2 needs the painting itself, and the card of sky"),
        (["--style", "sky", "--color", "photo"], "color=photo needs the painting itself"),
        (["--style", "sky", "--only", "right.png"], "needs one: --from-style NAME, or --start FILE"),
        (["--from-style", "sky", "--only", "empty.png"], "empty.png is empty"),
        (["--from-style", "sky", "--only", "out.png"], "out.png would overwrite out.png, which is read"),
    ],
)
def test_what_makes_no_sense_to_optimize_is_one_line(words: list[str], message: str, capsys):
    assert optimize("cat.png", *words, "-o", "out.png") == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("impasto: ") and error.count("\n") == 1
    assert not Path("out.png").exists()
