"""`impasto sweep`, as it is typed."""

import errno
import itertools
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from swept import enter, make_studio, names, painted, write_photo, write_style

from impasto.main import main
from nst_core import files
from nst_core.ledger import Ledger
from nst_core.picture import read_picture
from studio.gallery.store import Store

COMMAND = ["sweep", "photos", "--styles", "sun", "moon", "--provider", "cpu", "--size", "100"]
PROOFS = [f"proofs/photo{i}-{style}.png" for i in (0, 1) for style in ("moon", "sun")]
FINALS = [f"photo{i}-{style}.png" for i in (0, 1) for style in ("moon", "sun")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(make_studio(tmp_path), monkeypatch)
    return tmp_path


def test_paints_proofs_and_finals_and_tells(capsys: pytest.CaptureFixture[str]):
    assert main(COMMAND) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "2 photos in 2 styles: 4 proofs, into sweep",
        "sweep/report.html: proofs 4 done, finals 4 done",
    ]
    assert said.err == ""
    assert names(Path("sweep")) == FINALS + PROOFS
    assert sorted(os.listdir("sweep/sheets")) == [
        "photo-photo0.png", "photo-photo1.png", "style-moon.png", "style-sun.png",
    ]  # fmt: skip
    proof, final = read_picture("sweep/" + PROOFS[0]), read_picture("sweep/" + FINALS[0])
    assert (max(proof.width, proof.height), max(final.width, final.height)) == (512, 100)
    page = Path("sweep/report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 8 and page.count('href="photo0-sun.png"') == 4


def test_a_picture_is_as_impasto_paint_makes_it():
    assert main([*COMMAND, "--strength", "0.5", "1"]) == 0
    assert main(["paint", "photos/photo0.png", "--style", "sun", "--provider", "cpu", "--size", "512"]) == 0
    plain, swept = (read_picture(path) for path in ("photo0-sun.png", "sweep/proofs/photo0-sun.png"))
    assert np.array_equal(plain.pixels, swept.pixels)
    before, after = dict(plain.settings or {}), dict(swept.settings or {})
    assert {key: after[key] for key in before if key != "seconds"} == {
        key: value for key, value in before.items() if key != "seconds"
    }
    assert after.keys() - before.keys() == {"promise", "promise_of", "sweep"}
    words = ["--size", "100", "--strength", "0.5", "-o", "half.png"]
    assert main(["paint", "photos/photo0.png", "--style", "sun", "--provider", "cpu", *words]) == 0
    half, final = read_picture("half.png"), read_picture("sweep/photo0-sun-strength0.5.png")
    assert np.array_equal(half.pixels, final.pixels)


def test_all_styles_are_taken_unless_some_are_named():
    assert main(["sweep", "photos/photo0.png", "--finals", "none", "--provider", "cpu", "-o", "all"]) == 0
    found = {name.removeprefix("proofs/photo0-") for name in names(Path("all"))}
    assert {"sun.png", "moon.png", "starry_night.png"} <= found


def test_the_same_command_again_paints_nothing(capsys: pytest.CaptureFixture[str]):
    assert main(COMMAND) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("sweep").rglob("*-*.png") if "sheets" not in path.parts}
    assert main(COMMAND) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before and len(before) == 8


def test_photos_styles_and_settings_may_be_added():
    assert main([*COMMAND, "--finals", "none"]) == 0
    before = painted(Path("sweep"))
    write_photo(Path("more/a/photo0.png"), 7)
    more = ["--color", "painting", "photo", "--brush-size", "1", "2"]
    assert main(["sweep", "more", *COMMAND[1:], "--finals", "none", *more]) == 0
    after = painted(Path("sweep"))
    assert {name: after[name] for name in before} == before
    assert len(after) == 3 * 2 * 4
    assert {"proofs/photo0-sun_2.png", "proofs/photo0-sun-brush2-photo.png"} <= after.keys()
    photos = [after[f"proofs/photo0-{name}.png"][1]["photo"]["sha256"] for name in ("sun", "sun_2", "moon_2")]
    assert photos[0] != photos[1] == photos[2]


def test_what_was_picked_comes_first_and_nothing_rejected():
    assert main([*COMMAND, "--finals", "none"]) == 0
    store = Store(Path("sweep"))
    store.scan()
    ids = {render.path: render.id for render in store.renders()}
    store.rate(ids[PROOFS[0]], "rejected")
    store.rate(ids[PROOFS[3]], "starred")
    assert main([*COMMAND, "--finals", "picked"]) == 0
    assert names(Path("sweep")) == [FINALS[3], *PROOFS]
    assert main(COMMAND) == 0
    assert names(Path("sweep")) == [*FINALS[1:], *PROOFS]
    page = Path("sweep/report.html").read_text()
    assert "Picked, and what promises most" in page and '<b class="starred">★</b> sun' in page


def test_a_broken_photo_stops_nothing(capsys: pytest.CaptureFixture[str]):
    Path("photos/broken.png").write_bytes(b"no picture")
    assert main(COMMAND) == 2
    said = capsys.readouterr()
    assert names(Path("sweep")) == FINALS + PROOFS
    assert said.err.count("broken.png") == 1 and "2 pictures could not be painted; see sweep/report.html" in said.err
    page = Path("sweep/report.html").read_text()
    assert "<dd>proofs/broken-sun.png, proofs/broken-moon.png</dd>" in page
    assert main(["sweep", "--status"]) == 2
    assert "failed 2 times: photos/broken.png" in capsys.readouterr().out.replace(str(Path.cwd()) + "/", "")
    write_photo(Path("photos/broken.png"), 9)  # mended, it is painted by the same command
    assert main(COMMAND) == 0
    assert len(names(Path("sweep"))) == 12


def test_a_photo_and_a_style_that_have_changed_are_painted_anew():
    assert main(COMMAND) == 0
    before = painted(Path("sweep"))
    write_photo(Path("photos/photo0.png"), 5)
    write_style(Path("styles/moon.onnx"), 9)
    assert main(COMMAND) == 0
    after = painted(Path("sweep"))
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] == before[name]} == {"photo1-sun.png", "proofs/photo1-sun.png"}


def test_status_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]):
    assert main([*COMMAND, "--finals", "3"]) == 0
    capsys.readouterr()
    assert main(["sweep", "--status"]) == 0
    assert capsys.readouterr().out == "sweep: proofs 4 done, finals 3 done\n"
    with Ledger(Path("sweep/sweep.sqlite")).working():
        assert main(["sweep", "--status"]) == 0
    assert f"process {os.getpid()} is at work" in capsys.readouterr().out


def test_what_a_killed_process_left_running_is_told_as_waiting(capsys: pytest.CaptureFixture[str]):
    assert main([*COMMAND, "--finals", "none"]) == 0
    with closing(sqlite3.connect("sweep/sweep.sqlite")) as database, database:
        database.execute("UPDATE job SET state = 'running' WHERE id = 1")
    capsys.readouterr()
    assert main(["sweep", "--status"]) == 0
    assert capsys.readouterr().out == "sweep: proofs 3 done 1 waiting\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sweep"], "name photos to sweep"),
        (["sweep", "nothing.png"], "nothing.png does not exist"),
        (["sweep", "styles"], "there is no picture in styles"),
        (["sweep", "photos", "--styles", "sum"], "there is no style 'sum'; did you mean sun"),
        (["sweep", "photos", "--styles", "photos/photo0.png"], "photo0.png is not a whole ONNX model"),
        (["sweep", "photos", "-o", "photos/photo0.png"], "-o photos/photo0.png is a file; name a folder"),
        (["sweep", "photos", "--until", "late"], "--until 'late' is no time"),
        (["sweep", "photos", "--strength", "1", "2"], "--strength must be a number from 0 to 1.5, not 2"),
        (["sweep", "photos", "--finals", "some"], "--finals must be a number, all, picked or none, not some"),
        (["sweep", "photos", "--size", "12"], "--size must be"),
        (["sweep", "photos", "--how", "slow"], "--how"),
        (["sweep", "photos", "--how", "both", "--brush-size", "2"], "needs the painting itself for --brush-size"),
        (["sweep", "--status", "-o", "none"], "there is no sweep in none"),
    ],
)
def test_wrong_input_is_one_clear_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not Path("sweep").exists() and not Path("none").exists()


def test_finals_of_another_size_are_painted_beside_those_that_are_there(capsys: pytest.CaptureFixture[str]):
    assert main(COMMAND) == 0
    before = painted(Path("sweep"))
    capsys.readouterr()
    larger = [*COMMAND[:-1], "120", "--finals", "1"]
    assert main(larger) == 0
    (new,) = painted(Path("sweep")).keys() - before.keys()
    assert new in {name.replace(".png", "-120px.png") for name in FINALS}
    told = f"{new.replace('-120px', '')} is there in another size and stays; the new one is {new}, and so are others"
    assert told in capsys.readouterr().out.splitlines()
    after = painted(Path("sweep"))
    assert {name: after[name] for name in before} == before
    assert read_picture(Path("sweep", new)).width == 120
    assert f'href="{new}"' in Path("sweep/report.html").read_text()
    assert main(larger) == 0
    assert painted(Path("sweep")) == after
    assert told not in capsys.readouterr().out.splitlines(), "it is told once"


def test_another_sweep_in_the_folder_is_told(capsys: pytest.CaptureFixture[str]):
    with Ledger(Path("sweep/sweep.sqlite")).working():
        assert main(COMMAND) == 2
    expected = f"another impasto sweep is at work in sweep (process {os.getpid()}); wait for it, or give another -o"
    assert expected in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_told(capsys: pytest.CaptureFixture[str]):
    Path("sweep").mkdir(mode=0o500)
    assert main(COMMAND) == 2
    assert "cannot write report.html in sweep: no permission" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_ends_it_in_one_line(capsys: pytest.CaptureFixture[str]):
    Path("sweep").mkdir()
    Path("sweep/proofs").touch()
    assert main(COMMAND) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"impasto: cannot write photo\d-\w+\.png in sweep/proofs: .*a file, not a folder.*\n", said)
    Path("sweep/proofs").unlink()
    assert main(COMMAND) == 0
    assert len(names(Path("sweep"))) == 8


def test_a_full_disk_ends_it_in_one_line_and_the_same_command_goes_on(monkeypatch, capsys):
    real, count = files.os.fsync, itertools.count()

    def fsync(descriptor: int) -> None:
        if next(count) >= 10:
            raise OSError(errno.ENOSPC, "no space left")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", fsync)
        assert main(COMMAND) == 2
    assert re.fullmatch(r"impasto: cannot write \S+\.\w+ in sweep\S*: the disk is full.*\n", capsys.readouterr().err)
    assert Ledger(Path("sweep/sweep.sqlite")).counts()["failed"] == 0
    assert main(COMMAND) == 0
    assert len(names(Path("sweep"))) == 8


def test_without_torch_the_optimizer_is_refused_in_one_line(monkeypatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([*COMMAND, "--how", "optimize"]) == 2
    assert (
        "--how optimize needs torch; in the folder of Impasto, run: pip install '.[train]'" in capsys.readouterr().err
    )


def test_a_fast_sweep_needs_no_torch():
    words = [*COMMAND, "--finals", "1"]
    code = f"import sys; from impasto.main import main; code = main({words!r}); print(code, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.stdout.endswith("0 False\n"), done.stderr


def test_nothing_is_begun_that_would_end_too_late(monkeypatch, capsys: pytest.CaptureFixture[str]):
    end = datetime.now(UTC) + timedelta(seconds=1)
    monkeypatch.setattr("impasto.sweep_work.parse_until", lambda text, now: end)
    assert main([*COMMAND, "--until", "07:00"]) == 0
    assert "the time is up with 4 waiting; the same command goes on" in capsys.readouterr().out
    assert names(Path("sweep")) == []
    assert main(COMMAND) == 0
    assert len(names(Path("sweep"))) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_keeps_what_is_done():
    words = [*COMMAND, "--strength", *(str(n / 50) for n in range(1, 50))]
    process = subprocess.Popen(
        [sys.executable, "-m", "impasto.main", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=environment(),
    )  # fmt: skip
    until = time.monotonic() + 180
    while len(list(Path("sweep/proofs").glob("*.png"))) < 3:
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.startswith("stopped; proofs ") and said.endswith("the same command goes on\n")
    counts = Ledger(Path("sweep/sweep.sqlite")).counts()
    assert counts["running"] == 0 and counts["waiting"] > 0
    assert counts["done"] == len(list(Path("sweep/proofs").glob("photo*.png"))) >= 3
    assert f"{counts['done']} proofs painted" in Path("sweep/report.html").read_text()


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
