"""Which proofs become final pictures, and in which order: the artist's picks first, then what promises most."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nst_core.errors import ConfigError
from nst_core.jobs import Job
from nst_core.ledger import Ledger
from studio.sweep.job import PROOFS, How, SweepJob
from studio.sweep.plan import LEDGER, check_same, final_of, final_stem

HowFinal = Literal["fast", "optimize", "both"]
AGAIN = 0.95
"""What a proof still promises, for each time that its style was chosen before."""
LOOKED_AT = 10
"""So many of the proofs of a photo, the most promising, are weighed so against each other."""


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
    what promises most comes first, but photos take turns, so that a night that ends early has something of each.

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


def _in_turn(proofs: Iterable[Proof]) -> list[Proof]:
    """One of each photo, then the second of each; a style counts for less the more of it there is already."""
    left: dict[str, list[Proof]] = defaultdict(list)
    for proof in sorted(proofs, key=lambda proof: (-proof.promise, proof.out)):
        left[proof.photo].append(proof)
    taken: Counter[str] = Counter()
    order: list[Proof] = []
    while left:
        for photo, some in list(left.items()):
            best = max(some[:LOOKED_AT], key=lambda proof: proof.promise * AGAIN ** taken[proof.style])
            taken[best.style] += 1
            order.append(best)
            some.remove(best)
            if not some:
                del left[photo]
    return order


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
    proofs = [_proof(job) for job in ledger.each("done", f"{PROOFS}/*")]
    place = {name: number for number, name in enumerate(choose(proofs, ratings, options.which))}
    chosen = [SweepJob.from_spec(job.spec) for job in ledger.each("done", f"{PROOFS}/*") if job.name in place]
    chosen.sort(key=lambda proof: place[proof.out])
    jobs = {job.out: job for proof in chosen for job in options.jobs(proof)}
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
