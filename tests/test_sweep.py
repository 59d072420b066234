"""A sweep's parts: the plan, the promise, the choice of finals, one job, the queue from the gallery, the sheets."""

import dataclasses
import io
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from swept import enter, make_studio, names, painted, write_photo, write_style

from models.card import StyleCard
from models.catalog import find_style
from nst_core.errors import ConfigError, ImageError, ModelError, NstError
from nst_core.jobs import Ended
from nst_core.ledger import Ledger
from nst_core.picture import Picture, read_picture
from serve.paint_options import PaintOptions
from studio.sweep.choice import Proof, choose
from studio.sweep.contact import Contact
from studio.sweep.finals import FinalOptions, final_stem, order_finals, order_picks, queue_finals
from studio.sweep.job import SweepJob, perform
from studio.sweep.night import Night
from studio.sweep.plan import LEDGER, Settings, photo_files, plan_proofs, style_files, suffix
from studio.sweep.process import LOG, SweepProcess
from studio.sweep.promise import Promise
from studio.sweep.sheets import Cell, Sheet, write_pages
from studio.sweep.sweep import Sweep
from studio.sweep.workers import LocalWorkers, local_workers
from studio.sweep.workshop import Workshop


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(make_studio(tmp_path), monkeypatch)
    return tmp_path


def planned(folder: Path, *options: PaintOptions) -> list[SweepJob]:
    photos = [photo for photo in photo_files(sorted(Path("photos").glob("*.png"))) if not isinstance(photo, str)]
    styles = style_files([find_style("sun"), find_style("moon"), find_style("sun")])
    return list(plan_proofs(photos, styles, options or [PaintOptions(64)], Ledger(folder / LEDGER)))


def test_settings_are_each_with_each_and_none_twice():
    options = Settings((0.5, 1.0, 0.5), (2.0,), ("painting", "photo")).options()
    assert [(o.strength, o.brush_size, o.color, o.size) for o in options] == [
        (0.5, 2.0, "painting", 512), (0.5, 2.0, "photo", 512), (1.0, 2.0, "painting", 512), (1.0, 2.0, "photo", 512),
    ]  # fmt: skip
    assert [suffix(o) for o in options] == [
        "-strength0.5-brush2",
        "-strength0.5-brush2-photo",
        "-brush2",
        "-brush2-photo",
    ]


def test_a_job_survives_json_and_its_digest_knows_no_paths(folder: Path):
    job = planned(folder, PaintOptions(64, weights=(1.0, 2.0)))[0]
    assert SweepJob.from_spec(json.loads(json.dumps(job.spec()))) == job
    moved = dataclasses.replace(job, out="other.png", photo=dataclasses.replace(job.photo, path="/elsewhere.png"))
    assert moved.digest == job.digest
    changes = [{"kind": "final"}, {"how": "optimize"}, {"upscale": 2}, {"options": PaintOptions(65)}]
    assert len({job.digest, *(dataclasses.replace(job, **change).digest for change in changes)}) == 5
    with pytest.raises(NstError, match="another version of Impasto"):
        SweepJob.from_spec(job.spec() | {"format": 2})


def test_names_are_free_and_stay(folder: Path):
    write_photo(folder / "photos" / "a" / "photo0.png", 3)
    write_style(folder / "styles" / "Sun.onnx", 8)
    first = planned(folder)
    assert [job.out for job in first] == [f"proofs/photo{i}-{style}.png" for i in (0, 1) for style in ("sun", "moon")]
    ledger = Ledger(folder / LEDGER)
    ledger.add_all((job.out, job.spec()) for job in first)
    photos = [
        p for p in photo_files([Path("photos/a/photo0.png"), Path("photos/photo0.png")]) if not isinstance(p, str)
    ]
    again = list(plan_proofs(photos, style_files([find_style("Sun"), find_style("sun")]), [PaintOptions(64)], ledger))
    assert [job.out for job in again] == [f"proofs/photo0-{name}.png" for name in ("Sun_2", "sun_3", "Sun_4", "sun")]


def test_a_photo_that_cannot_be_read_is_told(folder: Path):
    found = photo_files([Path("photos/photo0.png"), Path("gone.png")])
    assert not isinstance(found[0], str) and found[1] == "gone.png cannot be read: No such file or directory"


def test_a_job_done_twice_is_painted_once(folder: Path):
    (job, *_), workshop = planned(folder), Workshop("cpu")
    record = perform(job, folder, workshop)
    file = folder / job.out
    before, when = file.read_bytes(), file.stat().st_mtime_ns
    again = perform(job, folder, workshop)
    assert (again["size"], again["promise"]) == (record["size"], record["promise"]) == ([64, 43], record["promise"])
    assert file.stat().st_mtime_ns == when
    file.unlink()
    perform(job, folder, Workshop("cpu"))  # elsewhere, later
    assert np.array_equal(read_picture(file).pixels, np.asarray(Image.open(io.BytesIO(before))))
    file.write_bytes(before[:-100])  # cut off by another program: its beginning still tells what it is
    other = dataclasses.replace(job, options=PaintOptions(48))
    assert perform(other, folder, workshop)["size"] == [48, 32]


def test_a_photo_or_style_other_than_planned_is_not_painted(folder: Path):
    (job, *_), workshop = planned(folder), Workshop("cpu")
    write_photo(folder / "photos" / "photo0.png", 4)
    with pytest.raises(ImageError, match=r"photo0\.png has changed since the sweep was planned; run the same command"):
        perform(job, folder, workshop)
    write_style(folder / "styles" / "sun.onnx", 4)
    with pytest.raises(ModelError, match=r"sun\.onnx has changed since the sweep was planned"):
        perform(job, folder, Workshop("cpu"))
    assert not (folder / job.out).exists()


def test_promise_falls_with_forms_colors_and_contrast(folder: Path):
    style, options = find_style("sun"), PaintOptions()
    photo = read_picture("photos/photo0.png")
    mean, covariance = style.card.palette((1.0,))
    random = np.random.default_rng(0)

    def colored(pixels: np.ndarray) -> Picture:
        """With the mean and covariance of the painting's colors."""
        flat = pixels.reshape(-1, 3) - pixels.reshape(-1, 3).mean(0)
        white = flat @ np.linalg.inv(np.linalg.cholesky(np.cov(flat.T))).T
        return Picture.from_float((white @ np.linalg.cholesky(covariance).T + mean).reshape(pixels.shape).astype("f4"))

    good = Promise.of(colored(photo.as_float()), photo, style, options)
    assert good.forms > 0.7 and good.colors is not None and good.colors > 0.8
    noise = Promise.of(colored(random.random((64, 96, 3))), photo, style, options)
    assert noise.forms < 0.2 and noise.value < good.value
    pale = Picture.from_float(0.5 + 0.02 * (photo.as_float() - 0.5))
    promised = Promise.of(pale, photo, style, options)
    assert promised.contrast < 0.05 and promised.value < good.value
    off = Promise.of(Picture.from_float(colored(photo.as_float()).as_float()[..., ::-1] ** 4), photo, style, options)
    assert off.colors is not None and off.colors < good.colors
    soft = dataclasses.replace(style, card=softened(style.card))  # a painting with little contrast asks for little
    assert Promise.of(pale, photo, soft, options).contrast > 2 * Promise.of(pale, photo, style, options).contrast
    kept = Promise.of(photo, photo, style, PaintOptions(color="photo"))
    assert kept.colors is None and kept.value == pytest.approx(np.sqrt(kept.forms * kept.contrast), abs=1e-3)
    assert min(noise.value, promised.value, off.value) >= 0 and max(good.value, kept.value) <= 1


def softened(card: StyleCard) -> StyleCard:
    """With a tenth of the painting's contrasts."""
    (painting,) = card.paintings
    covariance = tuple(tuple(value / 100 for value in row) for row in painting.color_covariance)
    return dataclasses.replace(card, paintings=(dataclasses.replace(painting, color_covariance=covariance),))


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


def test_of_very_many_sheets_the_best_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("studio.sweep.contact.MOST_PAGES", 5)
    proofs = [
        Proof(f"proofs/p{photo}-s{style}.png", f"/p{photo}.jpg", f"/s{style}", (photo + style / 10) / 50, f"s{style}")
        for photo in range(40)
        for style in range(3)
    ]
    sheets = Contact(tmp_path, proofs, {"proofs/p7-s0.png": "starred"}).sheets()
    assert [sheet.name for sheet in sheets] == ["style-s0", "style-s2", "style-s1", "photo-p7", "photo-p39"]
    assert all(len(sheet.pages()) == 1 for sheet in sheets)
    assert sheets[0].title == "s0: the best 36 of 40" and sheets[3].title == "p7.jpg: the best 3 of 3"
    assert {cell.label for cell in sheets[1].cells} == {f"p{photo}" for photo in range(4, 40)}
    assert "p7 ★" in {cell.label for cell in sheets[0].cells}


def test_a_style_that_promises_most_everywhere_leaves_room_for_others():
    proofs = [
        Proof(f"{photo}{style}", photo, style, {"1": 0.9, "2": 0.85}[style]) for photo in "abcd" for style in "12"
    ]
    # 0.9 * 0.95 = 0.855 is still more than 0.85 the second time; 0.812 the third time is not.
    assert choose(proofs, {}, 4) == ["a1", "b1", "c2", "d1"]


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
    until = time.monotonic() + 60
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


def jobs_of(folder: Path, count: int) -> Ledger:
    ledger, job = Ledger(folder / LEDGER), planned(folder)[0]
    ledger.add_all((f"{i}.png", dataclasses.replace(job, out=f"{i}.png").spec()) for i in range(count))
    return ledger


def test_a_fault_of_one_job_stops_no_other(folder: Path):
    ledger = jobs_of(folder, 6)
    faults = {"1.png": ValueError("odd"), "3.png": ImageError("broken"), "4.png": MemoryError()}

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out in faults:
            raise faults[job.out]
        return {"seconds": 0.1, "size": [4, 3]}

    events = {event.job.out: event for event in Night(ledger, LocalWorkers(work, cores=2)).events()}
    assert {name: event.reason for name, event in events.items() if event.reason} == {
        "1.png": "a fault of ours (ValueError: odd)",
        "3.png": "broken",
        "4.png": "not enough memory; try a smaller --size or --memory-limit",
    }
    assert ledger.counts() == {"waiting": 0, "running": 0, "done": 3, "failed": 3}


def test_what_no_job_would_survive_ends_it_and_nothing_is_lost(folder: Path):
    ledger = jobs_of(folder, 20)

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out == "5.png":
            raise NstError("cannot write 5.png in there: the disk is full")
        return {"seconds": 0.1, "size": [4, 3]}

    with pytest.raises(NstError, match="the disk is full"):
        list(Night(ledger, LocalWorkers(work, cores=2)).events())
    counts = ledger.counts()
    assert (counts["running"], counts["failed"]) == (0, 0) and counts["done"] >= 4
    assert ledger.worker() is None


def test_to_stop_looping_is_to_stop_what_is_painted(folder: Path):
    ledger, begun = jobs_of(folder, 20), threading.Event()

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out != "0.png":
            begun.set()
            while True:
                tell(0.5)
                time.sleep(0.01)
        begun.wait()
        return {"seconds": 0.1, "size": [4, 3]}

    events = Night(ledger, LocalWorkers(work, cores=2)).events()
    assert next(events).job.out == "0.png"
    events.close()
    assert ledger.counts() == {"waiting": 19, "running": 0, "done": 1, "failed": 0}


def test_what_takes_longer_than_the_night_waits_again(folder: Path):
    ledger, now = jobs_of(folder, 8), [datetime(2026, 1, 1, tzinfo=UTC)]

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out == "2.png":
            now[0] += timedelta(minutes=20)
            tell(0.5)
        return {"seconds": 0.1, "size": [4, 3]}

    workers = LocalWorkers(work, 1, until=now[0] + timedelta(minutes=10), clock=lambda: now[0])
    done = [event.job.out for event in Night(ledger, workers).events()]
    assert workers.out_of_time and "2.png" not in done and len(done) <= 4
    counts = ledger.counts()
    assert counts["running"] == counts["failed"] == 0 and counts["waiting"] == 8 - len(done)


def test_sheets_are_cut_into_pages_that_can_be_read(tmp_path: Path):
    paths = []
    for number, size in enumerate([(300, 200), (200, 300)]):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", size, (200, 30 * number, 0)).save(paths[-1])
    cells = [Cell(f"style {i}", paths[i % 2]) for i in range(99)] + [Cell("lost", tmp_path / "lost.png")]
    found = {page.name: page.drawn() for page in Sheet("photo-cat", "cat.jpg: 100 proofs", cells).pages()}
    assert list(found) == ["photo-cat-1", "photo-cat-2", "photo-cat-3"]
    assert all(page.width == 1634 and page.height < 2000 for page in found.values())
    reds = [int((np.asarray(page)[..., :2] == (200, 0)).all(2).sum()) for page in found.values()]
    assert reds[0] == 17 * 256 * 171  # half of 34, each as wide as its cell
    (one,) = Sheet("style-sun", "sun: 1 photo", cells[:1]).pages()
    assert one.name == "style-sun" and one.drawn().width < 900


def test_a_sheet_that_has_not_changed_is_left_and_one_that_is_no_more_goes(tmp_path: Path):
    for number in range(2):
        Image.new("RGB", (30, 20), (200, 30 * number, 0)).save(tmp_path / f"{number}.png")
    folder = tmp_path / "sheets"

    def write(*sheets: Sheet) -> dict[str, int]:
        list(write_pages(folder, [page for sheet in sheets for page in sheet.pages()]))
        return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    sheets = [Sheet(str(i), "title", [Cell("sun", tmp_path / f"{i}.png")]) for i in range(2)]
    first = write(*sheets)
    assert write(*sheets) == first and list(first) == ["0.png", "1.png"]
    Image.new("RGB", (30, 20)).save(tmp_path / "0.png")
    second = write(*sheets)
    assert second["0.png"] > first["0.png"] and second["1.png"] == first["1.png"]
    marked = dataclasses.replace(sheets[0], cells=[dataclasses.replace(sheets[0].cells[0], label="sun ★")])
    third = write(marked)
    assert list(third) == ["0.png"] and third["0.png"] > second["0.png"]


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


def test_planning_ten_thousand_again_and_ordering_their_finals_takes_seconds(folder: Path):
    photo, style = planned(folder)[0].photo, planned(folder)[0].style
    photos = [dataclasses.replace(photo, path=f"/photos/{i}.jpg") for i in range(100)]
    styles = [dataclasses.replace(style, name=f"s{i}", path=f"/styles/s{i}.onnx") for i in range(100)]
    sweep, began = Sweep(folder / "sweep", FinalOptions(), dict), time.monotonic()
    assert sweep.plan(photos, styles, Settings()) == sweep.plan(photos, styles, Settings()) == 10_000
    assert sweep.ledger.counts("proofs/*")["waiting"] == 10_000
    with sweep.ledger.working():
        sweep.ledger.release_all(Ended(job.id, 0.0, {"promise": 0.5}) for job in sweep.ledger.settle([], claim=10_000))
    order_finals(sweep.ledger, FinalOptions(), {})
    assert sweep.ledger.counts() == {"waiting": 10_000, "running": 0, "done": 10_000, "failed": 0}
    assert time.monotonic() - began < 20


def test_no_module_of_a_fast_sweep_imports_torch():
    code = (
        "import sys, studio.sweep.sweep, studio.sweep.process, studio.sweep.finals, studio.sweep.job; "
        "print({'torch', 'onnx', 'matplotlib'} & sys.modules.keys())"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=dict(os.environ))
    assert done.stdout == "set()\n", done.stderr
