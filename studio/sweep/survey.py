"""What a sweep's ledger tells: proofs and their finals, failures, times."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nst_core.jobs import Job, State
from nst_core.ledger import Ledger
from studio.sweep.finals import Proof
from studio.sweep.job import PROOFS, SweepJob
from studio.sweep.plan import final_stem, suffix

MARKS: Mapping[str, str] = {"starred": "★", "kept": "✓", "rejected": "✗"}
"""Of what the artist thinks, beside a name."""
WISHES: Mapping[str, int] = {"starred": 2, "kept": 1, "unrated": 0, "rejected": -1}


@dataclass(frozen=True)
class Shown:
    """A proof that is painted."""

    job: SweepJob
    promise: float
    rating: str
    finals: Sequence[str]
    """The final pictures of it that are done, by their files."""

    @property
    def label(self) -> str:
        """The style, and what is special about the settings."""
        return " ".join([self.job.style.name, *suffix(self.job.options).split("-")[1:]])

    @property
    def photo(self) -> str:
        return Path(self.job.photo.path).name

    @property
    def candidate(self) -> Proof:
        """It as a final is chosen by."""
        return Proof(self.job.out, self.job.photo.path, self.job.style.path, self.promise)

    @property
    def mark(self) -> str:
        """A sign of what the artist thinks of it."""
        return MARKS.get(self.rating, "")

    @property
    def wish(self) -> int:
        """How much the artist wants it; 0 where nothing was said."""
        return WISHES.get(self.rating, 0)


@dataclass(frozen=True)
class Found:
    """What a ledger tells of a sweep."""

    proofs: Sequence[Shown]
    failed: Mapping[str, Sequence[str]]
    """The files that could not be painted, by reason."""
    counts: Mapping[str, Mapping[State, int]]
    """Of `proofs` and of `finals`."""
    usual_seconds: Mapping[str, float]
    """The median of what each of them took, while others were painted beside it."""
    begun: str | None
    ended: str | None


def counts(ledger: Ledger) -> dict[str, dict[State, int]]:
    """How many proofs and finals are in each state; what was running when its process died waits."""
    proofs, everything = ledger.counts(f"{PROOFS}/*"), ledger.counts()
    if ledger.worker() is None:
        for found in (proofs, everything):
            found["waiting"] += found["running"]
            found["running"] = 0
    return {"proofs": proofs, "finals": {state: everything[state] - proofs[state] for state in everything}}


def survey(ledger: Ledger, ratings: Mapping[str, str]) -> Found:
    """All that a report tells.

    Args:
        ledger: of the sweep.
        ratings: what the artist thinks, by file below the folder.
    """
    finals: dict[str, list[str]] = defaultdict(list)
    failed: dict[str, list[str]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    proofs: list[Job] = []
    begun: list[str] = []
    ended: list[str] = []
    for job in ledger.each():
        is_proof = job.name.startswith(f"{PROOFS}/")
        begun += [job.begun] if job.begun else []
        ended += [job.ended] if job.ended else []
        if job.state == "failed":
            failed[job.reason or ""].append(job.name)
        if job.state == "done":
            seconds["proofs" if is_proof else "finals"].append(job.seconds)
            if is_proof:
                proofs.append(job)
            else:
                finals[final_stem(job.name)].append(job.name)
    shown = [_shown(job, ratings.get(job.name, "unrated"), finals) for job in proofs]
    usual = {name: statistics.median(found) for name, found in seconds.items()}
    return Found(shown, failed, counts(ledger), usual, min(begun, default=None), max(ended, default=None))


def _shown(job: Job, rating: str, finals: Mapping[str, Sequence[str]]) -> Shown:
    promise = (job.result or {}).get("promise") or 0.0
    return Shown(SweepJob.from_spec(job.spec), promise, rating, finals.get(final_stem(job.name), ()))
