"""Stations on the machines of a Ray cluster do a night's jobs; they may come, fall and hang, and no job is lost."""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from nst_core.cluster import Head, end_actor
from nst_core.errors import NstError
from nst_core.jobs import Ended, Job
from studio.sweep.cluster import BATCHES, Batch, Hired, hire, posts_of
from studio.sweep.job import SweepJob
from studio.sweep.station import Duty, Outcome
from studio.sweep.turn import Pace, now
from studio.sweep.workers import GATHER_S, PATIENCE_S

BATCH_S, MOST = 4.0, 32
"""How long a batch takes, about, and the most jobs in it for each core."""
LOOK_EVERY_S = 5.0
"""Between two looks for new machines and for stations that hang."""
LATE, LATE_S = 5.0, 60.0
"""By so many times what is usual, and so many seconds at least, a batch is late."""
TRIES = 3
"""A job that so many stations fell over is set aside."""
STARTS = 3
"""A machine on which so many stations fell before they were ready is given up."""
HALT_S = 15.0
"""For stations to end what they paint."""

Say = Callable[[str], None]


class RayWorkers:
    """Stations, as many as the cluster has room for at the time.

    Args:
        duty: theirs; `cores` and `memory_limit` are shared out among them.
        say: takes a line for the user.
    """

    def __init__(self, duty: Duty, say: Say) -> None:
        self._duty, self._say = duty, say
        self.out_of_time = False
        self._stations: list[Hired] = []
        self._open: dict[int, Job] = {}
        """What is not over, by its id."""
        self._queue: list[Job] = []
        """Of these, what no station has; and what one has that hangs."""
        self._over: list[Ended] = []
        """Not told yet."""
        self._pace = Pace()
        self._falls: Counter[int] = Counter()
        """Of stations, by the job that they had."""
        self._starts: Counter[str] = Counter()
        """Of stations that fell before they were ready, by their machine."""
        self._unfit: NstError | None = None
        """Why the last machine was given up."""
        self._looked = -math.inf
        self._head = Head()

    @property
    def room(self) -> int:
        cores = sum(station.post.cores for station in self._stations if station.host)
        job = next(iter(self._open.values()), None)
        return (BATCHES + 1) * max(1, cores) * (self._per_core(job) if job else 1)

    def send(self, jobs: Sequence[Job]) -> None:
        self._open |= {job.id: job for job in jobs}
        self._queue += jobs
        self._give()

    def ended(self) -> list[Ended]:
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            if (nodes := self._head.nodes()) is not None:
                self._hire(nodes)
            self._look_after()
            self._looked = time.monotonic()
        self._give()
        calls = self._calls()
        if calls:
            ray.wait(list(calls), timeout=PATIENCE_S)
            for call in ray.wait(list(calls), num_returns=len(calls), timeout=GATHER_S)[0]:
                self._returned(calls[call], call)
        else:  # no machine is there
            time.sleep(PATIENCE_S)
        if self._duty.until and now() > self._duty.until:
            self.out_of_time = True
            self._over += [Ended(job.id, 0.0) for job in self._queue if self._open.pop(job.id, None)]
        self._give()
        over, self._over = self._over, []
        return over

    def halt(self) -> list[Ended]:
        with contextlib.suppress(RayError, NstError):
            for station in self._stations:
                if station.host:
                    station.actor.stop.remote()
            calls = {call: station for station in self._stations for call in station.batches}
            for call in ray.wait(list(calls), num_returns=len(calls), timeout=HALT_S)[0] if calls else ():
                self._returned(calls[call], call)
        return self._over

    def dismiss(self) -> None:
        """Ends all stations, at once."""
        for station in self._stations:
            end_actor(station.actor)

    def _calls(self) -> dict[Any, Hired]:
        """All that something will come of, and the station that it will come from."""
        found = {call: station for station in self._stations for call in station.batches}
        return found | {station.report: station for station in self._stations if not station.host}

    def _hire(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Puts stations where there is room.

        Raises:
            NstError: On no machine does one stand.
        """
        posts = [post for node in nodes for post in posts_of(node, self._duty.provider, self._duty.memory_limit)]
        usable = [post for post in posts if self._starts[post.node] < STARTS]
        if posts and not usable:
            raise self._unfit or NstError("no machine of the cluster can paint; Ray's logs in /tmp/ray say why")
        taken = Counter(station.post for station in self._stations)
        for post in (Counter(usable) - taken).elements():
            self._stations.append(hire(post, self._duty))

    def _give(self) -> None:
        """Gives batches to stations: each gets one before any gets two."""
        self._queue = [job for job in self._queue if job.id in self._open]
        for had in range(BATCHES):
            for station in self._stations:
                if station.free and len(station.batches) == had and (jobs := self._next_for(station)):
                    given = {job.id for job in jobs}
                    self._queue = [job for job in self._queue if job.id not in given]
                    call = station.actor.work.remote(jobs)
                    station.batches[call] = Batch(jobs, time.monotonic())

    def _next_for(self, station: Hired) -> list[Job]:
        """What a station gets next; a job that another one fell over it does alone, to tell which job it was."""
        if suspects := [job for job in self._queue if self._falls[job.id]]:
            station.alone = not station.batches
            return suspects[:1] if station.alone else []
        if not self._queue:
            return []
        fair = math.ceil(len(self._queue) / BATCHES / sum(bool(other.host) for other in self._stations))
        return self._queue[: min(fair, station.post.cores * self._per_core(self._queue[0]))]

    def _per_core(self, job: Job) -> int:
        """Jobs like this one that a core does in a batch."""
        return max(1, min(MOST, int(BATCH_S / self._pace.seconds(SweepJob.from_spec(job.spec)))))

    def _returned(self, station: Hired, call: Any) -> None:
        """Takes what came of a call."""
        try:
            found: Any = ray.get(call)
        except RayTaskError as error:
            if station.host or not isinstance(error.cause, NstError):
                raise error.cause from error
            self._give_up(station, error.cause)
        except RayError:  # the process, its machine or the network fell
            if station in self._stations:
                self._fallen(station)
        else:
            if station.host:
                self._done(station, call, found)
            else:
                station.host = found

    def _done(self, station: Hired, call: Any, found: Outcome) -> None:
        """Takes what came of a batch."""
        del station.batches[call]
        station.alone = False
        self.out_of_time |= found.out_of_time
        for end in found.ended:
            job = self._open.pop(end.id, None)
            if job is None:  # another station was quicker
                continue
            if end.result is not None:
                self._pace.add(SweepJob.from_spec(job.spec), end.seconds)
            self._over.append(end)
        if found.fault:
            raise found.fault

    def _give_up(self, station: Hired, why: NstError) -> None:
        """Has nothing done on a machine that cannot do it."""
        self._unfit = why
        if self._starts[station.post.node] < STARTS:
            self._say(f"impasto: {why}; nothing is painted there")
        self._starts[station.post.node] = STARTS
        self._dismiss(station)

    def _fallen(self, station: Hired) -> None:
        """What a station had waits again, or is set aside."""
        self._dismiss(station)  # one that cannot be reached may live
        if not station.host:
            self._starts[station.post.node] += 1
            return
        lost = [job for batch in station.batches.values() for job in batch.jobs if job.id in self._open]
        for job in lost:
            del self._open[job.id]
            self._falls[job.id] += 1
            reason = f"{self._falls[job.id]} processes fell over it, the last on {station.host}; it was set aside"
            self._over.append(Ended(job.id, 0.0, reason=reason if self._falls[job.id] >= TRIES else None))
        self._say(f"impasto: a process on {station.host} has fallen; what it had ({len(lost)}) waits again")

    def _dismiss(self, station: Hired) -> None:
        self._stations.remove(station)
        end_actor(station.actor)
        self._looked = -math.inf  # another one may take its place

    def _look_after(self) -> None:
        """What a station has been at for too long goes to others, too; who is first counts."""
        for station in self._stations:
            for batch in station.batches.values():
                job = SweepJob.from_spec(batch.jobs[0].spec)
                usual = self._pace.known(job)
                took = time.monotonic() - batch.began
                rounds = BATCHES * math.ceil(len(batch.jobs) / station.post.cores)
                if batch.late or usual is None or took < max(LATE_S, LATE * usual * rounds):
                    continue
                batch.late = True
                left = [job for job in batch.jobs if job.id in self._open]
                self._queue += left
                self._say(
                    f"impasto: {station.host} has been at {job.out} for {took:.0f} s, and one takes {usual:.1f} s as a "
                    f"rule; others do it, too ({len(left)} pictures)"
                )
