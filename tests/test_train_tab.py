"""The Train tab without a browser: what its buttons do, down to a painting that is learned."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from train_page_parts import Words, picture, words

from models.catalog import read_style
from nst_core.ledger import Ledger
from train.night.loss_curve import read_curve
from train.night.work import LEDGER
from train.page.night_process import NightProcess
from train.page.pictures import strip
from train.page.trainings import State, Trainings
from train.page.view import draw_losses
from train.style.options import StyleOptions

gr = pytest.importorskip("gradio", reason="the page needs gradio")

QUICK = StyleOptions(steps=2, crop_px=64, batch_size=1, size=128)


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    monkeypatch.setenv("IMPASTO_TRAINING_DIR", str(tmp_path / "training"))
    return tmp_path / "training"


@pytest.fixture
def tab(training: Path) -> Iterator[Any]:
    """The tab over an empty folder; what it starts is stopped at the end."""
    from train.page.tab import Tab

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
        "import sys; from pathlib import Path; from train.page.night_process import NightProcess; "
        "from train.night.queue import NightOptions; NightProcess(Path(sys.argv[1])).start(NightOptions())"
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
