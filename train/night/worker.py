"""One style in a process of its own, `python -m train.night.worker FOLDER`: if it falls, the night goes on.

The job lies in the folder, as `job.json`; how it goes is told on standard output, a JSON object a line. When
standard input ends, whoever asked has gone: the process keeps its state, and ends. So it does at SIGTERM, and at
SIGUSR1, by which SLURM can tell that the time is nearly over.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nst_core.errors import NstError
from nst_core.files import is_disk_full
from train.night.child import JOB, TURN, Turn

BESIDE = "IMPASTO_BESIDE"
"""Tells those that Lightning starts, of several processes on a machine, from the one that starts them."""
SIGNALS = {signal.SIGTERM, signal.SIGUSR1} if hasattr(signal, "SIGUSR1") else {signal.SIGTERM}
OF_STARTERS = ("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID",
               "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID")  # fmt: skip
"""Variables by which a process finds its place among others."""
TELL_EVERY_S = 0.5
"""Between two reports."""
PATIENCE_S = 20.0
"""To come to a step's end in, when the process is to end."""
LOOK_EVERY_S = 0.5
"""Between two looks whether the process that this one belongs to is there."""


def main(folder: Path) -> None:
    """Learn the folder's job, and tell about it."""
    ending = threading.Event()
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # in all threads; else Lightning would take them
        _in_thread(_wait_for_signal, ending)
    if os.environ.get(BESIDE):  # Lightning started it beside the one that was asked for, and it goes with that one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _in_thread(_end_with, os.getppid())
    else:
        os.environ[BESIDE] = "1"
        _in_thread(_wait_for_end, ending)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # it would greet, and advertise
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        _learn(folder, ending)
    except NstError as error:
        _say({"failed": str(error), "full": is_disk_full(error)})
    except OSError as error:
        _say({"failed": f"{error.strerror or error}: {error.filename}", "full": is_disk_full(error)})
    except MemoryError:
        _say({"failed": "not enough memory; try a smaller --batch-size", "full": False})
    except RuntimeError as error:
        if "memory" not in str(error).lower():
            raise
        _say({"failed": "not enough memory; try a smaller --batch-size", "full": False})


def _learn(folder: Path, ending: threading.Event) -> None:
    turn = Turn.from_json(os.environ[TURN]) if TURN in os.environ else Turn()
    if turn.machines.processes == 1:  # Ray's workers may have been started by srun, but this training is alone
        for name in OF_STARTERS:
            os.environ.pop(name, None)
    from train.processes import is_of_the_others
    from train.style.callbacks import Stopped
    from train.style.job import StyleJob
    from train.style.run import learn

    job = StyleJob.from_spec(json.loads((folder / JOB).read_bytes()))
    try:
        _say({"result": learn(job, folder, turn.budget_s, _Teller(), ending.is_set, turn.machines)})
    except Stopped:
        _say({"parted": "stopped"})
    except RuntimeError as error:
        if not is_of_the_others(error):
            raise
        _say({"parted": str(error)})


class _Teller:
    """Passes reports on, not too many."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, report: Any) -> None:
        if report.seconds - self._last >= TELL_EVERY_S or report.share >= 1:
            self._last = report.seconds
            _say(asdict(report))


def _say(message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever asked has gone
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def _in_thread(watch: Any, about: Any) -> None:
    threading.Thread(target=watch, args=[about], daemon=True).start()


def _wait_for_end(ending: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    _end(ending)


def _wait_for_signal(ending: threading.Event) -> None:
    signal.sigwait(SIGNALS)
    _end(ending)


def _end(ending: threading.Event) -> None:
    ending.set()
    time.sleep(PATIENCE_S)
    os._exit(1)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
