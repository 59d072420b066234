"""A sweep in its folder: planned, painted proofs first, finished in the order of promise, and reported."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nst_core.files import remove_abandoned
from nst_core.ledger import Ledger
from studio.sweep.finals import FinalOptions, order_finals
from studio.sweep.job import PROOFS, PhotoFile, StyleFile, SweepJob, perform
from studio.sweep.night import COMMAND, Event, Night
from studio.sweep.plan import LEDGER, Settings, plan_proofs
from studio.sweep.report import write_report
from studio.sweep.sheets import SHEETS
from studio.sweep.survey import counts
from studio.sweep.workshop import Workshop

Ratings = Callable[[], Mapping[str, str]]
"""What the artist thinks of the pictures, by their files below the folder: `starred`, `kept`, `rejected`."""


@dataclass(frozen=True)
class Phase:
    """A part of the sweep begins."""

    name: str
    """proofs or finals."""
    total: int
    """Jobs of it, those included that were done before."""
    done: int
    """Of these, what was done before."""


@dataclass(frozen=True)
class Sweep:
    """A sweep in a folder."""

    folder: Path
    finals: FinalOptions
    ratings: Ratings

    @functools.cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / LEDGER)

    def plan(self, photos: Sequence[PhotoFile], styles: Sequence[StyleFile], settings: Settings) -> int:
        """Puts the proofs into the ledger; gives how many there are in all. What has failed is tried again.

        Raises:
            NstError: The ledger cannot be used.
        """
        for folder in (self.folder, self.folder / PROOFS, self.folder / SHEETS):
            remove_abandoned(folder)
        jobs = list(plan_proofs(photos, styles, settings.options(), self.ledger))
        self.ledger.add_all((job.out, job.spec()) for job in jobs)
        self.ledger.retry_all()
        return len(jobs)

    def work(self, workshop: Workshop, until: datetime | None = None) -> Iterator[Event | Phase]:
        """Paints what waits, proofs before finals, and queues finals; the report is written after each of both.

        To stop looping is to stop: what is being painted waits again.

        Raises:
            ConfigError: Another process works on the folder, or its finals have other options.
            NstError: The disk is full, or the folder cannot be used.
        """
        with self.ledger.working(COMMAND, "-o"):
            proofs = self._night(workshop, until, like=f"{PROOFS}/*")
            yield self._phase("proofs")
            yield from proofs.events()
            finishes, order = self.finals.which != "none", _Order(self)
            if finishes:
                order()
            self.report()
            if finishes and not proofs.out_of_time and counts(self.ledger)["finals"]["waiting"]:
                yield self._phase("finals")
                yield from self._night(workshop, until, look=order).events()
                self.report()

    def go_on(self, workshop: Workshop) -> Iterator[Event | Phase]:
        """Paints what waits in the order in which it was queued, and nothing else; raises what `work` does."""
        with self.ledger.working(COMMAND, "-o"):
            for name, like in (("proofs", f"{PROOFS}/*"), ("finals", "*")):
                yield self._phase(name)
                yield from self._night(workshop, like=like).events()
            self.report()

    def _night(self, workshop: Workshop, until: datetime | None = None, **more: Any) -> Night:
        def paint(job: SweepJob, tell: Callable[[float], None]) -> Mapping[str, Any]:
            return perform(job, self.folder, workshop, tell)

        return Night(self.ledger, paint, workshop.cores, until, **more)

    def report(self) -> None:
        """Writes contact sheets and `report.html`.

        Raises:
            NstError: The folder cannot be written to.
        """
        write_report(self.folder, self.ledger, self.ratings())

    def _phase(self, name: str) -> Phase:
        found = counts(self.ledger)[name]
        return Phase(name, sum(found.values()), found["done"] + found["failed"])


class _Order:
    """Queues finals anew whenever the artist's picks have changed."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._before: Mapping[str, str] | None = None

    def __call__(self) -> None:
        ratings = self._sweep.ratings()
        if ratings != self._before:
            order_finals(self._sweep.ledger, self._sweep.finals, ratings, anew=self._before is None)
            self._before = ratings
