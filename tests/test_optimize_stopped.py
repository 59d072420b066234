"""`impasto optimize` cut short: what has been painted is kept, and it goes on to the same picture."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from painting import SIZE, WAVES, at_step, files, paint, pixels

from impasto import optimize_work
from nst_core.errors import NstError

pytestmark = pytest.mark.usefixtures("painting_folder")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_writes_the_best_so_far_and_goes_on_to_the_same_picture(number: int, capsys):
    before = signal.getsignal(number)
    assert paint("cat.png", "--style", "waves.png", "-o", "whole.png") == 0
    with at_step(2, lambda: signal.raise_signal(number)):
        assert paint("cat.png", *WAVES, "--trace", "curve.json") == 130
    assert signal.getsignal(number) is before
    assert pixels("out.png").shape == (32, 48, 3)
    assert not np.array_equal(pixels("out.png"), pixels("whole.png"))
    error = capsys.readouterr().err
    assert "stopped at 48 px, iteration 2 of 4; the best so far is in out.png; --resume goes on\n" in error
    assert len(json.loads(Path("curve.json").read_text())["points"]) == 2
    assert paint("cat.png", *WAVES, "--trace", "curve.json", "--plot", "curve.png", "--resume") == 0
    assert "going on at 48 px, after iteration 2" in capsys.readouterr().out
    assert np.array_equal(pixels("out.png"), pixels("whole.png"))
    points = json.loads(Path("curve.json").read_text())["points"]
    assert [point["iteration"] for point in points] == [1, 2, 3, 4]
    assert pixels("curve.png").shape[2] == 3
    assert "out.png.snapshot" not in files()


def test_second_ctrl_c_stops_at_once_and_still_writes(capsys):
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with at_step(3, twice):
        assert paint("cat.png", *WAVES) == 130
    assert "stopped at 48 px, iteration 2 of 4; the best so far is in out.png\n" in capsys.readouterr().err
    assert pixels("out.png").shape == (32, 48, 3)


def test_stopped_in_a_batch_leaves_the_other_photos():
    with at_step(2, lambda: signal.raise_signal(signal.SIGINT)):
        assert paint("cat.png", "dog.png", "--style", "waves.png", "-o", "out") == 130
    assert files("out") == {"cat_waves.png", "cat_waves.png.snapshot"}


def test_killed_loses_little_and_resume_ends_with_the_same_picture(network_file: Path, capsys):
    assert paint("cat.png", "--style", "waves.png", "-o", "whole.png") == 0
    words = ["cat.png", *WAVES, "--snapshot-every", "0"]
    code = (
        "import os, pathlib, signal, sys\n"
        "from impasto import main, optimize_work\n"
        "from nst_core import features\n"
        f"features.compact_path = lambda: pathlib.Path({str(network_file)!r})\n"
        "real = optimize_work.optimize\n"
        "def dies(*args):\n"
        "    for done, step in enumerate(real(*args), 1):\n"
        "        if done == 3:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        yield step\n"
        "optimize_work.optimize = dies\n"
        "main.main(sys.argv[1:])\n"
    )
    root = Path(optimize_work.__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, "-c", code, "optimize", *words, *SIZE], env=os.environ | {"PYTHONPATH": str(root)}
    )
    assert killed.returncode == -signal.SIGKILL
    assert "out.png" not in files() and "out.png.snapshot" in files()
    capsys.readouterr()
    assert paint(*words, "--resume") == 0
    assert "going on at 48 px, after iteration " in capsys.readouterr().out
    assert np.array_equal(pixels("out.png"), pixels("whole.png"))


def stop_after_two_steps() -> None:
    with at_step(2, lambda: signal.raise_signal(signal.SIGINT)):
        assert paint("cat.png", *WAVES) == 130


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--strength", "2"], "strength was 1.0, now it is 2.0"),
        (["--protect", "right.png"], "protect was None, now it is "),
        (["--style", "night.png"], "painting 2 was None, now it is "),
    ],
)
def test_snapshot_of_other_settings_is_refused(words: list[str], difference: str, capsys):
    stop_after_two_steps()
    capsys.readouterr()
    assert paint("cat.png", *WAVES, *words, "--resume") == 2
    error = capsys.readouterr().err
    assert "out.png.snapshot is a snapshot of other settings: " + difference in error and error.count("\n") == 1
    assert "out.png.snapshot" in files()


def test_other_photo_under_the_same_name_is_noticed(capsys):
    stop_after_two_steps()
    Path("dog.png").replace("cat.png")
    assert paint("cat.png", *WAVES, "--resume") == 2
    assert "other settings: photo was " in capsys.readouterr().err


def test_nothing_to_go_on_from_and_something_that_is_not_asked_for_are_said(capsys):
    assert paint("cat.png", *WAVES, "--resume") == 0
    assert "there is no out.png.snapshot to go on from: starting anew" in capsys.readouterr().out
    Path("out.png.snapshot").write_bytes(b"broken")
    assert paint("cat.png", *WAVES) == 0
    assert "out.png.snapshot of an earlier run will be replaced" in capsys.readouterr().out
    Path("out.png").unlink()
    Path("out.png.snapshot").write_bytes(b"broken")
    assert paint("cat.png", *WAVES, "--resume") == 2
    assert "out.png.snapshot cannot be gone on from" in capsys.readouterr().err


def test_preview_is_there_during_the_work_only():
    seen = []
    with at_step(4, lambda: seen.append(pixels("out_preview.png").shape)):
        assert paint("cat.png", *WAVES, "--preview-every", "2") == 0
    assert seen == [(32, 48, 3)]
    assert "out_preview.png" not in files()


def test_snapshot_that_cannot_be_written_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch, caplog):
    def full(*args) -> None:
        raise NstError("cannot write out.png.snapshot: the disk is full")

    monkeypatch.setattr(optimize_work.snapshot, "save", full)
    assert paint("cat.png", *WAVES, "--snapshot-every", "0") == 0
    assert [record.getMessage() for record in caplog.records] == [
        "cannot write out.png.snapshot: the disk is full (painting goes on)"
    ]
    assert pixels("out.png").shape == (32, 48, 3)


def test_result_that_cannot_be_written_is_kept_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # At the end there is a folder in the place of the result.
    with at_step(4, lambda: Path("out.png").mkdir()):
        assert paint("cat.png", *WAVES) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "cannot write out.png" in error and "the picture is kept as " in error
    assert pixels(error.rpartition(" ")[2]).shape == (32, 48, 3)
