"""`impasto advise`, as it is typed."""

import json
import re
from pathlib import Path

import drawn_styles as drawn
import numpy as np
import pytest

from impasto.main import main
from nst_core.picture import read_picture, write_picture

QUICKLY = ["--size", "128"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a folder of three pictures."""
    monkeypatch.chdir(tmp_path)
    write_picture(drawn.plain(drawn.RED), tmp_path / "paintings" / "plain.png")
    write_picture(drawn.rectangles(), tmp_path / "paintings" / "blocks.png")
    write_picture(drawn.neon_spots(), tmp_path / "paintings" / "more" / "<neon>.png")
    return tmp_path


def test_a_folder_is_listed_the_best_first(capsys: pytest.CaptureFixture[str]):
    assert main(["advise", "paintings", "--as", "style", "--no-crops", *QUICKLY]) == 0
    heads, *rows = capsys.readouterr().out.splitlines()
    assert heads.split() == ["score", "picture", "verdict", "crops"]
    assert [row.split()[1] for row in rows] == ["blocks.png", "<neon>.png", "plain.png"]
    assert "overwhelms: all-over pattern" in rows[1] and "better as a color-field layer" in rows[2]


def test_of_one_picture_the_reasons_are_told(capsys: pytest.CaptureFixture[str]):
    assert main(["advise", "paintings/blocks.png", "--as", "style", "--no-crops", *QUICKLY]) == 0
    said = capsys.readouterr().out
    assert "contrast in value" in said and "color blocking" in said and "speaks for it" in said


def test_json_holds_all_figures():
    assert main(["advise", "paintings", "--as", "style", "--json", "out/all.json", "--no-crops", *QUICKLY]) == 0
    found = json.loads(Path("out/all.json").read_text())
    assert found["skipped"] == [] and found["advice"][0]["file"] == "blocks.png"
    first = found["advice"][0]
    assert first["as"] == "style" and first["size"] == 128 and first["score"] > 45 and first["verdict"] == "works"
    assert len(first["reasons"]) == 9 and first["crops"] == []


def test_the_page_needs_nothing_around_it():
    assert main(["advise", "paintings", "--as", "style", "--html", "page.html", "--no-crops", *QUICKLY]) == 0
    page = Path("page.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert page.count("<article") == 3 and page.count("Value: light and dark alone</figcaption>") == 3
    assert "&lt;neon&gt;.png" in page and "<neon>" not in page
    assert "default-src &#x27;none&#x27;" in page and "<script" not in page


def test_crops_are_written_with_the_pictures_own_pixels(capsys: pytest.CaptureFixture[str]):
    whole = np.concatenate([drawn.plain(drawn.GRAY).pixels, drawn.rectangles().pixels], axis=1)
    write_picture(drawn.picture(whole / 255), "both.png")
    assert main(["advise", "both.png", "--as", "style", "--crops", "crops", "--json", "a.json", *QUICKLY]) == 0
    boxes = [crop["box"] for crop in json.loads(Path("a.json").read_text())["advice"][0]["crops"]]
    files = sorted(Path("crops").iterdir())
    assert boxes and [file.name for file in files] == [f"both-crop{n}.png" for n in range(1, len(boxes) + 1)]
    box = boxes[0]
    expected = whole[box["top"] : box["bottom"], box["left"] : box["right"]]
    assert np.array_equal(read_picture(files[0]).pixels, expected)
    assert "crops/both-crop1.png" in capsys.readouterr().out


def test_what_is_broken_is_skipped_and_said(capsys: pytest.CaptureFixture[str]):
    Path("paintings/broken.jpg").write_bytes(b"no picture")
    assert main(["advise", "paintings", "--as", "content", "--json", "a.json", "--no-crops", *QUICKLY]) == 2
    output = capsys.readouterr()
    assert "broken.jpg" in output.err and "1 of 4 could not be looked at" in output.err
    assert output.out.count(".png") == 3
    found = json.loads(Path("a.json").read_text())
    assert len(found["advice"]) == 3 and "broken.jpg" in found["skipped"][0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.png", "--as", "style"], "nothing.png does not exist"),
        (["paintings/plain.png"], "as"),
        (["paintings/plain.png", "--as", "texture"], "--as: invalid choice"),
        (["paintings/plain.png", "--as", "style", "--size", "12"], "--size must be a whole number from 128 to 2048"),
        (["paintings/plain.png", "--as", "style", "--crops", "c", "--no-crops"], "leave one of them out"),
        (["paintings/plain.png", "--as", "style", "--html", "paintings/plain.png"], "would overwrite"),
    ],
)
def test_wrong_input_is_one_clear_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main(["advise", *words]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_an_empty_folder_is_one_clear_line(capsys: pytest.CaptureFixture[str]):
    Path("empty").mkdir()
    assert main(["advise", "empty", "--as", "style"]) == 2
    assert capsys.readouterr().err == "impasto: there is no picture in empty\n"
