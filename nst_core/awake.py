"""Keeps the machine from falling asleep over its work, where the system offers a way."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""For the system to say whether it will stay awake."""
ES_SYSTEM_REQUIRED, ES_CONTINUOUS = 0x00000001, 0x80000000
"""Of Windows' SetThreadExecutionState."""


@contextlib.contextmanager
def keep_awake(why: str) -> Iterator[str | None]:
    """The machine does not fall asleep while the block runs, or until this process ends, however it does.

    Gives the name of the way, or None where there is none.

    Args:
        why: shown to those who ask the system what keeps it awake.
    """
    with _WAYS.get(sys.platform, _none)(why) as way:
        if way is None:
            log.info("nothing here keeps the machine from falling asleep; see to it if the work is long")
        yield way


@contextlib.contextmanager
def _systemd(why: str) -> Iterator[str | None]:
    """The lock lasts as long as `cat`, and that as long as the pipe that only this process can write to."""
    command = ["systemd-inhibit", "--what=sleep:idle", "--who=Impasto", f"--why={why}", "cat"]
    if not shutil.which(command[0]):
        yield None
        return
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,  # without a terminal, so that it asks for no password, and Ctrl-C is not for it
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"\n")
            process.stdin.flush()
        # What cat repeats tells that the lock is held; else it would not have been started.
        answers, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        yield "systemd-inhibit" if answers and process.stdout.readline() else None
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def _caffeinate(why: str) -> Iterator[str | None]:
    if not shutil.which("caffeinate"):
        yield None
        return
    process = subprocess.Popen(["caffeinate", "-i", "-w", str(os.getpid())], start_new_session=True)
    try:
        yield "caffeinate"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _execution_state(why: str) -> Iterator[str | None]:
    """Of this thread; the system forgets it when the thread ends."""
    set_state = ctypes.windll.kernel32.SetThreadExecutionState  # type: ignore[attr-defined]
    if not set_state(ES_CONTINUOUS | ES_SYSTEM_REQUIRED):
        yield None
        return
    try:
        yield "SetThreadExecutionState"
    finally:
        set_state(ES_CONTINUOUS)


@contextlib.contextmanager
def _none(why: str) -> Iterator[str | None]:
    yield None


_WAYS: dict[str, Callable[[str], AbstractContextManager[str | None]]] = {
    "linux": _systemd,
    "darwin": _caffeinate,
    "win32": _execution_state,
}
