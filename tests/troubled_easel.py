"""An easel with troubles, for tests; in a module of its own, as other processes import it, and little else."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from train.cluster.easel import Duty, Easel, Needs, Told
from train.style.progress import Report


class Trouble(Easel):
    """Learns nothing: falls over one job, each time, hangs in another, the first time, and finds a third one wrong."""

    def learn(
        self, duty: Duty, needs: Needs, name: str, spec: Mapping[str, Any], budget_s: float | None
    ) -> Iterator[Told]:
        assert needs and all(path.exists() for path in needs)
        yield Told("here", "somewhere")
        yield Told("report", report=Report(1, 2, 0.1, 0.5, {"style": 1.0}))
        if name == "deadly":
            time.sleep(0.2)  # for what was told to arrive
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "hanging" and not (duty.folder / "hung").exists():
            (duty.folder / "hung").touch()
            time.sleep(60)
        yield Told("failed", "too small; take a larger one") if name == "wrong" else Told("done", result={"steps": 2})
