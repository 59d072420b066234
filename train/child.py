"""A style learned in a process of its own, from the side of whoever asked for it; free of torch."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from nst_core.errors import ModelError, NstError
from nst_core.files import write_bytes
from train.queue import Report
from train.style_job import StyleJob

JOB, BUDGET = "job.json", "IMPASTO_BUDGET_S"
"""Where the child finds what to do, and how long it may take."""
PATIENCE_S = 30.0
"""For a child that is to keep its state and end."""
ERRORS = "errors.txt"
"""In the job's folder: what the child says beside its reports."""


def learn_in_child(job: StyleJob, folder: Path, budget_s: float | None) -> Generator[Report, None, dict[str, Any]]:
    """Reports of `train.style_run.learn`, and what it returns; leaving the loop stops it, with its state kept.

    Raises:
        NstError: the job's own error; one of the disk's has the OSError as its cause.
        ModelError: the child fell, or was killed.
    """
    spec = json.dumps(job.to_spec(), indent=1).encode()
    if folder.exists() and (not (folder / JOB).exists() or (folder / JOB).read_bytes() != spec):
        shutil.rmtree(folder)  # of another job by this name, which was given up or is done
    write_bytes(folder / JOB, spec)
    environment = os.environ | ({BUDGET: f"{budget_s:.1f}"} if budget_s else {})
    with (folder / ERRORS).open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "train.worker", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment,
            start_new_session=True,  # Ctrl-C is for us; the child is told by the end of its input
        )  # fmt: skip
    result: dict[str, Any] | None = None
    assert child.stdin and child.stdout
    try:
        for line in child.stdout:
            message = json.loads(line)
            if "failed" in message:
                raise NstError(message["failed"]) from (OSError(errno.ENOSPC, "") if message["full"] else None)
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
    if result is None:
        raise ModelError(_why(child.returncode, folder / ERRORS))
    return result


def _why(code: int, errors: Path) -> str:
    """What is known about a child that fell."""
    if code == -9:
        return "it was killed, perhaps for want of memory; try a smaller --batch-size"
    lines = errors.read_text(errors="replace").split("\n") if errors.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {code}")
    return f"a fault of ours ({last}); {errors} says where"
