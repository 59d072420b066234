"""Which proofs become final pictures, and in which order: the artist's picks first, then what promises most."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nst_core.errors import ConfigError
from nst_core.ledger import Job, Ledger
from studio.sweep.job import PROOFS, How, SweepJob
from studio.sweep.plan import LEDGER, check_same, final_of, final_stem

HowFinal = Literal["fast", "optimize", "both"]
_PICKS = ("starred", "kept")
"""Ratings of what is wanted, in their order."""


@dataclass(frozen=True)
class FinalOptions:
    """How proofs are finished."""

    how: HowFinal = "fast"
    """fast: by the network; optimize: by the slow optimizer; both: each."""
    size: int = 0
    """Long side before enlarging, pixels; 0 is the photo's own, or what the optimizer learned the style at."""
    upscale: int = 0
    """Enlarged so many times once they are painted; 0 not at all."""
    which: Literal["all", "picked", "none"] | int = "all"
    """Of the proofs: all but the rejected, those that were starred or kept, none, or so many."""

    def jobs(self, proof: SweepJob) -> list[SweepJob]:
        """The final pictures of a proof."""
        hows: tuple[How, ...] = ("fast", "optimize") if self.how == "both" else (self.how,)
        return [final_of(proof, how, self.size, self.upscale) for how in hows]


@dataclass(frozen=True)
class Proof:
    """A proof that is painted, as far as the order goes."""

    out: str
    photo: str
    style: str
    promise: float


def choose(proofs: Iterable[Proof], ratings: Mapping[str, str], which: str | int) -> list[str]:
    """The proofs to finish, in order, by their files.

    Those that were starred first, then those that were kept, then the others; never a rejected one. In each of these
    what promises most comes first, and photos and styles take turns, so that a night that ends early has something
    of each.

    Args:
        proofs: that are painted.
        ratings: by file below the folder; what is not there is not rated.
        which: as in `FinalOptions`.
    """
    if which == "none":
        return []
    groups: dict[str, list[Proof]] = {"starred": [], "kept": [], "unrated": []}
    for proof in proofs:
        if (rating := ratings.get(proof.out, "unrated")) in groups:
            groups[rating].append(proof)
    if which == "picked":
        del groups["unrated"]
    chosen = [proof.out for group in groups.values() for proof in _in_turn(group)]
    return chosen[:which] if isinstance(which, int) else chosen


def _in_turn(proofs: Collection[Proof]) -> list[Proof]:
    """The most promising first, but photos and styles take turns: by its place among the proofs of its photo, and its
    place among those of its style, together.
    """
    best = sorted(proofs, key=lambda proof: (-proof.promise, proof.out))
    places: dict[str, int] = defaultdict(int)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for proof in best:
        for group in (("photo", proof.photo), ("style", proof.style)):
            places[proof.out] += seen[group]
            seen[group] += 1
    return sorted(best, key=lambda proof: places[proof.out])


def order_finals(ledger: Ledger, options: FinalOptions, ratings: Mapping[str, str], anew: bool = True) -> None:
    """Queues the finals of the proofs that are painted, in order, behind all else.

    What was rejected since it was queued is taken out.

    Args:
        ledger: of the sweep.
        options: which, and how.
        ratings: by file below the folder.
        anew: takes out all that was queued before and is not chosen, too.

    Raises:
        ConfigError: One of them is there with other options.
    """
    done = {job.name: job for job in ledger.each("done", f"{PROOFS}/*")}
    chosen = choose(map(_proof, done.values()), ratings, options.which)
    jobs = {job.out: job for name in chosen for job in options.jobs(SweepJob.from_spec(done[name].spec))}
    queued = [job.name for job in ledger.each("waiting") if not job.name.startswith(f"{PROOFS}/")]
    unwanted = {final_stem(name) for name, rating in ratings.items() if rating == "rejected"}
    ledger.remove_waiting(name for name in queued if (anew and name not in jobs) or final_stem(name) in unwanted)
    _queue(ledger, list(jobs.values()))


def _proof(job: Job) -> Proof:
    promise = (job.result or {}).get("promise") or 0.0
    return Proof(job.name, job.spec["photo"]["path"], job.spec["style"]["path"], promise)


def queue_finals(folder: Path, proofs: Sequence[str], options: FinalOptions = FinalOptions()) -> int:
    """Queues the finals of these proofs, in this order, for whatever sweep works on the folder, now or later.

    Args:
        folder: of the sweep.
        proofs: by their files below the folder, as in `proofs/cat-udnie.png`.
        options: how they are finished; `which` does not matter.

    Returns:
        How many there are, those included that were there before.

    Raises:
        ConfigError: One of them is no proof of this sweep, or there with other options.
        NstError: The ledger cannot be used.
    """
    ledger = Ledger(folder / LEDGER)
    wanted = set(proofs)
    found = {row.name: SweepJob.from_spec(row.spec) for row in ledger.each(like=f"{PROOFS}/*") if row.name in wanted}
    if missing := [name for name in proofs if name not in found]:
        raise ConfigError(f"{missing[0]} is no proof of the sweep in {folder}; sweep its photo first: impasto sweep")
    jobs = [job for name in dict.fromkeys(proofs) for job in options.jobs(found[name])]
    _queue(ledger, jobs)
    return len(jobs)


def _queue(ledger: Ledger, jobs: Collection[SweepJob]) -> None:
    check_same(ledger, jobs)
    ledger.add_all((job.out, job.spec()) for job in jobs)
    ledger.put_last([job.out for job in jobs])
