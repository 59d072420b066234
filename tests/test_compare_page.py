"""The Compare tab without a browser: what it says, and what becomes of what is chosen."""

import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compared_style import write_compared_style, write_network
from random_pictures import random_picture
from toy_style import expected, write_model

from models.catalog import Style
from nst_core import features
from nst_core.picture import Picture, read_picture, write_picture
from serve.engine import Engine
from serve.providers import ComputeOptions

gr = pytest.importorskip("gradio", reason="the page needs gradio")

from studio.compare import tab_match  # noqa: E402 - needs gradio
from studio.compare.tab import LARGEST_PX, Tab  # noqa: E402
from studio.compare.tab_line import Line  # noqa: E402
from studio.compare.tab_match import OPTIONS, Match, Visitor  # noqa: E402
from studio.compare.tab_view import curve_data, draw_photos, draw_pictures, draw_styles, standing  # noqa: E402

NASTY = "<script>alert(`${1}`)</script>\"'"


PHOTO = random_picture(96, 128, 0, name="cat.png")
PAINTING = Picture.from_float(expected(random_picture(64, 64, 1).as_float()))
"""In the toy network's manner."""


@pytest.fixture
def style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Style:
    network_file = write_network(tmp_path / "compact.safetensors")
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    monkeypatch.setattr(tab_match, "LOOK_EVERY_S", 0.0)
    return write_compared_style(tmp_path / "styles" / "waves.onnx", [PAINTING], features.load_network("compact"))


@pytest.fixture
def tab(style: Style) -> Tab:
    with gr.Blocks():
        return Tab(Engine(ComputeOptions("cpu")))


@pytest.fixture
def visitor(tab: Tab, style: Style) -> Visitor:
    """One who has chosen both."""
    visitor = Visitor(PHOTO, style)
    list(tab._match(visitor))
    return visitor


def chosen(name: str) -> Any:
    return SimpleNamespace(name=name)


def text(updates: dict[Any, Any], part: Any) -> str:
    """What a part says."""
    return " ".join(re.sub(r"<[^>]*>", " ", updates[part]).split())


def run(tab: Tab, visitor: Visitor, iterations: int) -> dict[Any, Any]:
    """Has the optimizer go on up to an iteration, and stopped; gives what is shown last."""
    shown: dict[Any, Any] = {}
    for shown in tab.run(visitor):  # noqa: B007 - the last is given
        if reached(visitor) >= iterations:
            tab.halt(visitor)
    return shown


def reached(visitor: Visitor) -> int:
    assert visitor.match is not None and visitor.match.race is not None
    return visitor.match.race.slow.iterations


def test_the_fast_picture_is_shown_first_and_then_what_it_measures(tab: Tab, style: Style):
    visitor = Visitor(PHOTO)
    first, second = list(tab.take_style(visitor, chosen("waves")))
    assert visitor.match is not None and visitor.match.race is not None
    assert np.array_equal(visitor.match.fast.pixels, visitor.match.race.fast.pixels)
    assert text(first, tab.pictures) == "Fast the network Slow has not begun"
    assert re.fullmatch(r"Fast the network, 0\.\d+ s Slow has not begun", text(second, tab.pictures))
    assert (first[tab.start]["interactive"], second[tab.start]["interactive"]) == (False, True)
    assert second[tab.start]["value"] == "Start" and second[tab.curve] == {}
    assert 'data-style="waves" aria-pressed="true"' in second[tab.wall]


def test_it_is_stopped_and_goes_on_from_there(tab: Tab, visitor: Visitor, style: Style):
    shown = run(tab, visitor, 7)
    assert reached(visitor) == 7
    assert shown[tab.start]["value"] == "Resume" and shown[tab.start]["visible"] and not shown[tab.stop]["visible"]
    assert "7 of 500 iterations" in text(shown, tab.standing) and "left" not in text(shown, tab.standing)
    assert len(shown[tab.curve]["curves"][0]["points"]) == 8

    again = Visitor(PHOTO, style)  # as after the page was opened anew
    shown = list(tab._match(again))[-1]
    assert reached(again) == 7 and shown[tab.start]["value"] == "Resume"
    assert "Slow the optimizer, iteration 0" in text(shown, tab.pictures)  # the last that is kept
    steps = tab.run(again)
    next(steps)
    assert reached(again) == 8  # and not from the beginning
    steps.close()


def test_who_leaves_frees_the_machine_and_loses_nothing(tab: Tab, visitor: Visitor, style: Style):
    steps = tab.run(visitor)
    for _ in range(4):
        next(steps)
    assert not tab.line.is_free
    steps.close()
    assert tab.line.is_free and visitor.match is not None and not visitor.match.running
    later = Visitor(PHOTO, style)
    list(tab._match(later))
    assert reached(later) == reached(visitor) == 3


def test_another_choice_ends_what_runs_and_its_view_is_not_shown(tab: Tab, visitor: Visitor):
    steps, rest = tab.run(visitor), []
    next(steps)
    choosing = tab.take_example(visitor, chosen("coffee.png"))
    assert "has not begun" in text(next(choosing), tab.pictures)
    ending = threading.Thread(target=lambda: rest.extend(steps))
    ending.start()
    shown = next(choosing)  # once the other has ended, as its times are measured
    ending.join()
    assert rest == [tab.nothing]
    assert visitor.match is not None and visitor.match.race is not None and shown[tab.start]["interactive"]


def test_a_second_visitor_waits_for_the_turn(tab: Tab, visitor: Visitor, style: Style, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("studio.compare.tab.LOOK_EVERY_S", 0.01)
    running = tab.run(visitor)
    next(running)
    second = Visitor(random_picture(96, 128, 5, name="cat.png"), style)
    shown = list(tab._match(second))[-1]
    assert second.match is not None and second.match.race is None  # its times would be wrong
    assert shown[tab.start]["interactive"]
    waiting = tab.run(second)
    shown = next(waiting)
    assert text(shown, tab.standing).startswith("You are number 2 in line: another comparison is at work")
    assert shown[tab.stop]["visible"] and "waits for its turn" in text(shown, tab.pictures)
    tab.halt(second)
    assert next(waiting)[tab.start]["visible"]  # may stop waiting
    running.close()
    assert tab.line.is_free
    next(tab.run(second))
    assert reached(second) == 0


def test_the_line_is_in_order():
    line, order = Line(), []

    def come(number: int) -> None:
        with line.place() as before:
            while before():
                time.sleep(0.001)
            order.append(number)

    with line.place() as first:
        threads = []
        for number in range(3):
            threads.append(threading.Thread(target=come, args=[number]))
            threads[-1].start()
            while len(line._places) < number + 2:
                time.sleep(0.001)
        assert first() == 0 and order == []
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2] and line.is_free


def test_the_slow_picture_is_kept_with_its_settings(tab: Tab, visitor: Visitor, style: Style):
    assert (
        text(tab.download(Match.picture_file, visitor), tab.said) == "there is no slow picture yet; start the optimizer"
    )
    run(tab, visitor, 3)
    kept = Path(tab.download(Match.picture_file, visitor)[tab.file])
    assert kept.name == "cat-waves-3.png"
    picture = read_picture(kept)
    assert visitor.match is not None and visitor.match.slow is not None and visitor.match.race is not None
    assert np.array_equal(picture.pixels, visitor.match.slow[1].pixels)
    settings = picture.settings or {}
    assert settings["style"]["name"] == "waves" and settings["options"]["iterations"] == 3
    assert settings["loss"] == visitor.match.race.slow.points[3].losses.total


def test_the_report_has_what_was_computed(tab: Tab, visitor: Visitor):
    shown = run(tab, visitor, 9)
    assert not shown[tab.report]["visible"]
    assert text(tab.download(Match.report_file, visitor), tab.said) == "a report needs 10 iterations of the optimizer"
    shown = run(tab, visitor, 12)
    assert shown[tab.report]["visible"]
    report = Path(tab.download(Match.report_file, visitor)[tab.file])
    assert report.name == "cat-waves-compared.html"
    page = report.read_text("utf-8")
    assert "slow 10" in page and "slow 25" not in page and "https://" not in page


def test_the_sentence_follows_the_optimizer(visitor: Visitor, monkeypatch: pytest.MonkeyPatch):
    match = visitor.match
    assert match is not None and match.race is not None
    losses = match.race.fast_losses["compact"]
    match.race.slow.points = [point(0, losses.total * 2), point(1, losses.total * 1.5)]
    assert re.fullmatch(r"The optimizer is not there yet: loss .+, the fast picture’s is .+", standing(match))
    match.race.slow.points += [point(2, losses.total * 0.5)]
    assert "equals 2 iterations of the optimizer on this picture, in 1/" in standing(match)  # 1.5, rounded to even
    match.race.slow.points = [point(0, losses.total * 0.5)]
    assert "not comparable" in standing(match)
    match.race.slow.points = [point(i, losses.total * 2) for i in range(OPTIONS.iterations + 1)]
    assert "equals more than 500 iterations" in standing(match)
    assert match.is_done


def point(iteration: int, loss: float) -> Any:
    return SimpleNamespace(
        iteration=iteration, seconds=iteration * 10.0, losses=SimpleNamespace(total=loss, network="compact")
    )


def test_a_dropped_photo_is_read_made_smaller_and_deleted(tab: Tab, tmp_path: Path):
    visitor = Visitor()
    dropped = tmp_path / "large.png"
    write_picture(Picture(np.zeros((16, LARGEST_PX * 2, 3), np.uint8)), dropped)
    shown: dict[Any, Any] = {}
    for updates in tab.take(visitor, str(dropped)):
        shown |= updates
    assert visitor.photo is not None and (visitor.photo.width, visitor.photo.height) == (LARGEST_PX, 8)
    assert not dropped.exists() and shown[tab.drop] is None
    assert "Choose a style." in text(shown, tab.pictures) and 'alt="large.png"' in shown[tab.photos]


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_broken_photo_is_told_in_a_line_and_the_last_one_stays(tab: Tab, visitor: Visitor, tmp_path: Path, content):
    (tmp_path / "broken.png").write_bytes(content)
    (shown,) = list(tab.take(visitor, str(tmp_path / "broken.png")))
    said = text(shown, tab.said)
    assert said.startswith("broken.png ") and str(tmp_path) not in said and 'role="alert"' in shown[tab.said]
    assert visitor.photo is PHOTO


def test_a_photo_too_small_is_told_in_a_line(tab: Tab, style: Style):
    visitor = Visitor(Picture(np.zeros((4, 200, 3), np.uint8), name="thin.png"), style)
    shown = list(tab._match(visitor))[-1]
    assert text(shown, tab.said).startswith("thin.png would be painted at")
    assert visitor.match is None and not shown[tab.start]["visible"]


def test_a_broken_style_is_told_in_a_line(tab: Tab, style: Style, tmp_path: Path):
    visitor = Visitor(PHOTO)
    write_model(style.path, 1, {"impasto_card": style.card.to_json()}, cut="strength")
    shown = list(tab.take_style(visitor, chosen("waves")))[-1]
    said = text(shown, tab.said)
    assert "waves.onnx" in said and str(tmp_path) not in said
    style.path.unlink()
    shown = list(tab.take_style(visitor, chosen("waves")))[-1]
    assert text(shown, tab.said) == "there is no style waves any more; open this page anew"


def test_a_browser_names_no_file_of_this_machine(tab: Tab, style: Style):
    visitor = Visitor(PHOTO)
    assert list(tab.take_example(visitor, chosen("../data/coffee.png"))) == []
    list(tab.take_style(visitor, chosen(str(style.path))))
    assert visitor.photo is PHOTO and visitor.style is None


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("not enough memory: you tried to allocate 8 GB")])
def test_no_memory_is_told_in_a_line(tab: Tab, visitor: Visitor, error: Exception, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Match, "grow", fail)
    shown = list(tab.run(visitor))[-1]
    assert text(shown, tab.said) == "the memory ran out; close programs, and start again"
    assert tab.line.is_free and shown[tab.start]["visible"]


def test_names_cannot_become_markup(style: Style):
    photo = Picture(PHOTO.pixels, name=NASTY)
    object.__setattr__(style.card, "title", NASTY)
    for html in (draw_photos(photo), draw_styles([style], style), draw_pictures(Visitor(photo))):
        assert "<script" not in html


def test_before_anything_is_chosen_it_says_what_to_do():
    assert "Choose a photo and a style." in draw_pictures(Visitor())
    assert curve_data(None) == {}
