"""A style learned in a process of its own, from the side of whoever asked for it; free of torch."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nst_core.errors import ModelError, NstError
from nst_core.files import write_bytes
from train.machines import ONE, Machines
from train.style.job import StyleJob
from train.style.progress import Report

JOB, TURN = "job.json", "IMPASTO_TURN"
"""Where the child finds what to do, and with what."""
PATIENCE_S = 30.0
"""For a child that is to keep its state and end."""
LOOK_EVERY_S = 0.5
"""Between two looks at whether the others still learn."""
ERRORS = "errors.txt"
"""In the job's folder: what the child says beside its reports."""


@dataclass(frozen=True)
class Turn:
    """What a child has to learn its job with."""

    budget_s: float | None = None
    """Time for the training from now on; None for the steps of the job's options."""
    machines: Machines = ONE

    def to_json(self) -> str:
        """For a process's environment."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Turn:
        """From what `to_json` gave."""
        found = json.loads(text)
        return cls(found["budget_s"], Machines(**found["machines"]))


class Parted(Exception):
    """A child ended as others that learned with it did; its state is kept, and nothing is wrong with its job."""


def learn_in_child(
    job: StyleJob, folder: Path, budget_s: float | None, machines: Machines = ONE
) -> Generator[Report, None, dict[str, Any]]:
    """Reports of `train.style.run.learn`, and what it returns; leaving the loop stops it, with its state kept.

    Raises:
        NstError: the job's own error; one of the disk's has the OSError as its cause.
        ModelError: the child fell, or was killed.
    """
    prepare(job, folder)
    return (yield from follow_child(folder, Turn(budget_s, machines)))


def prepare(job: StyleJob, folder: Path) -> None:
    """Puts the job into its folder, where its state may be already."""
    spec = json.dumps(job.to_spec(), indent=1).encode()
    if folder.exists() and (not (folder / JOB).exists() or (folder / JOB).read_bytes() != spec):
        shutil.rmtree(folder)  # of another job by this name, which was given up or is done
    write_bytes(folder / JOB, spec)


def follow_child(
    folder: Path,
    turn: Turn,
    environment: Mapping[str, str] | None = None,
    errors: str = ERRORS,
    parted: Callable[[], bool] = lambda: False,
) -> Generator[Report, None, dict[str, Any]]:
    """Starts a child on the job in a folder; see `learn_in_child`.

    Args:
        environment: variables for the child, beside those of this process.
        errors: name of the file for what it says beside its reports.
        parted: asked now and then, in a thread of its own; once it says so, the child is killed.

    Raises:
        Parted: `parted` said so, or the child found out by itself.
    """
    with (folder / errors).open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "train.night.worker", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
            env={**os.environ, **(environment or {}), TURN: turn.to_json()},
            start_new_session=True,  # Ctrl-C is for us; the child is told by the end of its input
        )  # fmt: skip
    result: dict[str, Any] | None = None
    ended, killed = threading.Event(), threading.Event()
    threading.Thread(target=_part, args=[child, parted, ended, killed], daemon=True).start()
    assert child.stdin and child.stdout
    try:
        for line in child.stdout:
            message = json.loads(line)
            if "failed" in message:
                raise NstError(message["failed"]) from (OSError(errno.ENOSPC, "") if message["full"] else None)
            if "parted" in message:
                raise Parted(message["parted"])
            if "result" in message:
                result = message["result"]
            else:
                yield Report(**message)
    finally:
        child.stdin.close()
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        ended.set()
    if result is None and killed.is_set():
        raise Parted
    if result is None:
        raise ModelError(_why(child.returncode, folder / errors))
    return result


def _part(
    child: subprocess.Popen[bytes], parted: Callable[[], bool], ended: threading.Event, killed: threading.Event
) -> None:
    """Kills a child once it is to be parted from."""
    while not ended.wait(LOOK_EVERY_S):
        if child.poll() is None and parted():
            killed.set()
            child.kill()
            return


def _why(code: int, errors: Path) -> str:
    """What is known about a child that fell."""
    if code == -9:
        return "it was killed, perhaps for want of memory; try a smaller --batch-size"
    if code < 0:
        return f"it was ended by signal {-code}"
    lines = errors.read_text(errors="replace").split("\n") if errors.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {code}")
    return f"a fault of ours ({last}); {errors} says where"
