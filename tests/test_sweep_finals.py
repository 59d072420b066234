"""Which proofs of a sweep are finished, in which order, and under which names; what the gallery queues."""

import dataclasses
import time
from pathlib import Path

import pytest
from swept import enter, make_studio, names, painted, planned

from models.catalog import find_style
from nst_core.errors import ConfigError, NstError
from nst_core.ledger import Ledger
from nst_core.picture import read_picture
from studio.sweep.choice import Proof, choose
from studio.sweep.finals import FinalOptions, final_stem, order_finals, order_picks, queue_finals
from studio.sweep.plan import LEDGER, Settings, photo_files, style_files
from studio.sweep.process import LOG, SweepProcess
from studio.sweep.sweep import Sweep
from studio.sweep.workers import local_workers
from studio.sweep.workshop import Workshop


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(make_studio(tmp_path), monkeypatch)
    return tmp_path


PROOFS = [
    Proof("a1", "a", "1", 0.9), Proof("a2", "a", "2", 0.8), Proof("a3", "a", "3", 0.7),
    Proof("b1", "b", "1", 0.6), Proof("b2", "b", "2", 0.5), Proof("b3", "b", "3", 0.1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ratings", "which", "chosen"),
    [
        ({}, "all", ["a1", "b1", "a2", "b2", "a3", "b3"]),
        ({}, 3, ["a1", "b1", "a2"]),
        ({}, "none", []),
        ({}, "picked", []),
        ({"b3": "starred", "a3": "kept", "a1": "rejected", "x": "starred"}, "picked", ["b3", "a3"]),
        ({"b3": "starred", "a3": "kept", "a1": "rejected"}, "all", ["b3", "a3", "a2", "b1", "b2"]),
    ],
)
def test_picks_come_first_then_promise_and_photos_and_styles_take_turns(ratings, which, chosen):
    assert choose(PROOFS, ratings, which) == chosen


def test_a_style_that_promises_most_everywhere_leaves_room_for_others():
    proofs = [
        Proof(f"{photo}{style}", photo, style, {"1": 0.9, "2": 0.85}[style]) for photo in "abcd" for style in "12"
    ]
    # 0.9 * 0.95 = 0.855 is still more than 0.85 the second time; 0.812 the third time is not.
    assert choose(proofs, {}, 4) == ["a1", "b1", "c2", "d1"]


def queued(folder: Path) -> Ledger:
    """Four proofs that are painted, photo0-sun before photo0-moon before those of photo1."""
    ledger = Ledger(folder / LEDGER)
    ledger.add_all((job.out, job.spec()) for job in planned(folder))
    with ledger.working():
        for job in ledger.settle([], claim=4):
            promise = 0.5 + 0.2 * ("photo0" in job.name) + 0.1 * ("sun" in job.name)
            ledger.finish(job.id, {"promise": promise}, 1.0)
    return ledger


def waiting(ledger: Ledger) -> list[str]:
    return [job.name.removesuffix(".png") for job in ledger.each("waiting")]


def test_finals_are_queued_by_promise_and_what_is_not_chosen_any_more_goes(folder: Path):
    ledger = queued(folder)
    assert order_finals(ledger, FinalOptions(), {}) == ""
    assert waiting(ledger) == ["photo0-sun", "photo1-sun", "photo0-moon", "photo1-moon"]
    picked = {"proofs/photo1-moon.png": "starred", "proofs/photo0-sun.png": "rejected"}
    order_finals(ledger, FinalOptions(), picked)
    assert waiting(ledger) == ["photo1-moon", "photo0-moon", "photo1-sun"]
    order_finals(ledger, FinalOptions(size=80, which=1), {})
    assert waiting(ledger) == ["photo0-sun"], "what was not begun is made as large as is wanted now"
    assert [job.spec["options"]["size"] for job in ledger.each("waiting")] == [80]


def test_picks_that_change_while_finals_are_painted_come_first(folder: Path):
    ledger, options = queued(folder), FinalOptions()
    order_finals(ledger, options, {})
    starred = {"proofs/photo1-moon.png": "starred", "proofs/photo0-moon.png": "kept"}
    order_picks(ledger, options, starred, {})
    assert waiting(ledger) == ["photo1-moon", "photo0-moon", "photo0-sun", "photo1-sun"]
    rejected = {"proofs/photo0-moon.png": "starred", "proofs/photo0-sun.png": "rejected"}
    order_picks(ledger, options, rejected, starred)
    assert waiting(ledger) == ["photo0-moon", "photo1-sun", "photo1-moon"], "what is not picked any more is last"
    order_picks(ledger, options, {}, rejected)
    assert waiting(ledger) == ["photo1-sun", "photo1-moon", "photo0-sun", "photo0-moon"]


def test_a_final_of_another_size_has_a_name_of_its_own(folder: Path):
    ledger = queued(folder)
    order_finals(ledger, FinalOptions(size=80, which=1), {})
    with ledger.working():
        (job,) = ledger.settle([], claim=1)
        ledger.finish(job.id, {}, 1.0)
    names = []
    for options in (FinalOptions(size=80, upscale=2), FinalOptions(), FinalOptions(upscale=4), FinalOptions(size=90)):
        told = order_finals(ledger, dataclasses.replace(options, which=1), {})
        names += waiting(ledger)
        assert told == (
            f"photo0-sun.png is there in another size and stays; the new one is {names[-1]}.png, and so are others"
        )
    assert names == ["photo0-sun-2x", "photo0-sun-original", "photo0-sun-original-4x", "photo0-sun-90px"]
    assert {final_stem(f"{name}.png") for name in names} == {final_stem("proofs/photo0-sun.png")} == {"photo0-sun"}
    assert order_finals(ledger, FinalOptions(size=80, which=1), {}) == "" and waiting(ledger) == []


def test_the_gallery_queues_finals_that_a_process_of_its_own_paints(folder: Path):
    sweep = Sweep(folder / "sweep", FinalOptions(which="none"), dict)
    photos = [photo for photo in photo_files([Path("photos/photo0.png")]) if not isinstance(photo, str)]
    sweep.plan(photos, style_files([find_style("sun"), find_style("moon")]), Settings())
    assert list(sweep.work(local_workers(sweep.folder, Workshop("cpu"))))
    proofs = names(sweep.folder)
    assert queue_finals(sweep.folder, [proofs[1], proofs[0], proofs[1]], FinalOptions(size=80)) == 2
    assert [job.name for job in sweep.ledger.each("waiting")] == ["photo0-sun.png", "photo0-moon.png"]
    with pytest.raises(ConfigError, match=r"proofs/x\.png is no proof of the sweep in .*; sweep its photo first"):
        queue_finals(sweep.folder, ["proofs/x.png"])
    assert queue_finals(sweep.folder, [proofs[0]]) == 1  # as large as the photo, beside the one of 80 px
    process = SweepProcess(sweep.folder)
    process.start()
    until = time.monotonic() + 180
    while sweep.ledger.counts()["done"] < 5 or sweep.ledger.worker():
        assert time.monotonic() < until, (sweep.folder / LOG).read_text()
        time.sleep(0.05)
    assert names(sweep.folder) == ["photo0-moon-original.png", "photo0-moon.png", "photo0-sun.png", *proofs]
    sizes = [read_picture(sweep.folder / name).width for name in ("photo0-moon-original.png", "photo0-moon.png")]
    assert sizes == [96, 80]
    assert "photo0-sun.png: done" in (sweep.folder / LOG).read_text()
    process.stop()  # nothing is at work


def test_a_process_in_a_folder_without_a_sweep_says_so(tmp_path: Path):
    with pytest.raises(ConfigError, match="is no proof of the sweep"):
        queue_finals(tmp_path, ["proofs/x.png"])
    (tmp_path / LEDGER).write_bytes(b"no ledger" * 100)
    with pytest.raises(NstError, match=r"sweeping could not be started: .*no ledger of Impasto"):
        SweepProcess(tmp_path).start()


def test_the_optimizer_finishes_proofs_too(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from compared_style import write_compared_style, write_network

    from nst_core import features

    network_file = write_network(tmp_path / "compact.safetensors")
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    painting = read_picture("photos/photo1.png")
    write_compared_style(folder / "styles" / "waves.onnx", [painting], features.load_network("compact"))
    sweep = Sweep(folder / "sweep", FinalOptions(how="both", size=48), dict)
    photos = [photo for photo in photo_files([Path("photos/photo0.png")]) if not isinstance(photo, str)]
    sweep.plan(photos, style_files([find_style("waves")]), Settings())
    events = sweep.work(local_workers(sweep.folder, Workshop("cpu")))
    assert all(getattr(event, "reason", None) is None for event in events)
    found = painted(sweep.folder)
    assert list(found) == ["photo0-waves-optimized.png", "photo0-waves.png", "proofs/photo0-waves.png"]
    settings = found["photo0-waves-optimized.png"][1]
    assert settings["command"] == "optimize" and settings["options"]["size"] == 48
    assert settings["loss_network"]["name"] == "compact" and settings["style"]["name"] == "waves"
    assert found["photo0-waves-optimized.png"][0] != found["photo0-waves.png"][0]
