"""A sweep killed at any moment, again and again: what comes of it is what an undisturbed one makes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from swept import enter, make_studio, painted

from impasto.main import main
from nst_core.ledger import Ledger

COMMAND = [
    "sweep",
    "photos",
    "--provider",
    "cpu",
    "--size",
    "80",
    "--styles",
    "sun",
    "moon",
    "sea",
    "--color",
    "palette",
]
COMMAND += ["painting", "photo", "--finals", "9"]
KILLS = 3


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_sweep_loses_nothing_and_paints_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    enter(make_studio(tmp_path, photos=3, styles=3), monkeypatch)
    assert main([*COMMAND, "-o", "undisturbed"]) == 0
    chance = random.Random(0)
    written: dict[Path, int] = {}
    killed = 0
    for number in range(KILLS):
        killed += not run_and_kill(chance.uniform(0.0, 0.15), len(written) + 1)
        now = {path: path.stat().st_mtime_ns for path in pictures()}
        assert {path: now.get(path) for path in written} == written, "was painted twice, or lost"
        written = now
        jobs = Ledger(Path("sweep/sweep.sqlite")).counts()
        assert jobs["done"] <= len(written), f"told as done and not there, after kill {number + 1}"
        assert jobs["failed"] == 0
    assert killed >= 1
    left = [path for path in Path("sweep").rglob(".impasto-*") if path.is_file()]
    for path in left:
        os.utime(path, (0, 0))  # as if that were long ago
    assert main(COMMAND) == 0
    now = {path: path.stat().st_mtime_ns for path in pictures()}
    assert {path: now[path] for path in written} == written
    assert len(now) > len(written)
    assert painted(Path("sweep")) == painted(Path("undisturbed"))
    assert len(painted(Path("sweep"))) == 3 * 3 * 3 + 9
    assert Ledger(Path("sweep/sweep.sqlite")).counts() == {"waiting": 0, "running": 0, "done": 36, "failed": 0}
    assert not list(Path("sweep").rglob(".impasto-*"))


def run_and_kill(wait_s: float, count: int) -> bool:
    """Runs the command until there are so many pictures, and a moment more; whether it had ended by itself."""
    root = str(Path(__file__).parents[1])
    words = [sys.executable, "-m", "impasto.main", *COMMAND]
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": root}, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 180
    while process.poll() is None and len(pictures()) < count:
        assert time.monotonic() < until
        time.sleep(0.002)
    time.sleep(wait_s)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return ended


def pictures() -> list[Path]:
    return [*Path("sweep").glob("photo*.png"), *Path("sweep/proofs").glob("photo*.png")]
