"""One style in a process of its own, `python -m train.worker FOLDER`: if it falls, the night goes on.

The job lies in the folder, as `job.json`; how it goes is told on standard output, a JSON object a line. When
standard input ends, whoever asked has gone: the process keeps its state, and ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
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
from train.child import BUDGET, JOB

TELL_EVERY_S = 0.5
"""Between two reports."""
PATIENCE_S = 20.0
"""To come to a step's end in, when the process is to end."""


def main(folder: Path) -> None:
    """Learn the folder's job, and tell about it."""
    alone = threading.Event()
    if not is_first():  # one of several that learn together: it goes when the first one goes, and says nothing
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    else:
        threading.Thread(target=_wait_for_end, args=[alone], daemon=True).start()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # it would greet, and advertise
    warnings.filterwarnings("ignore", category=FutureWarning)
    budget = os.environ.get(BUDGET)
    try:
        from train.callbacks import Stopped
        from train.style_job import StyleJob
        from train.style_run import learn

        job = StyleJob.from_spec(json.loads((folder / JOB).read_bytes()))
        with contextlib.suppress(Stopped):
            _say({"result": learn(job, folder, float(budget) if budget else None, _Teller(), alone.is_set)})
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


def is_first() -> bool:
    """Whether this is the only process of a training, or the first of several; Lightning tells the others."""
    return all(int(os.environ.get(rank, 0)) == 0 for rank in ("LOCAL_RANK", "NODE_RANK"))


class _Teller:
    """Passes reports on, not too many."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, report: Any) -> None:
        if report.seconds - self._last >= TELL_EVERY_S or report.share >= 1:
            self._last = report.seconds
            _say(asdict(report))


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _wait_for_end(alone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    alone.set()
    time.sleep(PATIENCE_S)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
