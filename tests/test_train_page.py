"""The Train tab without a browser: what it says."""

import base64
import io
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from train_page_parts import NASTY, NOON, Words, job, picture, words

from nst_core.jobs import Job
from serve.page_words import note
from train.night.queue import NightOptions
from train.night.work import Now
from train.page.pictures import sample, strip
from train.page.trainings import State
from train.page.view import MOST_SHOWN, draw_list, draw_new, draw_now, draw_report, draw_strip
from train.page.words import estimate, joining, photos_note
from train.style.progress import Report


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
