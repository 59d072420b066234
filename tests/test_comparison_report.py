"""The report of a comparison: what it says, that all is inside, and that nothing in it can run or be fetched."""

import base64
import hashlib
import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from toy_comparison import BEYOND, HEIGHT, NOT, ON, WIDTH, painting, plain, toy_comparison

from nst_core.errors import NstError
from nst_core.evaluate import EqualIterations
from nst_core.picture import Picture, read_picture
from studio.compare.report import write_report
from studio.compare.report_pictures import opaque, seconds_text
from studio.compare.report_strip import CAPTION_PX, GAP_PX, SIDE_PX
from studio.compare.report_words import headline, notes, share_text
from studio.compare.summary import median, median_equal, write_summary

NASTY = "</script><script>document.title = 'taken'</script><!--<script>"


def embedded(page: Path) -> dict[str, Any]:
    """The data inside a page."""
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


def shown(source: str) -> np.ndarray:
    """The picture of a data URI."""
    kind, _, data = source.partition(",")
    assert kind == "data:image/jpeg;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_the_page_holds_all_figures_and_pictures(tmp_path: Path) -> None:
    comparison = toy_comparison()
    page = write_report(comparison, tmp_path / "cat")
    assert page == tmp_path / "cat" / "compare.html"
    data = embedded(page)
    figures = json.loads((tmp_path / "cat" / "compare.json").read_bytes())
    assert figures == json.loads(json.dumps(comparison.to_json()))
    assert figures.items() <= data.items()
    assert data["headline"] == (
        "Under compact, this network equals 20 iterations of the optimizer on this picture, in 1/100 of the time."
    )
    keys = [picture["key"] for picture in data["pictures"]]
    assert keys == ["photo", "painting", "fast", "slow 10", "slow 25", "slow 50", "refined 25", "refined 50"]
    assert [picture["seconds"] for picture in data["pictures"]] == [None, None, 0.1, 5, 12.5, 25, 12.5, 25]
    for picture, color in zip(data["pictures"], (10, 30, 80, 110, 125, 150, 225, 250), strict=True):
        pixels = shown(picture["source"])
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        assert pixels[..., 0].mean() == pytest.approx(color, abs=3)


def test_nothing_but_our_own_script_may_run_and_nothing_be_fetched(tmp_path: Path) -> None:
    style = {"name": "toy", "title": NASTY, "sha256": "ab" * 32, "paintings": [painting(NASTY, NASTY)]}
    text = write_report(toy_comparison(style=style), tmp_path).read_text("utf-8")
    assert embedded(tmp_path / "compare.html")["style"]["title"] == NASTY
    assert "document.title = 'taken'" not in re.sub(r'id="data">.*?</script>', "", text, flags=re.DOTALL)
    assert len(re.findall("<script", text)) == len(re.findall("</script>", text)) == 2
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    for rule, pattern in (("script-src", "<script>(.*?)</script>"), ("style-src", "<style>(.*?)</style>")):
        (inside,) = re.findall(pattern, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,"]
    assert "innerHTML" not in text


def test_a_report_of_512_px_is_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    comparison = toy_comparison()
    pictures = [
        replace(each, picture=Picture(textured(noise))) for each in (*comparison.renderings, comparison.renderings[-1])
    ]
    photo, canvas = Picture(textured(noise)), Picture(textured(noise))
    write_report(replace(comparison, photo=photo, painting=canvas, renderings=pictures), tmp_path)
    assert 500_000 < (tmp_path / "compare.html").stat().st_size < 5_000_000


def textured(random: np.random.Generator) -> np.ndarray:
    """As rough as strokes, (512, 512, 3)."""
    coarse = Image.fromarray(random.integers(0, 256, (170, 170, 3), np.uint8))
    return np.asarray(coarse.resize((512, 512), Image.Resampling.BICUBIC))


def test_photo_and_painting_are_shown_as_large_as_the_fast_picture(tmp_path: Path) -> None:
    photo = Picture(np.full((HEIGHT * 3, WIDTH * 3, 3), 60000, np.uint16), name="deep.tif")
    canvas = Picture(np.zeros((400, 100, 3), np.uint8))
    write_report(toy_comparison(photo=photo, painting=canvas), tmp_path)
    first, second, *_ = embedded(tmp_path / "compare.html")["pictures"]
    assert shown(first["source"]).shape == (HEIGHT, WIDTH, 3)
    assert shown(first["source"]).mean() == pytest.approx(60000 / 257, abs=2)
    assert shown(second["source"]).shape == (96, 24, 3)


def test_the_strip_shows_all_pictures_in_two_rows(tmp_path: Path) -> None:
    write_report(toy_comparison(), tmp_path)
    strip = read_picture(tmp_path / "strip.png")
    row = round(SIDE_PX * HEIGHT / WIDTH) + CAPTION_PX + GAP_PX
    assert (strip.width, strip.height) == (GAP_PX + 4 * (SIDE_PX + GAP_PX), GAP_PX + 2 * row)
    middle = round(SIDE_PX * HEIGHT / WIDTH / 2)
    reds = [
        strip.pixels[GAP_PX + y * row + middle, GAP_PX + x * (SIDE_PX + GAP_PX) + SIDE_PX // 2, 0]
        for y in range(2)
        for x in range(4)
    ]
    assert reds == [10, 30, 80, 110, 125, 150, 225, 250]
    captions = strip.pixels[GAP_PX + row - CAPTION_PX - GAP_PX : GAP_PX + row - GAP_PX]
    assert [(captions[:, GAP_PX + x * (SIDE_PX + GAP_PX) :][:, :SIDE_PX] < 100).any() for x in range(4)] == [True] * 4


def test_without_the_painting_a_short_strip_is_one_row(tmp_path: Path) -> None:
    comparison = toy_comparison(painting=None)
    write_report(replace(comparison, renderings=comparison.renderings[:3]), tmp_path)
    assert [each["key"] for each in embedded(tmp_path / "compare.html")["pictures"]][:2] == ["photo", "fast"]
    assert read_picture(tmp_path / "strip.png").width == GAP_PX + 4 * (SIDE_PX + GAP_PX)
    assert read_picture(tmp_path / "strip.png").height < 2 * SIDE_PX


@pytest.mark.parametrize(
    "equal, speed_up, words",
    [
        (ON, 900.4, "equals 20 iterations of the optimizer on this picture, in 1/900 of the time."),
        (
            BEYOND,
            1234.0,
            "equals more than 50 iterations of the optimizer on this picture, in less than 1/1,234 of the",
        ),
        (ON, 1.25, "in 80 % of the time."),
        (NOT, None, "is not comparable with the optimizer on this picture: its loss is no lower than where"),
    ],
)
def test_the_headline_fits_every_standing(equal: EqualIterations, speed_up: float | None, words: str) -> None:
    said = headline("vgg19", equal, speed_up, "on this picture")
    assert said.startswith("Under vgg19, this network")
    assert words in said


def test_the_notes_say_what_the_loss_network_is_to_the_style() -> None:
    (alone,) = notes("compact", "compact", {})
    assert "the loss network it was trained with; `impasto weights get vgg19` and `--painting FILE` add" in alone
    assert "`impasto weights get vgg16`" in notes("vgg19", "vgg19", {})[0]
    assert notes("vgg19", "compact", {"compact": BEYOND, "vgg16": NOT}) == [
        "The network was trained with another loss network: compact.",
        "Under compact it is equal to more than 50 iterations.",
        "Under vgg16 it is not comparable: its loss is no lower than where the optimizer began.",
    ]
    assert "weights get" not in "".join(notes("compact", "compact", {"vgg19": ON}))


def test_figures_in_words() -> None:
    assert [seconds_text(seconds) for seconds in (0.0421, 4.26, 42.3, 200)] == [
        "0.042 s",
        "4.3 s",
        "42 s",
        "3 min 20 s",
    ]
    assert [share_text(speed_up) for speed_up in (2, 99.6, 0.5)] == ["1/2", "1/100", "200 %"]


def test_what_is_transparent_is_shown_on_white() -> None:
    alpha = np.full((HEIGHT, WIDTH), 51, np.uint8)
    shown = opaque(Picture(plain(0, 100, 255).pixels, alpha, b"Exif\0\0", "cat.png"))
    assert shown.pixels[0, 0].tolist() == [204, 224, 255]
    assert (shown.alpha, shown.exif) == (None, None)


def test_medians_count_what_is_beyond_with_its_least() -> None:
    def standing(iterations: float) -> EqualIterations:
        return EqualIterations("on the curve", iterations)

    assert median([3.0, None, 1.0]) == 1
    assert median([3.0, None, None]) is None
    assert median_equal([standing(10), standing(30), BEYOND]) == standing(30)
    assert median_equal([standing(10), BEYOND, BEYOND]) == BEYOND
    assert median_equal([standing(10), standing(60), BEYOND]) == BEYOND
    assert median_equal([standing(10), NOT, NOT]) == NOT


def test_several_photos_give_a_summary_with_links(tmp_path: Path) -> None:
    comparisons = [toy_comparison(), toy_comparison(fast=1.0), toy_comparison(fast=0.001)]
    links = [tmp_path / name / "compare.html" for name in ("cat", "50% dog", "javascript:a")]
    page = write_summary(comparisons, tmp_path, links)
    figures = json.loads((tmp_path / "compare.json").read_bytes())
    assert figures["comparisons"] == json.loads(json.dumps([each.to_json() for each in comparisons]))
    assert figures["median_equal_iterations"] == {"standing": "on the curve", "iterations": pytest.approx(20)}
    assert figures["median_speed_up"] == pytest.approx(100)
    data = embedded(page)
    assert data["headline"].startswith(
        "Under compact, this network equals 20 iterations of the optimizer on the median"
    )
    assert [card["link"] for card in data["cards"]] == [
        "cat/compare.html",
        "50%25%20dog/compare.html",
        "javascript%3Aa/compare.html",
    ]
    assert [round(shown(picture["source"])[..., 0].mean(), -1) for picture in data["cards"][0]["pictures"]] == [
        10,
        80,
        150,
    ]


def test_several_styles_are_named_in_the_summary(tmp_path: Path) -> None:
    first = toy_comparison()
    comparisons = [first, replace(first, style={**first.style, "title": "Other", "sha256": "cd" * 32})]
    data = embedded(write_summary(comparisons, tmp_path, [tmp_path / "a.html", tmp_path / "b.html"]))
    assert [card["name"] for card in data["cards"]] == ["cat.png, Toy", "cat.png, Other"]
    assert "the median of 2 networks equals 20 iterations of the optimizer on 2 pictures, in" in data["headline"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NstError, match="is a file, not a folder"):
        write_report(toy_comparison(), tmp_path / "file")
