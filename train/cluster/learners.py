"""Easels on the machines of a Ray cluster learn a night's styles, each a style; they may come, fall and hang."""

from __future__ import annotations

import contextlib
import errno
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from nst_core.cluster import Head, end_actor
from nst_core.copies import origin
from nst_core.errors import NstError
from nst_core.jobs import Job
from train.cluster.easel import Duty
from train.cluster.places import Hired, Place, hire, places_of
from train.night.queue import News
from train.style.job import StyleJob

LOOK_EVERY_S = 5.0
"""Between two looks for new machines and for easels that hang."""
PATIENCE_S, GATHER_S = 1.0, 0.02
"""For something to be told, before the night looks around; and for what is told at the same time."""
LATE_S = 120.0
"""Without a word, after which that is said."""
HUNG_S, FIRST_S = 900.0, 3600.0
"""Without a word, after which another easel goes on; before the first step, when a machine may have to read photos."""
TRIES = 3
"""A job over which so many easels fell is set aside."""
STARTS = 3
"""A machine on which so many easels fell before they began is given up."""
HALT_S, COMING_S = 40.0, 5.0
"""For easels to keep the state of what they learn; and for those that nobody has heard of yet, which may never come."""


class RayLearners:
    """As many easels as the cluster has room for at the time.

    Args:
        duty: theirs.
        say: takes a line for the user.
    """

    def __init__(self, duty: Duty, say: Callable[[str], None]) -> None:
        self._duty, self._say = duty, say
        self._places: list[Place] = []
        """All of the cluster, when it was last looked at, but for machines that were given up."""
        self._easels: list[Hired] = []
        self._falls: dict[int, list[str]] = {}
        """Machines on which easels fell, by the id of the job that they had."""
        self._starts: Counter[str] = Counter()
        """Of easels that fell before they began, by their machine."""
        self._unfit = ""
        """Why the last machine was given up."""
        self._waited = False
        """Whether there was no machine at the last look."""
        self._head = Head()
        self._look()

    @property
    def room(self) -> int:
        return len(self._free())

    def begin(self, job: Job, budget_s: float | None) -> None:
        fallen_on = self._falls.get(job.id, [])
        place = min(self._free(), key=lambda place: fallen_on.count(place.node))  # another machine, if there is one
        needs = {path: origin(path) for path in _files_of(job) if path.exists()}
        self._easels.append(hire(place, job, self._duty, needs, budget_s))

    def news(self) -> list[News]:
        found: list[News] = []
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            self._look()
            found += self._look_after()
        words = {easel.words: easel for easel in self._easels}
        if not words:  # no machine is there
            time.sleep(PATIENCE_S)
        elif ray.wait(list(words), timeout=0 if found else PATIENCE_S)[0]:
            ready = ray.wait(list(words), num_returns=len(words), timeout=GATHER_S)[0]
            found += [news for word in ready if (news := self._heard(words[word])) is not None]
        return found

    def halt(self) -> None:
        self._say = lambda line: None  # whatever falls now is to end
        with contextlib.suppress(RayError, NstError):
            for easel in self._easels:
                easel.actor.stop.remote()
            halted = time.monotonic()
            while any(time.monotonic() - halted < (HALT_S if easel.host else COMING_S) for easel in self._easels):
                words = {easel.words: easel for easel in self._easels}
                for word in ray.wait(list(words), timeout=PATIENCE_S)[0]:
                    self._heard(words[word])

    def dismiss(self) -> None:
        """Ends all easels, at once."""
        for easel in self._easels:
            end_actor(easel.actor)

    def _free(self) -> list[Place]:
        return list((Counter(self._places) - Counter(easel.place for easel in self._easels)).elements())

    def _look(self) -> None:
        """Finds the machines that are there.

        Raises:
            NstError: On none of them can be learned, or the head of the cluster is gone.
        """
        self._looked = time.monotonic()
        for token in self._duty.tokens:
            with contextlib.suppress(OSError):
                token.touch()  # or another night would take it for abandoned
        if (nodes := self._head.nodes()) is None:
            return
        places = [place for node in nodes for place in places_of(node, self._duty.machines)]
        self._places = [place for place in places if self._starts[place.node] < STARTS]
        if places and not self._places:
            raise NstError(f"no machine of the cluster can learn: {self._unfit}")
        if not places and not self._waited:
            self._say("impasto: no machine of the cluster has room for a training; this waits for one")
        self._waited = not places

    def _heard(self, easel: Hired) -> News | None:
        """Takes in the next word of an easel."""
        try:
            told: Any = ray.get(next(easel.words))
        except StopIteration:
            return self._fallen(easel, "it said no more")
        except RayError as error:  # the process, its machine or the network fell
            lines = str(error).strip().split("\n")
            return self._fallen(easel, lines[0] if easel.host else lines[-1])  # the last one says why it did not start
        easel.heard, easel.late = time.monotonic(), False
        if told.what in ("here", "report"):
            easel.host, easel.begun = told.text or easel.host, told.what == "report"
            return News(easel.job.id, "progress", told.report, easel.host)
        if told.what == "fallen":
            return self._fallen(easel, told.text)
        self._dismiss(easel)
        if told.what == "full":
            raise NstError(f"{easel.host}: {told.text}") from OSError(errno.ENOSPC, "")
        if told.what == "unfit":
            self._give_up(easel.place.node, told.text)
        kind = "waits" if told.what == "unfit" else told.what
        return News(easel.job.id, kind, host=easel.host, result=told.result, reason=told.text)

    def _give_up(self, node: str, why: str) -> None:
        """Has nothing learned on a machine that cannot do it."""
        if self._starts[node] < STARTS:
            self._say(f"impasto: {why}; nothing is learned there")
        self._starts[node], self._unfit, self._looked = STARTS, why, -math.inf
        self._places = [place for place in self._places if place.node != node]

    def _fallen(self, easel: Hired, why: str) -> News:
        """What an easel had waits again, or is set aside."""
        self._dismiss(easel)
        if not easel.host:
            self._starts[easel.place.node] += 1
            self._unfit = why
            return News(easel.job.id, "waits")
        falls = self._falls.setdefault(easel.job.id, [])
        falls.append(easel.place.node)
        if len(falls) >= TRIES:
            reason = f"{len(falls)} processes fell over it, the last on {easel.host} ({why}); it was set aside"
            return News(easel.job.id, "failed", host=easel.host, reason=reason)
        self._say(f"impasto: what learned {easel.job.name} on {easel.host} has fallen ({why}); another goes on with it")
        return News(easel.job.id, "waits")

    def _dismiss(self, easel: Hired) -> None:
        self._easels.remove(easel)
        end_actor(easel.actor)
        self._looked = -math.inf  # its machine may be gone

    def _look_after(self) -> list[News]:
        """Tells of easels that have long been silent, and does without them in the end."""
        fallen = []
        for easel in [easel for easel in self._easels if easel.host]:
            silent_s = time.monotonic() - easel.heard
            if silent_s > (HUNG_S if easel.begun else FIRST_S):
                ray.wait([easel.actor.end.remote()], timeout=PATIENCE_S)
                fallen.append(self._fallen(easel, f"it has told nothing for {silent_s:.0f} s"))
            elif silent_s > LATE_S and not easel.late:
                easel.late = True
                self._say(f"impasto: {easel.host} has told nothing of {easel.job.name} for {silent_s:.0f} s")
        return fallen


def _files_of(job: Job) -> list[Path]:
    style = StyleJob.from_spec(job.spec)
    return [path for path in (style.photos, style.base, *(painting.path for painting in style.paintings)) if path]
