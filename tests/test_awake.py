"""Keeping the machine awake, with stand-ins for what systems offer."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from nst_core.awake import keep_awake

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")

INHIBIT = """\
echo "$@" > {folder}/called
while [ "${{1#--}}" != "$1" ]; do shift; done
"$@"
echo > {folder}/ended
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched first for commands, and `sh` and `cat` alone after it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write_command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script.format(folder=folder)}")
    (folder / name).chmod(0o755)


def wait_for(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_systemd_holds_its_lock_while_the_block_runs(commands: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "linux")
    write_command(commands, "systemd-inhibit", "trap '' TERM\n" + INHIBIT)
    with keep_awake("learning paintings") as way:
        assert way == "systemd-inhibit"
        called = (commands / "called").read_text()
        assert called == "--what=sleep:idle --who=Impasto --why=learning paintings cat\n"
        assert not (commands / "ended").exists()
    assert (commands / "ended").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="for the way of Linux")
def test_systemds_lock_ends_with_a_process_that_is_killed(commands: Path):
    write_command(commands, "systemd-inhibit", INHIBIT)
    code = "from nst_core.awake import keep_awake\nwith keep_awake('x') as way:\n  print(way, flush=True)\n  input()"
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout and process.stdout.readline() == "systemd-inhibit\n"
    assert not (commands / "ended").exists()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert wait_for((commands / "ended").exists)


@pytest.mark.parametrize("script", [None, "echo 'Access denied' >&2; exit 1"], ids=["missing", "refused"])
def test_the_work_goes_on_where_systemd_does_not_help(
    script: str | None, commands: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(sys, "platform", "linux")
    caplog.set_level(logging.INFO, "nst_core.awake")
    if script:
        write_command(commands, "systemd-inhibit", script)
    with keep_awake("x") as way:
        assert way is None
    assert caplog.messages == ["nothing here keeps the machine from falling asleep; see to it if the work is long"]


def test_caffeinate_watches_this_process(commands: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with keep_awake("x") as way:
        assert way is None
    write_command(commands, "caffeinate", 'echo "$@" > {folder}/called\nexec cat {folder}/pipe')
    os.mkfifo(commands / "pipe")
    called = commands / "called"
    with keep_awake("x") as way:
        assert way == "caffeinate"
        assert wait_for(lambda: called.exists() and called.read_text() == f"-i -w {os.getpid()}\n")


def test_windows_is_told_and_told_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    told: list[int] = []

    def set_state(state: int) -> int:
        told.append(state)
        return 0x80000000

    kernel = SimpleNamespace(SetThreadExecutionState=set_state)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    with keep_awake("x") as way:
        assert way == "SetThreadExecutionState"
        assert told == [0x80000001]
    assert told == [0x80000001, 0x80000000]
    kernel.SetThreadExecutionState = lambda state: 0
    with keep_awake("x") as way:
        assert way is None


def test_no_way_on_other_systems_and_errors_pass_through(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "plan9")
    with pytest.raises(ZeroDivisionError), keep_awake("x") as way:
        assert way is None
        raise ZeroDivisionError
