"""The morning's page and its picture: all that was learned, what failed, and nothing from anywhere else."""

import base64
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from toy_style import expected, toy_card, write_toy_style

from nst_core.errors import NstError
from nst_core.jobs import Job, State
from serve.engine import Engine
from train.night.contact_sheet import GAP_PX, MANY_ROWS, TITLE_PX, Cell, Row, contact_sheet
from train.night.loss_curve import POINTS, draw_curve, read_curve
from train.night.report import write_report

NASTY = "<script>alert('Starry & \"Night\"')</script>"
PHOTO_COLOR, PAINTING_COLOR = (200, 120, 40), (30, 60, 200)


class Page(HTMLParser):
    """Elements with their attributes, and the text, of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def pictures(self) -> list[np.ndarray]:
        sources = [attributes["src"] or "" for tag, attributes in self.elements if tag == "img"]
        return [decoded(base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))) for source in sources]

    def count(self, tag: str) -> int:
        return [name for name, _ in self.elements].count(tag)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def write_flat(path: Path, color: tuple[int, int, int], size: tuple[int, int] = (120, 80)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_flat(tmp_path / "photos" / "flat.png", PHOTO_COLOR)


def job(folder: Path, name: str, state: State = "done", *, titles: tuple[str, ...] = ("Title",), **more: Any) -> Job:
    """A job with its paintings, style file and curve."""
    paintings = []
    for number, title in enumerate(titles, 1):
        path = write_flat(folder.parent / "paintings" / f"{name}_{number}.png", PAINTING_COLOR)
        paintings.append({"path": str(path), "title": title, "artist": "A. Painter", "name": f"{name}_{number}"})
    style = folder.parent / "styles" / f"{name}.onnx"
    if state == "done":
        write_toy_style(style, len(titles))
        (folder / name).mkdir(parents=True)
        (folder / name / "metrics.csv").write_text(
            "step,seconds,loss,content,style\n5,1,4,1,3\n10,2,2,1,1\n15,3,1.5,1,0.5\n"
        )
    fields = {
        "id": 1,
        "name": name,
        "spec": {"title": titles[0] if len(titles) == 1 else "Palette", "paintings": paintings},
        "state": state,
        "reason": None,
        "result": {"style_path": str(style), "steps": 15, "seconds": 171, "figures": {"J": 0.8642}},
        "progress": None,
        "seconds": 3600.0,
        "added": "2026-11-23T22:00:00+00:00",
        "begun": "2026-11-23T22:00:05+00:00",
        "ended": "2026-11-23T23:00:05+00:00",
    }
    return Job(**fields | more)


def test_a_style_is_shown_with_all_that_is_known(folder: Path, photo: Path):
    page_path, sheet_path = write_report(folder, [job(folder, "night")], [photo])
    assert (page_path, sheet_path) == (folder / "report.html", folder / "contact-sheet.png")
    page = Page(page_path)
    assert "Styles learned: 1 of 1" in page.text
    assert "Title, A. Painter" in page.text
    assert "night, 15 steps, 2.9 min of training, toy through compact, 12 photos" in page.text
    figures = dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td>", page_path.read_text()))
    assert figures == {"judge": "0.8125", "parity.512": "0.0001", "J": "0.8642"}
    assert "1 done, begun " in page.text and "1 h 00 min of work" in page.text
    assert page.count("polyline") == 3

    painted = np.rint(expected(np.array([[PHOTO_COLOR]], np.float32) / 255) * 255)[0, 0]
    for picture, color in zip(page.pictures(), (PHOTO_COLOR, PAINTING_COLOR, painted), strict=True):
        assert picture.shape == (80, 120, 3)
        assert np.abs(picture - np.array(color)).max() <= 4  # JPEG
    sheet = np.asarray(Image.open(sheet_path))
    for color in (PHOTO_COLOR, PAINTING_COLOR, painted):
        found = np.abs(sheet - np.array(color)).max(2) <= 4
        assert found.sum() > 256 * 256


def test_the_page_needs_nothing_around_it_and_runs_nothing(folder: Path, photo: Path):
    jobs = [
        job(folder, "night", titles=(NASTY,)),
        job(folder, "bad", "failed", titles=(NASTY,), reason=f"{NASTY} cannot be read"),
    ]
    page_path, _ = write_report(folder, [*jobs, replace(jobs[1], name='x"><script>', state="waiting")], [photo])
    page = Page(page_path)
    assert page.text.count(NASTY) == 2
    allowed = {
        "html",
        "title",
        "meta",
        "style",
        "h1",
        "h2",
        "p",
        "section",
        "dl",
        "dt",
        "dd",
        "small",
        "article",
        "div",
    }
    allowed |= {"figure", "figcaption", "img", "table", "tr", "th", "td", "svg", "path", "text", "tspan", "polyline"}
    assert {tag for tag, _ in page.elements} <= allowed
    for _, attributes in page.elements:
        assert not {"href", "onclick", "onload", "onerror", "srcset", "xlink:href"} & attributes.keys()
        assert (attributes.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
    source = page_path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|<script|<link", source)
    assert "prefers-color-scheme: dark" in source and 'name="viewport"' in source


def test_failures_come_first_and_what_is_open_is_named(folder: Path, photo: Path):
    jobs = [
        job(folder, "night"),
        job(folder, "bad", "failed", reason="the pictures are blank", seconds=125.0, result=None),
        job(folder, "now", "running", result=None, ended=None),
        job(folder, "later", "waiting", result=None, begun=None, ended=None),
    ]
    page = Page(write_report(folder, jobs, [photo])[0])
    assert "1 done, 1 failed, 1 running, 1 waiting" in page.text
    assert "bad after 2 min" in page.text and "the pictures are blank" in page.text
    assert page.text.index("the pictures are blank") < page.text.index("Title, A. Painter")
    assert "Being learned: now" in page.text and "Still waiting: later" in page.text
    assert len(page.pictures()) == 3


def test_of_a_palette_each_painting_has_its_row(folder: Path, photo: Path):
    page = Page(write_report(folder, [job(folder, "both", titles=("One", "Two"))], [photo])[0])
    assert "Palette: One, A. Painter" in page.text and "Palette: Two, A. Painter" in page.text
    flat = np.array([[PHOTO_COLOR]], np.float32) / 255
    for picture, weights in ((page.pictures()[2], (1.0, 0.0)), (page.pictures()[4], (0.0, 1.0))):
        assert np.abs(picture[40, 60] - 255 * expected(flat, weights=weights)[0, 0]).max() <= 5


def test_what_is_missing_is_said_in_its_place(folder: Path, photo: Path, tmp_path: Path):
    whole = job(folder, "whole")
    no_style = job(folder, "no_style")
    Path((no_style.result or {})["style_path"]).unlink()
    broken = job(folder, "broken")
    Path((broken.result or {})["style_path"]).write_bytes(b"no model")
    no_painting = job(folder, "no_painting")
    Path(no_painting.spec["paintings"][0]["path"]).unlink()
    no_curve = job(folder, "no_curve")
    (folder / "no_curve" / "metrics.csv").unlink()
    text = tmp_path / "text.png"
    text.write_text("no picture")
    page = Page(write_report(folder, [whole, no_style, broken, no_painting, no_curve], [photo, text])[0])
    assert "no_style.onnx does not exist" in page.text
    assert "broken.onnx is not a whole ONNX model" in page.text
    assert "no_painting_1.png cannot be read" in page.text
    assert page.text.count("text.png") == 1 + 3  # the photo itself, and in each style that could have painted it
    assert page.count("svg") == 4
    assert len(page.pictures()) == 1 + 2 + 1 + 1 + 1 + 2


def test_pictures_are_painted_once(folder: Path, photo: Path, monkeypatch: pytest.MonkeyPatch):
    painted: list[str] = []
    stylize = Engine.stylize

    def stylize_and_tell(self: Engine, picture: Any, style: Any, *options: Any) -> Any:
        painted.append(style.name)
        return stylize(self, picture, style, *options)

    monkeypatch.setattr(Engine, "stylize", stylize_and_tell)
    jobs = [job(folder, "first"), job(folder, "second", titles=("One", "Two"))]
    before = Page(write_report(folder, jobs[:1], [photo])[0]).pictures()
    write_report(folder, jobs, [photo])
    assert painted == ["first", "second", "second"]
    again = Page(write_report(folder, jobs[:1], [photo])[0]).pictures()
    assert [picture.tolist() for picture in again] == [picture.tolist() for picture in before]
    write_toy_style(Path((jobs[0].result or {})["style_path"]), card=toy_card("first", seed=1))
    write_flat(photo, (0, 0, 0), (100, 100))
    write_report(folder, jobs[:1], [photo])
    assert painted == ["first", "second", "second", "first"]


def test_nothing_learned_yet(folder: Path):
    page_path, sheet_path = write_report(folder, [])
    page = Page(page_path)
    assert "Styles learned: 0 of 0" in page.text
    shapes = [picture.shape for picture in page.pictures()]
    assert [max(shape) for shape in shapes] == [384, 384, 384]
    assert Image.open(sheet_path).width > 3 * 256


def test_a_folder_that_cannot_be_written_to(folder: Path, photo: Path):
    folder.touch()
    with pytest.raises(NstError, match="cannot write"):
        write_report(folder, [], [photo])


def test_the_night_needs_no_torch():
    imports = "import sys, train.night.queue, train.night.report, nst_core.awake"
    code = f"{imports}; print(*{{n.partition('.')[0] for n in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "train" in result.stdout.split()
    assert not {"torch", "torchvision", "pytorch_lightning", "onnx", "matplotlib"} & set(result.stdout.split())


def test_a_sheet_has_legible_titles_and_grows_with_its_rows():
    jpeg = io.BytesIO()
    Image.new("RGB", (384, 384), "red").save(jpeg, "JPEG")
    cells = (Cell("", jpeg.getvalue()), Cell("", None, "it is gone"), Cell("", None))

    def sheet(title: str, rows: int = 1) -> np.ndarray:
        return contact_sheet([Row(title, cells)] * rows)

    written = np.nonzero((sheet("Große Welle") != sheet("")).any((1, 2)))[0]
    assert written.min() >= GAP_PX and 14 <= np.ptp(written) <= 24 and written.max() < GAP_PX + TITLE_PX
    assert (sheet("ß") != sheet("Ü")).any()  # two letters, not twice the box of those that the font lacks
    assert (sheet("")[GAP_PX + TITLE_PX :][:256, GAP_PX:][:, :256, 0] > 250).all()
    assert (sheet("Welle " * 100)[:, -GAP_PX:] == 255).all()
    assert len(sheet("", MANY_ROWS)) > len(sheet("", MANY_ROWS + 1)) > 100 * MANY_ROWS


def test_a_curve_leaves_out_what_is_no_number(tmp_path: Path):
    path = tmp_path / "metrics.csv"
    path.write_text("seconds,style,step,loss\n1,3,5,nan\n2,2,10,4\n3,,15,2\n4,1,20,2\n5,1\n")
    curve = read_curve(path)
    assert curve == {"step": [10, 20], "loss": [4, 2], "style": [2, 1]}
    svg = draw_curve(curve)
    assert re.findall(r'polyline class="(\w+)"', svg) == ["loss", "style"]
    assert "20 steps" in svg and "loss 2" in svg and "style 1" in svg


def test_a_curve_goes_down_from_left_to_right():
    steps = [float(step) for step in range(1, 5001)]
    svg = draw_curve({"step": steps, "loss": [10 / step for step in steps], "content": [0.0] * 5000})
    ((name, points),) = re.findall(r'polyline class="(\w+)" points="(.*?)"', svg)
    x, y = np.array([point.split(",") for point in points.split()], float).T
    assert (name, len(x)) == ("loss", POINTS)
    assert (np.diff(x) > 0).all() and (np.diff(y) > 0).all()
    assert min(x) > 0 and max(x) < 480 and min(y) > 20 and max(y) < 200


@pytest.mark.parametrize(
    "text", [None, "", "step,loss\n", "step,loss\n5,1\n", "loss,style\n1,2\n2,3\n", "\0\xff,\n1,2\n"]
)
def test_without_figures_there_is_no_curve(text: str | None, tmp_path: Path):
    path = tmp_path / "metrics.csv"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    assert draw_curve(read_curve(path)) == ""
