"""Who is painted for, and when: short lines, first come first served, and an end to work that nobody waits for."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from serve.api.limits import Limits
from serve.api.problems import refusal

QUICK_PIXELS = 1_500_000
"""A picture of no more is a preview, which has a lane of its own: it never waits behind a print."""
LOOK_EVERY_S = 0.1
RETRY_S = 2
"""When to come again after 429."""
RETRY_LATER_S = 30
"""When to come again after 503."""

Result = TypeVar("Result")
Report = Callable[[int, float], Awaitable[None]]
"""Told again and again: the position in the line (0: the work has begun), and the share that is done."""


async def silent(position: int, share: float) -> None:
    """A report that nobody hears."""


class Stopped(Exception):
    """Ends work that nobody waits for any more."""


class Progress:
    """How far a piece of work is; its thread calls it with the share done, and is stopped there."""

    def __init__(self) -> None:
        self.share = 0.0
        self._stop = threading.Event()

    def __call__(self, share: float) -> None:
        if self._stop.is_set():
            raise Stopped
        self.share = share

    def stop(self) -> None:
        self._stop.set()


class Lane:
    """A line of its own with so many places at its head; used from the event loop only."""

    def __init__(self, places: int) -> None:
        self.places = self._free = places
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._line)

    @property
    def running(self) -> int:
        return self.places - self._free

    def join(self) -> asyncio.Future[None]:
        """A turn at the end of the line; it is done when it has come."""
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._move_up()
        return turn

    def position(self, turn: asyncio.Future[None]) -> int:
        """How many turns until this one, 1 for the next; 0 when it has come."""
        return self._line.index(turn) + 1 if turn in self._line else 0

    def leave(self, turn: asyncio.Future[None]) -> None:
        """Gives a place back, or up."""
        if turn in self._line:
            self._line.remove(turn)
        else:
            self._free += 1
            self._move_up()

    def _move_up(self) -> None:
        while self._free and self._line:
            self._free -= 1
            self._line.popleft().set_result(None)


class Admission:
    """Lets requests in, and their work into threads, no more at a time than the limits say.

    A request has a place from its first byte on, so that one too many is refused before its upload is read.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.quick, self.long = Lane(limits.at_once), Lane(limits.at_once)
        self.present = 0
        self.leaving = False
        """Whether the server is about to end, so that no more work should be sent here."""
        self.closing = False
        """Whether work is refused for that."""
        places = self.quick.places + self.long.places
        self.capacity = places + limits.waiting
        self._threads = ThreadPoolExecutor(places, thread_name_prefix="painting")

    @property
    def waiting(self) -> int:
        return self.quick.waiting + self.long.waiting

    @property
    def running(self) -> int:
        return self.quick.running + self.long.running

    @property
    def is_full(self) -> bool:
        return self.present >= self.capacity

    def leave(self) -> None:
        """From now on the server says that it ends; work is still let in."""
        self.leaving = True

    def close(self) -> None:
        """From now on nothing is let in; what is in hand goes on."""
        self.leaving = self.closing = True

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place for one request, from its arrival until its answer is sent.

        Raises:
            HTTPException: 429, there is none left; 503, the server is shutting down.
        """
        if self.closing:
            raise refusal(503, "the server is shutting down; try again in a while", RETRY_LATER_S)
        if self.is_full:
            raise refusal(429, f"{self.present} requests are in hand already; try again in a moment", RETRY_S)
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1

    async def run(self, pixels: int, work: Callable[[Progress], Result], report: Report = silent) -> Result:
        """Does a piece of work in a thread when its turn has come.

        When the caller is cancelled or its time is up, the work is stopped where it next calls its progress;
        only then is its place free.

        Args:
            pixels: how large the work is; decides the lane.
            work: gets a `Progress` to call.
            report: is told how it goes.

        Raises:
            HTTPException: 503, the time is up.
        """
        lane = self.quick if pixels <= QUICK_PIXELS else self.long
        turn, progress = lane.join(), Progress()
        future: asyncio.Future[Result] | None = None

        async def report_waiting() -> None:
            await report(lane.position(turn), 0.0)

        async def report_working() -> None:
            await report(0, progress.share)

        try:
            async with asyncio.timeout(self.limits.timeout_s) as time:
                await _watch(turn, report_waiting)
                future = asyncio.get_running_loop().run_in_executor(self._threads, work, progress)
                await _watch(future, report_working)
            return future.result()
        except TimeoutError as error:
            if not time.expired():
                raise
            limit = f"{self.limits.timeout_s:g} s"
            raise refusal(503, f"the picture was not done within {limit}; try a smaller size", RETRY_LATER_S) from error
        finally:
            progress.stop()
            if future is not None:
                await asyncio.wait({future})
                future.exception()  # else asyncio would complain that nobody asked
            lane.leave(turn)


async def _watch(future: asyncio.Future[Any], report: Callable[[], Awaitable[None]]) -> None:
    """Waits, and reports meanwhile."""
    while not future.done():
        await report()
        await asyncio.wait({future}, timeout=LOOK_EVERY_S)
