"""Which proofs are to be finished, and in which order: the artist's picks first, then what promises most."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from nst_core.ledger import Ledger
from serve.paint_options import PaintOptions
from studio.sweep.job import PROOFS
from studio.sweep.plan import suffix

AGAIN = 0.95
"""What a proof still promises, for each time that its style was chosen before."""
LOOKED_AT = 10
"""So many of the proofs of a photo, the most promising, are weighed so against each other."""
WISHES: Mapping[str, int] = {"starred": 2, "kept": 1, "unrated": 0, "rejected": -1}

Which = Literal["all", "picked", "none"] | int
"""Of the proofs: all but the rejected, those that were starred or kept, none, or so many."""

_PLACES = ("name", "spec.photo.path", "spec.style.path", "result.promise", "spec.style.name")
_SETTINGS = ("spec.options.strength", "spec.options.brush_size", "spec.options.color")


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is painted, in few words: there may be very many."""

    out: str
    photo: str
    """The photo's file."""
    style: str
    """The style's file."""
    promise: float
    label: str = ""
    """The style, and what is special about the settings."""

    @property
    def photo_name(self) -> str:
        return Path(self.photo).name


def painted(ledger: Ledger) -> list[Proof]:
    """The proofs that are painted, in the order of painting."""
    same: dict[str, str] = {}  # a photo's path is in memory once, not for each of its proofs

    @cache
    def label(style: str, strength: float, brush_size: float, color: str) -> str:
        options = PaintOptions(strength=strength, brush_size=brush_size, color=color)  # type: ignore[arg-type]
        return " ".join([style, *suffix(options).split("-")[1:]])

    return [
        Proof(out, same.setdefault(photo, photo), same.setdefault(style, style), promise or 0.0, label(name, *settings))
        for out, photo, style, promise, name, *settings in ledger.values([*_PLACES, *_SETTINGS], "done", f"{PROOFS}/*")
    ]


def wish(proof: Proof, ratings: Mapping[str, str]) -> int:
    """How much the artist wants it; 0 where nothing was said."""
    return WISHES.get(ratings.get(proof.out, "unrated"), 0)


def best_first(ratings: Mapping[str, str]) -> Callable[[Proof], tuple[int, float, str]]:
    """By what proofs are sorted, so that the artist's picks come first, and then what promises most."""
    return lambda proof: (-wish(proof, ratings), -proof.promise, proof.out)


def choose(proofs: Iterable[Proof], ratings: Mapping[str, str], which: Which) -> list[str]:
    """The proofs to finish, in order, by their files.

    Those that were starred first, then those that were kept, then the others; never a rejected one. In each of these
    what promises most comes first, but photos take turns, so that a night that ends early has something of each.

    Args:
        proofs: that are painted.
        ratings: by file below the folder; what is not there is not rated.
        which: of them.
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
    weights: dict[str, float] = defaultdict(lambda: 1.0)
    order: list[Proof] = []
    while left:
        for photo, some in list(left.items()):
            best = some.pop(_best(some, weights))
            weights[best.style] *= AGAIN
            order.append(best)
            if not some:
                del left[photo]
    return order


def _best(proofs: Sequence[Proof], weights: Mapping[str, float]) -> int:
    """Which of the first few is best by promise and the weight of its style.

    Args:
        proofs: what promises most comes first.
        weights: of styles, at most 1.
    """
    best, most = 0, -1.0
    for place, proof in enumerate(proofs[:LOOKED_AT]):
        if proof.promise <= most:  # no later one can be better
            break
        if (value := proof.promise * weights[proof.style]) > most:
            best, most = place, value
    return best
