"""A sweep in its folder: planned, painted proofs first, finished in the order of promise, and reported."""

import contextlib
import functools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nst_core.files import remove_abandoned
from nst_core.ledger import Ledger
from studio.sweep.finals import FinalOptions, order_finals, order_picks
from studio.sweep.job import PROOFS, PhotoFile, StyleFile, SweepJob
from studio.sweep.night import COMMAND, Event, Night
from studio.sweep.plan import LEDGER, Settings, plan_proofs
from studio.sweep.report import Step, write_report
from studio.sweep.sheets import SHEETS
from studio.sweep.survey import counts
from studio.sweep.workers import Workers

Ratings = Callable[[], Mapping[str, str]]
"""What the artist thinks of the pictures, by their files below the folder: `starred`, `kept`, `rejected`."""
TELL_EVERY = 500
"""Proofs that are planned."""


@dataclass(frozen=True)
class Phase:
    """A part of the sweep begins."""

    name: str
    """proofs, order of finals, or finals."""
    total: int | None
    """Jobs of it, those included that were done before; None where that is not counted."""
    done: int
    """Of these, what was done before."""


@dataclass(frozen=True)
class Note:
    """Something that the user should know."""

    text: str


Happening = Event | Phase | Note | Step
"""The report's steps come after each of the phases."""


@dataclass(frozen=True)
class Sweep:
    """A sweep in a folder."""

    folder: Path
    finals: FinalOptions
    ratings: Ratings
    url: str | None = None
    """Of the folder in a store where all goes; see `studio.sweep.stored`."""

    @property
    def where(self) -> str:
        """Where all goes, as the artist has named it."""
        return self.url or str(self.folder)

    @functools.cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / LEDGER)

    def keeping(self) -> contextlib.AbstractContextManager[None]:
        """What is to be done beside the work, while it goes on."""
        return contextlib.nullcontext()

    def plan(
        self,
        photos: Sequence[PhotoFile],
        styles: Sequence[StyleFile],
        settings: Settings,
        tell: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Puts the proofs into the ledger; gives how many there are in all. What has failed is tried again.

        Args:
            photos: all of them.
            styles: each for all photos.
            settings: each for all of both.
            tell: takes from time to time how many proofs of how many have been put.

        Raises:
            NstError: The ledger cannot be used.
        """
        for folder in (self.folder, self.folder / PROOFS, self.folder / SHEETS):
            remove_abandoned(folder)
        options = settings.options()
        total = len(photos) * len(styles) * len(options)

        def told(jobs: Iterator[SweepJob]) -> Iterator[SweepJob]:
            for done, job in enumerate(jobs):
                if done % TELL_EVERY == 0:
                    tell(done, total)
                yield job

        jobs = told(plan_proofs(photos, styles, options, self.ledger))
        self.ledger.add_all((job.out, job.spec()) for job in jobs)
        self.ledger.retry_all()
        return total

    def work(self, workers: Workers) -> Generator[Happening, None, None]:
        """Paints what waits, proofs before finals, and queues finals; the report is written after each of both.

        To stop looping is to stop: what is being painted waits again.

        Raises:
            ConfigError: Another process works on the folder.
            NstError: The disk is full, or the folder cannot be used.
        """
        with self.ledger.working(COMMAND, "-o"):
            yield self._phase("proofs")
            yield from Night(self.ledger, workers, like=f"{PROOFS}/*").events()
            finishes, order = self.finals.which != "none", _Order(self)
            if finishes:
                yield Phase("order of finals", None, 0)
                if text := order.begin():
                    yield Note(text)
            yield from self.reporting()
            if finishes and not workers.out_of_time and counts(self.ledger)["finals"]["waiting"]:
                yield self._phase("finals")
                yield from Night(self.ledger, workers, look=order.look).events()
                yield from self.reporting()

    def go_on(self, workers: Workers) -> Generator[Happening, None, None]:
        """Paints what waits in the order in which it was queued, and nothing else; raises what `work` does."""
        with self.ledger.working(COMMAND, "-o"):
            for name, like in (("proofs", f"{PROOFS}/*"), ("finals", "*")):
                yield self._phase(name)
                yield from Night(self.ledger, workers, like).events()
            yield from self.reporting()

    def reporting(self) -> Generator[Step, None, None]:
        """Writes contact sheets and `report.html`, step by step.

        Raises:
            NstError: The folder cannot be written to.
        """
        return write_report(self.folder, self.ledger, self.ratings())

    def report(self) -> None:
        """The same, all at once."""
        for _ in self.reporting():
            pass

    def _phase(self, name: str) -> Phase:
        found = counts(self.ledger)[name]
        return Phase(name, sum(found.values()), found["done"] + found["failed"])


class _Order:
    """Has finals queued in the order that the artist's picks ask for."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._before: Mapping[str, str] = {}

    def begin(self) -> str:
        """Queues them; gives what the user should know."""
        self._before = self._sweep.ratings()
        return order_finals(self._sweep.ledger, self._sweep.finals, self._before)

    def look(self) -> None:
        """Looks whether the picks have changed since."""
        if (ratings := self._sweep.ratings()) != self._before:
            order_picks(self._sweep.ledger, self._sweep.finals, ratings, self._before)
            self._before = ratings
