"""Who learns a night's styles, on this machine: processes of their own, one after another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from nst_core.errors import NstError
from nst_core.files import is_disk_full
from nst_core.jobs import Job
from train.night.child import learn_in_child
from train.night.queue import News
from train.style.job import StyleJob
from train.style.progress import Report

Learn = Callable[[Job, float | None], Generator[Report, None, Mapping[str, Any]]]
"""Learns a job's style in so many seconds of training from now on (None: in the steps that the job tells); yields
reports, returns the job's result. When it is closed it keeps what it has for the next time."""
LearnStyle = Callable[[StyleJob, Path, float | None], Generator[Report, None, Mapping[str, Any]]]
"""Learns a style in its folder, as `train.night.child.learn_in_child` does."""


class OneByOne:
    """Learns one job at a time. One whose `learn` raises an `NstError` has failed, and others may follow."""

    def __init__(self, learn: Learn) -> None:
        self._learn = learn
        self._at_work: tuple[int, Generator[Report, None, Mapping[str, Any]]] | None = None

    @property
    def room(self) -> int:
        return 0 if self._at_work else 1

    def begin(self, job: Job, budget_s: float | None) -> None:
        self._at_work = job.id, self._learn(job, budget_s)

    def news(self) -> list[News]:
        if self._at_work is None:
            return []
        id, reports = self._at_work
        try:
            return [News(id, "progress", next(reports))]
        except StopIteration as end:
            news = News(id, "done", result=end.value)
        except NstError as error:
            if is_disk_full(error):
                raise
            news = News(id, "failed", reason=str(error))
        self._at_work = None
        return [news]

    def halt(self) -> None:
        if self._at_work:
            self._at_work[1].close()


def local_learners(folder: Path, learn_style: LearnStyle = learn_in_child) -> OneByOne:
    """Learns the jobs of a run's folder, each in its own."""
    return OneByOne(lambda job, budget_s: learn_style(StyleJob.from_spec(job.spec), folder / job.name, budget_s))
