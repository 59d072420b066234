"""`impasto photobash` as it is typed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from random_pictures import random_picture
from toy_style import expected, write_toy_style

from impasto.main import main
from models import catalog
from nst_core.files import sha256
from nst_core.picture import Picture, read_picture, write_picture

COMMAND = ["photobash", "cat.png", "--style", "waves", "--style", "night", "-o", "out.png"]
MASKS = ["--style-mask", "left.png", "--style-mask", "-", "--palette", "none", "--feather", "0"]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder with a photo and masks; the styles `waves` and `night`, which holds two paintings."""
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    write_toy_style(tmp_path / "styles" / "waves.onnx")
    write_toy_style(tmp_path / "styles" / "night.onnx", 2)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_picture(random_picture(44, 60, 0, cell=7), "cat.png")
    mask = np.zeros((88, 120, 3), np.uint8)
    write_picture(Picture(mask), "black.png")
    mask[:, :60] = 255
    write_picture(Picture(mask), "left.png")
    write_picture(Picture(mask[:, :88]), "square.png")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.startswith("impasto: ")
    return text


def test_paints_each_style_where_its_mask_is_white(capsys: pytest.CaptureFixture[str]):
    assert main([*COMMAND, *MASKS]) == 0
    assert capsys.readouterr().out.startswith("out.png: 60x44 px")
    photo, result = read_picture("cat.png").as_float(), read_picture("out.png").as_float()
    assert np.abs(result[:, :30] - expected(photo)[:, :30]).max() <= 1 / 255
    assert np.abs(result[:, 30:] - expected(photo, weights=(1.0, 1.0))[:, 30:]).max() <= 1 / 255


def test_the_file_says_what_made_it():
    assert main([*COMMAND, *MASKS, "--strength", "0.5"]) == 0
    found = read_picture("out.png").settings or {}
    assert found["command"] == "photobash" and found["style"] == {"name": "waves + night"}
    assert found["photo"] == {"file": "cat.png", "sha256": sha256(Path("cat.png"))}
    first, second = found["parts"]
    assert first["style"]["sha256"] == sha256(Path("../styles/waves.onnx")) and first["options"]["strength"] == 0.5
    assert first["mask"]["share"] == 0.5 and second["mask"] is None
    assert found["options"]["masks"] == [{"file": "left.png", "sha256": sha256(Path("left.png"))}, None]
    assert found["options"]["palette"] == "none" and found["options"]["how"] == "fast"


def test_without_masks_three_styles_get_three_regions_at_16_bits():
    assert main([*COMMAND, "--style", "waves", "--bits", "16", "--size", "90", "-o", "out.tif"]) == 0
    result = read_picture("out.tif")
    assert (result.width, result.height, result.bit_depth) == (90, 66, 16)
    found = result.settings or {}
    assert found["options"]["regions"] == 3
    assert sum(part["mask"]["share"] for part in found["parts"]) == pytest.approx(1, abs=0.001)


def test_a_folder_gets_a_name_of_photo_and_styles():
    assert main([*COMMAND[:-1], "painted/", *MASKS]) == 0
    assert Path("painted/cat-waves_night.png").is_file()


def test_says_what_masks_leave_and_paints_it_in_the_first_style(capsys: pytest.CaptureFixture[str]):
    masks = ["--style-mask", "left.png", "--style-mask", "left.png", *MASKS[4:]]
    assert main([*COMMAND, *masks]) == 0
    assert "leave 50% of the picture: it is painted in waves, the first style" in capsys.readouterr().out
    photo, result = read_picture("cat.png").as_float(), read_picture("out.png").as_float()
    assert np.abs(result[:, 30:] - expected(photo)[:, 30:]).max() <= 1 / 255


@pytest.mark.parametrize("palette", ["photo", "night", "cat.png"])
def test_the_palette_may_be_the_photos_a_styles_or_a_pictures(palette: str):
    assert main([*COMMAND, *MASKS[:4], "--palette", palette, "--palette-strength", "1"]) == 0
    result = read_picture("out.png")
    wanted = (0.5, 0.4, 0.3) if palette == "night" else read_picture("cat.png").as_float().mean((0, 1))
    assert np.abs(result.as_float().mean((0, 1)) - wanted).max() < 0.06
    assert (result.settings or {})["options"]["palette"] == palette


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--style-mask", "left.png"], "1 --style-mask for 2 --style; give one for each, - for what is left"),
        (["--style-mask", "-", "--style-mask", "-"], "only one style can take it"),
        (["--style-mask", "left.png", "--style-mask", "gone.png"], "gone.png does not exist"),
        (["--style-mask", "square.png", "--style-mask", "-"], "square.png is 88x88 px, which are not the proportions"),
        (["--style-mask", "black.png", "--style-mask", "-"], "black.png selects nothing"),
        ([*MASKS, "--regions", "3"], "--regions finds masks and --style-mask gives them; leave one out"),
        (["--regions", "most"], "--regions must be a whole number from 2 to 12, not most"),
        (["--style", "wave", "--regions", "3"], "there is no style 'wave'; did you mean waves"),
        (["--style", "waves", "--regions", "2"], "2 regions are too few for 3 styles"),
        ([*MASKS[:4], "--palette", "gone"], "--palette gone is no file, and there is no style 'gone'"),
        ([*MASKS[:4], "--palette", "gone/gone.png"], "gone.png does not exist"),
        ([*MASKS, "--memory-limit", "100MB"], "raise --memory-limit"),
        ([*MASKS, "-o", "cat.png"], "cat.png would overwrite cat.png"),
        ([*MASKS, "-o", "left.png"], "left.png would overwrite left.png"),
        ([*MASKS[:4], "--palette", "black.png", "-o", "black.png"], "black.png would overwrite black.png"),
        ([*MASKS, "--bits", "16", "-o", "out.jpg"], "JPEG holds 8 bits a channel"),
    ],
)
def test_wrong_input_is_one_clear_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main([*COMMAND, *words]) == 2
    assert message in said(capsys)
    assert not Path("out.png").exists()


def test_one_style_alone_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["photobash", "cat.png", "--style", "waves", "-o", "out.png"]) == 2
    assert "two styles or more; for one alone there is impasto paint" in said(capsys)


def test_the_optimizer_without_torch_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("impasto.memory", "impasto.optimize_session"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert main([*COMMAND, *MASKS, "--how", "optimize"]) == 2
    assert "pip install '.[train]'" in said(capsys)
