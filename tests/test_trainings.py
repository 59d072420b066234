"""The page's trainings without the page: the queue, the process that works on it, and what may be asked for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_style import write_toy_style

from nst_core.errors import ConfigError, ImageError, NstError
from nst_core.ledger import Ledger
from train.night.queue import NightOptions
from train.night.work import LEDGER, Now, command, main, read_now, write_now
from train.page import wishes as wishes_module
from train.page.night_process import NightProcess
from train.page.trainings import State, Trainings
from train.page.wishes import Wishes, choose_photos, read_wishes, write_wishes
from train.style.progress import Report

NOON = datetime(2026, 11, 23, 12, 0).astimezone()
REPORT = Report(7, 10, 3.5, 0.7, {"style": 0.5})


@pytest.fixture(autouse=True)
def styles_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    return tmp_path / "styles"


@pytest.fixture
def trainings(tmp_path: Path) -> Trainings:
    return Trainings(tmp_path / "training")


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8))
    coarse.resize((128, 96), Image.Resampling.BICUBIC).save(path)
    return path


def until(done: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def names(trainings: Trainings) -> list[str]:
    return [job.name for job in trainings.look().jobs]


def test_added_paintings_outlive_the_files_that_were_dropped(trainings: Trainings, tmp_path: Path):
    waves, night = picture(tmp_path / "up" / "waves.png"), picture(tmp_path / "up" / "the night.jpg", 1)
    content = waves.read_bytes()
    jobs = trainings.add({waves: {"title": "The Waves", "artist": "A. Painter", "license": "CC0-1.0"}, night: {}}, None)
    waves.unlink()
    assert [job.name for job in jobs] == ["waves", "the_night"] and list(trainings.look().jobs) == jobs
    (painting,) = jobs[0].spec["paintings"]
    assert (painting["title"], painting["artist"], painting["license"]) == ("The Waves", "A. Painter", "CC0-1.0")
    assert Path(painting["path"]) == trainings.folder / "paintings" / "waves.png"
    assert Path(painting["path"]).read_bytes() == content
    assert jobs[1].spec["paintings"][0]["artist"] == "unknown"
    assert jobs[0].spec["output"] == str(tmp_path / "styles" / "waves.onnx")
    assert jobs[0].spec["photos"] is None
    assert jobs[0].spec["base"].endswith("base/swift.safetensors")


def test_nothing_is_replaced_by_a_painting_of_the_same_name(trainings: Trainings, styles_folder: Path, tmp_path: Path):
    write_toy_style(styles_folder / "mine.onnx")
    for name in ("waves", "WAVES", "mine", "udnie", "paintings", "ledger.sqlite", "x" * 90):
        trainings.add({picture(tmp_path / "up" / f"{name}.png"): {}}, None)
    trainings.add({picture(tmp_path / "up" / "waves.jpg"): {}}, None)
    assert names(trainings) == [
        "waves", "WAVES_2", "mine_2", "udnie_2", "paintings_2", "ledger.sqlite_2", "x" * 60, "waves_3"
    ]  # fmt: skip


def test_with_a_painting_that_cannot_be_read_none_is_added(trainings: Trainings, tmp_path: Path):
    broken = tmp_path / "up" / "broken.png"
    good = picture(tmp_path / "up" / "good.png")
    broken.write_text("no picture")
    with pytest.raises(ImageError, match=r"^broken\.png is not a picture"):
        trainings.add({good: {}, broken: {}}, None)
    assert names(trainings) == [] and not trainings.folder.exists()


def test_removing_deletes_what_belongs_to_it_but_no_style(trainings: Trainings, styles_folder: Path, tmp_path: Path):
    for name in ("waves", "night"):
        trainings.add({picture(tmp_path / "up" / f"{name}.png"): {}}, None)
        (trainings.folder / name).mkdir()
        (trainings.folder / name / "state.ckpt").touch()
    write_toy_style(styles_folder / "waves.onnx")
    assert trainings.remove("waves").name == "waves"
    assert names(trainings) == ["night"]
    assert sorted(path.name for path in trainings.folder.glob("**/*.*")) == [
        "ledger.sqlite", "night.png", "state.ckpt"
    ]  # fmt: skip
    assert (styles_folder / "waves.onnx").is_file()
    with pytest.raises(ConfigError, match="there is no waves"):
        trainings.remove("waves")


def test_what_was_begun_waits_in_front_and_what_was_cut_off_is_among_it(trainings: Trainings, tmp_path: Path):
    for name in "abc":
        trainings.add({picture(tmp_path / "up" / f"{name}.png"): {}}, None)
    ledger = Ledger(trainings.folder / LEDGER)
    with ledger.working():
        job = ledger.claim()
        assert job
        write_now(trainings.folder, Now("a", NightOptions(), REPORT))
        state = trainings.look()
        assert state.at_work and state.current and (state.current.name, state.report) == ("a", REPORT)
        assert [job.name for job in state.waiting] == ["b", "c"]
        write_now(trainings.folder, Now("b", NightOptions(), REPORT))  # of another one
        assert trainings.look().report is None
        with pytest.raises(ConfigError, match="a is being worked on; stop that first"):
            trainings.remove("a")
    state = trainings.look()
    assert [job.state for job in state.jobs] == ["running", "waiting", "waiting"]  # as after a power cut
    assert (state.at_work, state.current, [job.name for job in state.waiting]) == (False, None, ["a", "b", "c"])
    trainings.remove("a")
    assert names(trainings) == ["b", "c"]


def test_now_is_read_as_it_was_told(tmp_path: Path):
    now = Now("waves", NightOptions(NOON, 2.5), REPORT, NOON + timedelta(hours=1), "the disk is full")
    write_now(tmp_path, now)
    assert read_now(tmp_path) == now
    for text in ("", "{}", "[]", '{"job": 1}', '{"job": "a", "asked": {"x": 1}, "report": null, "ends": null}'):
        (tmp_path / "now.json").write_text(text)
        assert read_now(tmp_path) is None
    write_now(tmp_path / "now.json" / "below", now)  # cannot be written, and says nothing


SLEEPER = """
import sys, time
from pathlib import Path
from nst_core.ledger import Ledger
with Ledger(Path(sys.argv[1]) / "ledger.sqlite").working():
    time.sleep(120)
"""


def sleeper(folder: Path, asked: NightOptions) -> list[str]:
    words = [sys.executable, "-c", SLEEPER, str(folder)]
    return [*words, str(asked.minutes_per_style)] if asked.minutes_per_style else words


@pytest.fixture
def process(tmp_path: Path) -> Iterator[NightProcess]:
    """One that works on the ledger for two minutes, unless it is stopped."""
    process = NightProcess(tmp_path / "training", sleeper)
    yield process
    process.stop()


def test_one_process_at_a_time_which_any_server_can_stop(process: NightProcess):
    ledger = Ledger(process.folder / LEDGER)
    process.start(NightOptions(minutes_per_style=3))
    number = ledger.worker()
    assert number and os.getsid(number) == number != os.getsid(0)
    process.start(NightOptions())
    NightProcess(process.folder, sleeper).start(NightOptions())
    assert ledger.worker() == number
    NightProcess(process.folder, sleeper).stop()
    assert ledger.worker() is None
    process.stop()  # there is none: nothing to do


def test_another_programs_process_is_left_alone(process: NightProcess):
    process.start(NightOptions())
    number = Ledger(process.folder / LEDGER).worker()
    with pytest.raises(ConfigError, match=f"another program \\(process {number}\\); stop it where it was started"):
        NightProcess(process.folder).stop()
    assert Ledger(process.folder / LEDGER).worker() == number


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([sys.executable, "-c", "import sys; print('first'); sys.exit('no room\\n')"], "could not be started: no room"),
        (["/nowhere/python"], "cannot be started in .*No such file"),
    ],
)
def test_a_process_that_does_not_start_says_why(tmp_path: Path, words: list[str], reason: str):
    with pytest.raises(NstError, match=reason):
        NightProcess(tmp_path, lambda *_: words).start(NightOptions())


def test_the_process_understands_what_it_is_started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[NightOptions] = []
    monkeypatch.setattr(
        "train.night.work.work", lambda folder, ledger, options, learners: asked.append(options) or iter(())
    )
    monkeypatch.setattr("os.nice", lambda by: by)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        for options in (NightOptions(), NightOptions(NOON), NightOptions(minutes_per_style=2.5)):
            assert main(command(tmp_path, options)[3:]) == 0
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert asked == [NightOptions(), NightOptions(NOON), NightOptions(minutes_per_style=2.5)]


def test_a_night_that_cannot_work_ends_with_a_line(tmp_path: Path):
    with Ledger(tmp_path / LEDGER).working():
        ended = subprocess.run(command(tmp_path, NightOptions()), capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and "another impasto train is at work" in ended.stderr


def test_wishes_are_remembered(tmp_path: Path):
    assert read_wishes(tmp_path) == Wishes() == Wishes("", "minutes", 5.0, "07:00")
    asked = Wishes("/photos", "until", None, "06:30")
    write_wishes(tmp_path, asked)
    assert read_wishes(tmp_path) == asked
    (tmp_path / "wishes.json").write_text("{}")
    assert read_wishes(tmp_path) == Wishes()


def test_wishes_make_a_night():
    assert Wishes(minutes=2.5).options(NOON) == NightOptions(minutes_per_style=2.5)
    night = Wishes(timing="until", until="2026-11-24 07:00").options(NOON)
    assert night == NightOptions(until=datetime(2026, 11, 24, 7, 0).astimezone())


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (Wishes(minutes=None), "the minutes for each painting must be a number from 0.5 to 10000"),
        (Wishes(minutes=0.1), "the minutes for each painting must be a number from 0.5 to 10000"),
        (Wishes(minutes=float("nan")), "the minutes for each painting must be a number from 0.5 to 10000"),
        (Wishes(timing="until", until="soon"), "'soon' is no time; give one like 07:00"),
        (Wishes(timing="until", until="2020-01-01 07:00"), "2020-01-01 07:00 is past"),
        (Wishes(timing="until", until="12:00:30"), "'12:00:30' is no time"),
    ],
)
def test_wishes_that_make_no_night(asked: Wishes, reason: str):
    with pytest.raises(ConfigError) as caught:
        asked.options(NOON)
    assert str(caught.value).startswith(reason)


def test_a_night_too_short_for_one_painting():
    with pytest.raises(ConfigError, match="until 12:00 there is no time for even one; give a later time"):
        Wishes(timing="until", until="12:00").options(NOON - timedelta(seconds=59))


def test_photos_are_counted_with_those_in_subfolders(tmp_path: Path):
    for name in ("a.png", "sub/b.jpg", "sub/.hidden.png", ".hidden/c.png"):
        picture(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").touch()
    (tmp_path / "photos" / "aa_broken.png").touch()
    assert choose_photos(f" {tmp_path / 'photos'} ") == (tmp_path / "photos", 3)
    assert choose_photos("  ") == (None, 6)


def test_photos_are_counted_as_long_as_somebody_may_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.png", "b/c.png", "d/e.png"):
        picture(tmp_path / name)
    monkeypatch.setattr(wishes_module, "COUNT_S", -1)
    assert choose_photos(str(tmp_path)) == (tmp_path, 1)


def test_of_other_paths_no_more_is_told_than_that_they_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    picture(tmp_path / "here" / "a.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("secret.png", "broken/secret.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no picture")
    told = set()
    for path in ("nowhere", "empty", "secret.png", "broken", "a\0b", "x" * 5000):
        with pytest.raises(ConfigError) as caught:
            choose_photos(str(tmp_path / path))
        told.add(str(caught.value))
    with pytest.raises(ConfigError) as caught:
        choose_photos("here")
    told.add(str(caught.value))
    assert told == {"that is no folder of photos on this machine; give its full path, like /home/me/photos"}


def test_state_of_an_empty_folder(trainings: Trainings):
    assert trainings.look() == State((), False, None)
    assert not trainings.folder.exists()
