"""The Train tab without a browser: what it says, and what its buttons do, down to a painting that is learned."""

import base64
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from models.catalog import read_style
from nst_core.ledger import Job, Ledger
from serve.page_words import note
from train.loss_curve import read_curve
from train.night import LEDGER, Now
from train.night_process import NightProcess
from train.page_pictures import sample, strip
from train.page_view import MOST_SHOWN, draw_list, draw_losses, draw_new, draw_now, draw_report, draw_strip
from train.page_words import estimate, joining, photos_note
from train.queue import NightOptions, Report
from train.style_options import StyleOptions
from train.trainings import State, Trainings

gr = pytest.importorskip("gradio", reason="the page needs gradio")

NOON = datetime(2026, 11, 23, 12, 0).astimezone()
NASTY = "<script>alert(`${1}`)</script>\"'"
QUICK = StyleOptions(steps=2, crop_px=64, batch_size=1, size=128)


class Words(HTMLParser):
    """The text of a part of the page, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def words(html: str) -> str:
    return " ".join(Words(html).text.split())


def job(name: str, state: Any = "waiting", title: str = "", **changes: Any) -> Job:
    painting = {"path": f"/run/paintings/{name}.png", "title": title or name, "artist": "unknown"}
    spec = {"title": title or name, "paintings": [painting]}
    fields: dict[str, Any] = dict.fromkeys(("reason", "result", "progress", "begun", "ended"))
    return Job(id=len(name), name=name, spec=spec, state=state, **fields | {"seconds": 0.0, "added": ""} | changes)


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (128, 96)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8))
    coarse.resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def test_what_is_learned_is_told_with_the_time_left():
    running = job("waves", "running", "The Waves", begun="2026-11-23")
    report = Report(120, 450, 60.0, 0.25, {"style": 0.512})
    now = Now("waves", NightOptions(), report, NOON + timedelta(hours=2))
    told = draw_now(State((running, job("b"), job("c")), True, now), NOON)
    assert words(told) == (
        "being learned · 2 more wait · all done about 14:00 The Waves 25% step 120 of 450 3 min 00 s left "
        "style error 0.51"
    )
    (bar,) = [attributes for attributes in Words(told).all("div") if attributes.get("role") == "progressbar"]
    assert (bar["aria-valuenow"], bar["aria-label"]) == ("25", "The Waves")
    early = draw_now(State((running,), True, Now("other", NightOptions(), report)), NOON)
    assert words(early) == "being learned The Waves starting: the photos are read, the networks loaded"


@pytest.mark.parametrize(
    ("jobs", "at_work", "fault", "begins"),
    [
        ((), False, None, "Turn a painting into a style Drop one or more paintings"),
        ((), True, None, "Starting The next painting"),
        ((job("a"), job("b")), False, None, "2 paintings to be learned Say how long it may take, and start."),
        ((job("a", "done"), job("b", "failed")), False, "the disk is full", "All is learned"),
        (
            (job("a", "running", begun="x", progress={"share": 0.4}), job("b")), False, None,
            "2 paintings to be learned a was interrupted at about 40%. Start, and it goes on; a minute is lost at most",
        ),
        (
            (job("a", begun="x"),), False, "the disk is full",
            "1 painting to be learned a was interrupted at about 0%. Start, and it goes on; a minute is lost at most. "
            "The last night ended early: the disk is full",
        ),
    ],
)  # fmt: skip
def test_what_could_be_done_is_told(jobs: tuple[Job, ...], at_work: bool, fault: str | None, begins: str):
    assert words(draw_now(State(jobs, at_work, Now("a", NightOptions(), fault=fault)), NOON)).startswith(begins)


def test_lists_tell_what_waits_has_failed_and_is_done(tmp_path: Path):
    style = picture(tmp_path / "waves.onnx.png")
    strip_of_three = Image.new("RGB", (80, 45), "red")
    strip_of_three.paste("blue", (40, 0, 60, 15))  # the first photo at strength 1
    (tmp_path / "waves").mkdir()
    strip_of_three.save(tmp_path / "waves" / "preview.png")
    jobs = (
        job("waves", "done", result={"steps": 450, "style_path": str(style)}, seconds=300.0, ended="2026-11-23"),
        job("gone", "done", result={"steps": 9, "style_path": "/nowhere.onnx"}, seconds=60.0, ended="2026-11-24"),
        job("bad", "failed", reason=f"{tmp_path}/paintings/bad.png: too few pixels"),
        job("night"),
        job("begun", "waiting", begun="2026-11-23", progress={"share": 0.31}),
    )
    told = draw_list(State(jobs, False, None), tmp_path)
    assert words(told) == (
        "To be learned 2 begun goes on from about 31% Remove night Remove "
        "Failed 1 bad bad.png: too few pixels Try again Remove "
        "Learned 2 gone 1 min, 9 steps; its file is no longer there Take off this list "
        "waves 5 min, 450 steps; on the wall of the Paint tab Take off this list"
    )
    buttons = Words(told).all("button")
    assert [(button["data-wish"], button["data-name"], "data-ask" in button) for button in buttons] == [
        ("remove", "begun", True), ("remove", "night", False), ("retry", "bad", False), ("remove", "bad", False),
        ("remove", "gone", True), ("remove", "waves", True),
    ]  # fmt: skip
    assert buttons[1]["aria-label"] == "Remove: night"
    (shown,) = Words(told).all("img")
    assert shown["src"] == sample(tmp_path / "waves" / "preview.png", 1) != ""
    many = tuple(job(f"s{i}", "done", result=jobs[0].result, ended=f"{i:03}") for i in range(MOST_SHOWN + 3))
    told = words(draw_list(State(many, False, None), tmp_path))
    assert told.count("450 steps") == MOST_SHOWN and f"has all {MOST_SHOWN + 3}." in told and "s26 " in told


def test_a_sample_is_the_first_photo_at_full_strength(tmp_path: Path):
    preview = Image.new("RGB", (160, 90), "red")
    preview.paste("blue", (80, 0, 120, 30))
    preview.paste("lime", (40, 0, 80, 30))
    preview.save(tmp_path / "preview.png")
    assert colors(sample(tmp_path / "preview.png", 1)) == ((40, 30), "blue")
    assert colors(sample(tmp_path / "preview.png", 3)) == ((40, 30), "lime")  # of a palette, the first painting
    assert colors(strip(tmp_path / "preview.png"))[0] == (160, 90)
    assert sample(tmp_path / "nothing.png", 1) == strip(tmp_path / "nothing.png") == ""
    (tmp_path / "preview.png").write_text("no picture")
    assert strip(tmp_path / "preview.png") == ""


def colors(address: str) -> tuple[tuple[int, int], str]:
    """Size of a picture in the page, and the color that its middle is nearest to."""
    with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/jpeg;base64,")))) as image:
        pixel = image.getpixel((image.width // 2, image.height // 2))
        assert isinstance(pixel, tuple)
        return image.size, ("red", "lime", "blue")[int(np.argmax(pixel))]


def test_nothing_that_was_typed_becomes_a_part_of_the_page(tmp_path: Path):
    path = str(picture(tmp_path / "a.png"))
    jobs = (
        job("a", "running", NASTY, begun="x"), job("b", "waiting", NASTY, begun="x"), job("c", "failed", reason=NASTY),
        job("d", "done", NASTY, result={"steps": 1, "style_path": NASTY}),
    )  # fmt: skip
    state = State(jobs, True, Now("a", NightOptions(), fault=NASTY))
    (tmp_path / "report.html").write_text(NASTY)
    (tmp_path / "a").mkdir()
    picture(tmp_path / "a" / "preview.png")
    parts = [
        draw_now(state, NOON), draw_strip(state, tmp_path), draw_list(state, tmp_path), draw_list(state, tmp_path),
        draw_new({path: {"title": NASTY, "artist": NASTY, "license": NASTY}}), note(NASTY, wrong=True),
        draw_report(tmp_path / "report.html"),
    ]  # fmt: skip
    for part in parts:
        assert "<script" not in part and NASTY not in part
        assert "alert" in part and not Words(part).all("script")
    (frame,) = Words(parts[-1]).all("iframe")
    assert frame["sandbox"] == "" and frame["srcdoc"] == NASTY
    assert [field["value"] for field in Words(parts[4]).all("input")] == [NASTY] * 3


@pytest.mark.parametrize(
    ("count", "asked", "told"),
    [
        (0, NightOptions(minutes_per_style=5), ""),
        (
            1, NightOptions(minutes_per_style=5),
            "1 painting, 5 min for each: about 5 min, done at 12:05 if started now.",
        ),
        (
            13, NightOptions(minutes_per_style=12.5),
            "13 paintings, 12.5 min for each: about 2 h 46 min, done at 14:45 if started now.",
        ),
        (3, NightOptions(until=NOON + timedelta(hours=7)), "3 paintings until 19:00: about 2 h 19 min for each."),
        (
            9, NightOptions(until=NOON + timedelta(minutes=5)),
            "Until 12:05 there is time for about 5 of 9 paintings; the others will wait.",
        ),
        (
            2, NightOptions(until=NOON + timedelta(days=2)),
            "2 paintings until 2026-11-25 12:00: about 23 h 59 min for each.",
        ),
    ],
)  # fmt: skip
def test_how_long_it_will_take(count: int, asked: NightOptions, told: str):
    assert estimate(count, asked, NOON) == told


def test_what_becomes_of_paintings_added_meanwhile():
    def told(asked: NightOptions) -> str:
        return joining(State((), True, Now("a", asked)), NOON)

    assert told(NightOptions(minutes_per_style=5)) == "What you add now is learned after the others, 5 min for each."
    assert told(NightOptions(until=NOON + timedelta(hours=1))) == "What you add now shares the time until 13:00."
    assert (
        told(NightOptions()) == joining(State((), True, None), NOON) == "What you add now is learned after the others."
    )


def test_photos_are_told_by_their_number():
    assert photos_note(None, 6).startswith("The 6 photos that come with scikit-image: fine for a try")
    assert photos_note(Path("/x"), 1) == "1 photo; a hundred or more make better styles."
    assert photos_note(Path("/x"), 100) == "100 photos."


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    monkeypatch.setenv("IMPASTO_TRAINING_DIR", str(tmp_path / "training"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path / "training"


@pytest.fixture
def tab(training: Path) -> Iterator[Any]:
    """The tab over an empty folder; what it starts is stopped at the end."""
    from train.page import Tab

    trainings, process = Trainings(training), NightProcess(training)
    with gr.Blocks(), gr.Tab("Train"):
        tab = Tab(trainings, process)
    yield tab
    process.stop()


def said(updates: dict[Any, Any], component: Any) -> str:
    return words(updates[component])


def times(minutes: float | None = 5.0) -> tuple[str, float | None, str]:
    return "minutes", minutes, "07:00"


def test_dropped_paintings_have_fields_and_keep_what_was_typed(tab: Any, tmp_path: Path):
    form = tab.form
    a, b, small, broken = (tmp_path / "up" / name for name in ("a_b.png", "b.png", "small.png", "broken.png"))
    for path, size in ((a, (128, 96)), (b, (128, 96)), (small, (400, 20))):
        picture(path, size=size)
    broken.write_text("no picture")
    taken = form.take([str(a), str(broken), str(small)], [], {})
    (first,) = taken[form.files]
    assert taken[form.drop] is None and taken[form.new]["value"] == {
        first: {"title": "A B", "artist": "", "license": ""}
    }
    told = said(taken, form.said)
    assert "broken.png is not a picture" in told and "small.png has 400x20 px, too few to learn from" in told
    assert str(tmp_path) not in told
    assert files_in(tmp_path / "up") == [b, Path(first)]  # what cannot be learned is not kept

    typed = {first: {"title": "Waves", "artist": "A. Painter", "license": "CC0", "x": "y"}, "/etc/passwd": {}}
    second = form.take([str(b)], [first], typed)[form.files][1]
    shown = form.take(None, [first, second], typed)[form.new]["value"]
    assert list(shown) == [first, second]
    assert shown[first] == {"title": "Waves", "artist": "A. Painter", "license": "CC0"}
    left = form.leave([first, second], typed, gr.EventData(None, {"painting": first}))
    assert left[form.files] == [second] and files_in(tmp_path / "up") == [Path(second)]
    left = form.leave([second], typed, gr.EventData(None, {"painting": __file__}))
    assert left[form.files] == [second] and Path(__file__).exists()


def test_visitors_who_drop_the_same_do_not_meet(tab: Any, tmp_path: Path):
    form = tab.form
    upload = tmp_path / "up" / "a.png"  # one for both
    (one,), (other,) = (form.take([str(picture(upload))], [], {})[form.files] for _ in range(2))
    form.leave([one], {}, gr.EventData(None, {"painting": one}))
    assert said(form.add(False, [other], {}, "", *times()), form.said) == "Added: A."
    assert files_in(tmp_path / "up") == []


def test_only_what_was_dropped_is_added(tab: Any, tmp_path: Path):
    form = tab.form
    other = picture(tmp_path / "other.png")
    files = form.take([str(picture(tmp_path / "up" / "a.png"))], [], {})[form.files]
    added = form.add(False, files, {str(other): {"title": "Other"}}, "", *times(None))
    assert said(added, form.said) == "Added: A." and added[form.files] == []
    assert [job.name for job in tab.trainings.look().jobs] == ["a"]
    assert files_in(tmp_path / "up") == [] and other.exists()
    assert not tab.trainings.look().at_work


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_cannot_be_done_is_one_line(tab: Any, tmp_path: Path):
    form = tab.form
    a = str(picture(tmp_path / "up" / "a.png"))
    for start, files, photos, time_given, reason in (
        (True, [], "", times(), "there is nothing to learn yet; drop a painting first"),
        (False, [], "", times(), "there is nothing to learn yet; drop a painting first"),
        (False, [a], str(tmp_path / "nowhere"), times(), "that is no folder of photos on this machine"),
        (True, [a], "", times(None), "the minutes for each painting must be a number"),
        (True, [a], "", ("until", 5, "soon"), "'soon' is no time"),
    ):
        updates = form.add(start, files, {}, photos, *time_given)
        assert list(updates) == [form.said] and said(updates, form.said).startswith(reason)
        assert 'role="alert"' in updates[form.said]
    assert not tab.trainings.folder.exists()
    form.add(False, [a], {}, "", *times())
    for wish, reason in (("remove", "there is no ../.. in "), ("retry", "no ../.. has failed in ")):
        assert words(tab.grant(gr.EventData(None, {"wish": wish, "name": "../.."}))).startswith(reason)


def test_only_what_has_changed_is_sent(tab: Any, tmp_path: Path):
    shown = tab.open([], *times())
    assert words(shown[tab.now]).startswith("Turn a painting into a style")
    assert shown[tab.halt]["visible"] is False and shown[tab.about_all]["visible"] is False
    again = tab.look(shown[tab.seen], [], *times())
    assert list(again) == [tab.seen]
    tab.trainings.add({picture(tmp_path / "a.png"): {}}, None)
    changed = tab.look(shown[tab.seen], [], *times())
    assert set(changed) == {tab.seen, tab.now, tab.list, tab.form.estimate}
    assert said(changed, tab.form.estimate).startswith("1 painting, 5 min for each")


def test_a_ledger_that_cannot_be_read_is_said(tab: Any):
    tab.trainings.folder.mkdir()
    (tab.trainings.folder / LEDGER).write_text("no ledger " * 99)
    assert "it is no ledger of Impasto, or is damaged" in said(tab.open([], *times()), tab.now)


def until(done: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def test_a_painting_is_learned_stopped_and_gone_on_with_when_its_starter_has_ended(
    tab: Any, training: Path, tmp_path: Path
):
    form = tab.form
    tab.trainings.add = partial(tab.trainings.add, options=QUICK)
    for name in ("photos/a.png", "photos/b.png", "up/waves.png"):
        picture(tmp_path / name)
    typed = {str(tmp_path / "up" / "waves.png"): {"title": "The Waves", "artist": "A. Painter", "license": "CC0-1.0"}}
    started = form.add(True, list(typed), typed, str(tmp_path / "photos"), *times())
    assert said(started, form.said) == "Added: The Waves."

    number = Ledger(training / LEDGER).worker()
    assert number and os.getsid(number) != os.getsid(0)  # closing a terminal does not reach it
    until(lambda: (state := tab.trainings.look()).report and state.report.step > 5)
    shown = tab.open([], *times())
    assert re.search(r"The Waves A\. Painter \d+% step \d+ ", said(shown, tab.now))
    assert shown[tab.halt]["visible"] and not shown[form.start]["visible"] and not shown[form.time]["visible"]
    assert said(shown, form.estimate) == "What you add now is learned after the others, 5 min for each."
    assert Words(shown[tab.strip]).all("img")[0]["src"] == strip(training / "waves" / "preview.png") != ""
    assert "is being worked on" in words(tab.grant(gr.EventData(None, {"wish": "remove", "name": "waves"})))

    stopping, stopped = tab.end()
    assert not stopping[tab.stop]["interactive"] and said(stopped, tab.told) == "Stopped. Start, and it goes on."
    until(lambda: not psutil.pid_exists(number))
    state = tab.trainings.look()
    assert [job.state for job in state.jobs] == ["waiting"] and not state.at_work
    steps = torch.load(training / "waves" / "state.ckpt", weights_only=True)["global_step"]
    assert steps > 5
    assert "The Waves was interrupted at about" in said(tab.open([], *times()), tab.now)

    code = (
        "import sys; from pathlib import Path; from train.night_process import NightProcess; "
        "from train.queue import NightOptions; NightProcess(Path(sys.argv[1])).start(NightOptions())"
    )
    subprocess.run([sys.executable, "-c", code, str(training)], check=True)  # a server that has ended since
    until(lambda: not tab.trainings.look().at_work)
    (done,) = tab.trainings.look().jobs
    assert done.state == "done" and done.result and done.result["steps"] == steps  # its steps had been done
    card = read_style(tmp_path / "styles" / "waves.onnx").card
    assert (card.title, card.paintings[0].artist, card.photos.count) == ("The Waves", "A. Painter", 2)
    shown = tab.open([], *times())
    assert "on the wall of the Paint tab" in said(shown, tab.list) and Words(shown[tab.list]).all("img")
    assert said(shown, tab.strip).startswith("Learned last The Waves A. Painter the photo strength 0.5 strength 1 ")
    assert "The Waves" in tab.show_report() and shown[tab.about_all]["visible"]
    assert form.recall()[form.photos] == str(tmp_path / "photos")
    curve = read_curve(training / "waves" / "metrics.csv")
    assert curve["step"][-1] >= 5 and draw_losses(State((), False, None), training) == ""

    assert (
        words(tab.grant(gr.EventData(None, {"wish": "remove", "name": "waves"}))) == "The Waves is taken off the list."
    )
    assert not (training / "waves").exists() and not list((training / "paintings").iterdir())
    assert (tmp_path / "styles" / "waves.onnx").is_file()
