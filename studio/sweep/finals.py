"""The final pictures of proofs: how they are made and called, and in which order they are queued."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from nst_core.errors import ConfigError
from nst_core.jobs import State
from nst_core.ledger import Ledger
from studio.sweep.choice import Proof, Which, choose, painted
from studio.sweep.job import PROOFS, How
from studio.sweep.plan import LEDGER

HowFinal = Literal["fast", "optimize", "both"]

OPTIMIZED = "-optimized"
"""Ends the names of the optimizer's finals."""
AT_ONCE = 1000
"""Proofs whose finals are queued together."""
_ENDING = re.compile(rf"({OPTIMIZED})?(-\d+px|-original)?(-\dx)?$")
"""What a final's name has beside its proof's."""

Sized = tuple[int, int]
"""A final's long side before enlarging, and how many times it is enlarged."""


@dataclass(frozen=True)
class FinalOptions:
    """How proofs are finished."""

    how: HowFinal = "fast"
    """fast: by the network; optimize: by the slow optimizer; both: each."""
    size: int = 0
    """Long side before enlarging, pixels; 0 is the photo's own, or what the optimizer learned the style at."""
    upscale: int = 0
    """Enlarged so many times once they are painted; 0 not at all."""
    which: Which = "all"

    def specs(self, proof: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The final pictures of a proof, as `SweepJob.spec` gives them, from that of the proof."""
        hows: tuple[How, ...] = ("fast", "optimize") if self.how == "both" else (self.how,)
        return [self._spec(proof, how) for how in hows]

    def _spec(self, proof: Mapping[str, Any], how: How) -> dict[str, Any]:
        # Not by way of a SweepJob, which takes three times as long: there may be very many.
        out = f"{final_stem(proof['out'])}{OPTIMIZED if how == 'optimize' else ''}.png"
        options = {**proof["options"], "size": self.size}
        return {**proof, "out": out, "kind": "final", "how": how, "options": options, "upscale": self.upscale}


def final_stem(out: str) -> str:
    """What the names of a proof and of its finals have in common."""
    return _ENDING.sub("", out.removeprefix(f"{PROOFS}/").removesuffix(".png"))


def order_finals(ledger: Ledger, options: FinalOptions, ratings: Mapping[str, str]) -> str:
    """Queues the finals of the proofs that are painted, in order; what was queued before and is not chosen goes.

    Args:
        ledger: of the sweep.
        options: which, and how.
        ratings: by file below the folder.

    Returns:
        What the user should know of it; as a rule nothing.
    """
    chosen = choose(painted(ledger), ratings, options.which)
    queue = _Queue(ledger, options, _names_of_others(ledger, options, {"done", "running"}))
    queue.add(chosen)
    waiting = _waiting(ledger)
    ledger.remove_waiting([name for name in waiting if name not in queue.places])
    before = [name for name in waiting if name in queue.places]
    after = sorted(before, key=queue.places.__getitem__)
    if before != after:
        ledger.put_last(after)
    return queue.note


def order_picks(
    ledger: Ledger, options: FinalOptions, ratings: Mapping[str, str], ratings_before: Mapping[str, str]
) -> None:
    """Puts the finals of what is picked now before all others, and takes out those of what was rejected.

    For while they are painted: what it takes goes by the picks, not by how many finals there are.

    Args:
        ledger: of the sweep.
        options: which, and how.
        ratings: by file below the folder.
        ratings_before: those by which finals were queued.
    """
    proofs = {proof.out: proof for proof in painted(ledger) if proof.out in ratings or proof.out in ratings_before}
    changed = [proof for proof in proofs.values() if ratings.get(proof.out) != ratings_before.get(proof.out)]
    rejected = {final_stem(proof.out) for proof in changed if ratings.get(proof.out) == "rejected"}
    if rejected:
        ledger.remove_waiting([name for name in _waiting(ledger) if final_stem(name) in rejected])
    others = _names_of_others(ledger, options, {"done", "running", "waiting"})
    if options.which == "all":  # what is not rated any more comes last
        ledger.put_last(_Queue(ledger, options, others).add(_unrated(changed, ratings)))
    ledger.put_first(_Queue(ledger, options, others).add(choose(proofs.values(), ratings, "picked")))


def _unrated(proofs: Iterable[Proof], ratings: Mapping[str, str]) -> list[str]:
    return [proof.out for proof in proofs if ratings.get(proof.out, "unrated") == "unrated"]


def queue_finals(folder: Path, proofs: Sequence[str], options: FinalOptions = FinalOptions()) -> int:
    """Queues the finals of these proofs, in this order, for whatever sweep works on the folder, now or later.

    Args:
        folder: of the sweep.
        proofs: by their files below the folder, as in `proofs/cat-udnie.png`.
        options: how they are finished; `which` does not matter.

    Returns:
        How many there are, those included that were there before.

    Raises:
        ConfigError: One of them is no proof of this sweep.
        NstError: The ledger cannot be used.
    """
    ledger = Ledger(folder / LEDGER)
    wanted = list(dict.fromkeys(proofs))
    found = {spec["out"] for spec in ledger.specs(wanted)}
    if missing := [name for name in wanted if name not in found or not name.startswith(f"{PROOFS}/")]:
        raise ConfigError(f"{missing[0]} is no proof of the sweep in {folder}; sweep its photo first: impasto sweep")
    queue = _Queue(ledger, options, _names_of_others(ledger, options, {"done", "running", "waiting"}))
    names = queue.add(wanted)
    ledger.put_last(names)
    return len(names)


class _Queue:
    """Puts finals into a ledger, each once, behind what is there.

    Args:
        ledger: of the sweep.
        options: how they are made.
        others: names that finals of another size have, which the new ones are not to replace.
    """

    def __init__(self, ledger: Ledger, options: FinalOptions, others: Mapping[str, Sized]) -> None:
        self._ledger, self._options, self._others = ledger, options, others
        self.places: dict[str, int] = {}
        """Of each final in the order."""
        self.note = ""
        """What the user should know."""

    def add(self, proofs: Iterable[str]) -> list[str]:
        """Puts the finals of these proofs, and gives their files; one that is there already stays where it is."""
        names = iter(proofs)
        while some := list(islice(names, AT_ONCE)):
            jobs = {
                self._own(spec["out"]): spec
                for proof in self._ledger.specs(some)
                for spec in self._options.specs(proof)
            }
            put = self._ledger.add_all((own, spec | {"out": own}) for own, spec in jobs.items())
            for own, spec in jobs.items():
                self.places.setdefault(own, len(self.places))
                if put and own != (plain := spec["out"]) and not self.note:
                    self.note = f"{plain} is there in another size and stays; the new one is {own}, and so are others"
        return list(self.places)

    def _own(self, plain: str) -> str:
        """The name of a final, with its size where the plain one is that of another size."""
        if (other := self._others.get(plain)) is None:
            return plain
        size, upscale = other
        ending = "" if size == self._options.size else f"-{self._options.size}px" if self._options.size else "-original"
        ending += "" if upscale == self._options.upscale else f"-{self._options.upscale or 1}x"
        return f"{plain.removesuffix('.png')}{ending}.png"


def _names_of_others(ledger: Ledger, options: FinalOptions, states: set[State]) -> dict[str, Sized]:
    """The finals that are of another size than those of some options, in these states."""
    rows = ledger.values(["name", "state", "spec.options.size", "spec.upscale"], unlike=f"{PROOFS}/*")
    return {
        name: (size, upscale)
        for name, state, size, upscale in rows
        if state in states and (size, upscale) != (options.size, options.upscale)
    }


def _waiting(ledger: Ledger) -> list[str]:
    """The finals that wait, in order."""
    return [name for (name,) in ledger.values(["name"], "waiting", unlike=f"{PROOFS}/*")]
