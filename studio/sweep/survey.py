"""What a sweep's ledger tells: how many proofs and finals there are, failures, times."""

import statistics
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nst_core.jobs import State
from nst_core.ledger import Ledger
from studio.sweep.job import PROOFS

NAMED = 12
"""Of the files that failed for one reason."""


@dataclass(frozen=True)
class Failure:
    """Why some files could not be painted."""

    reason: str
    count: int
    names: Sequence[str]
    """The first of the files."""


@dataclass(frozen=True)
class Found:
    """What a ledger tells of a sweep."""

    failed: Sequence[Failure]
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


def survey(ledger: Ledger) -> Found:
    """All that a report tells, but for the pictures."""
    failed: Counter[str] = Counter()
    names: dict[str, list[str]] = defaultdict(list)
    seconds: dict[str, array[float]] = defaultdict(lambda: array("d"))
    first: str | None = None
    last: str | None = None
    for name, state, reason, took, begun, ended in ledger.values(
        ["name", "state", "reason", "seconds", "begun", "ended"]
    ):
        first = min(first or begun, begun) if begun else first
        last = max(last or ended, ended) if ended else last
        if state == "failed":
            failed[reason or ""] += 1
            if len(names[reason or ""]) < NAMED:
                names[reason or ""].append(name)
        if state == "done":
            seconds["proofs" if name.startswith(f"{PROOFS}/") else "finals"].append(took)
    failures = [Failure(reason, count, names[reason]) for reason, count in failed.items()]
    usual = {name: statistics.median(found) for name, found in seconds.items()}
    return Found(failures, counts(ledger), usual, first, last)
