"""A sweep in its folder: planned, painted proofs first, finished in the order of promise, and reported."""

import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nst_core.files import remove_abandoned
from nst_core.ledger import Ledger
from studio.sweep.finals import FinalOptions, order_finals
from studio.sweep.job import PROOFS, PhotoFile, StyleFile
from studio.sweep.night import COMMAND, Event, Night
from studio.sweep.plan import LEDGER, Settings, plan_proofs
from studio.sweep.report import write_report
from studio.sweep.sheets import SHEETS
from studio.sweep.survey import counts
from studio.sweep.workers import Workers

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

    def work(self, workers: Workers) -> Generator[Event | Phase, None, None]:
        """Paints what waits, proofs before finals, and queues finals; the report is written after each of both.

        To stop looping is to stop: what is being painted waits again.

        Raises:
            ConfigError: Another process works on the folder, or its finals have other options.
            NstError: The disk is full, or the folder cannot be used.
        """
        with self.ledger.working(COMMAND, "-o"):
            yield self._phase("proofs")
            yield from Night(self.ledger, workers, like=f"{PROOFS}/*").events()
            finishes, order = self.finals.which != "none", _Order(self)
            if finishes:
                order()
            self.report()
            if finishes and not workers.out_of_time and counts(self.ledger)["finals"]["waiting"]:
                yield self._phase("finals")
                yield from Night(self.ledger, workers, look=order).events()
                self.report()

    def go_on(self, workers: Workers) -> Generator[Event | Phase, None, None]:
        """Paints what waits in the order in which it was queued, and nothing else; raises what `work` does."""
        with self.ledger.working(COMMAND, "-o"):
            for name, like in (("proofs", f"{PROOFS}/*"), ("finals", "*")):
                yield self._phase(name)
                yield from Night(self.ledger, workers, like).events()
            self.report()

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
