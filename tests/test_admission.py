"""Who is painted for, and when: lines, places, and work that nobody waits for any more."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from serve.api.admission import QUICK_PIXELS, Admission, Progress, Stopped
from serve.api.limits import Limits

LARGE = QUICK_PIXELS + 1


class Work:
    """Work that ends when it is let to, or stopped."""

    def __init__(self, name: str, done: list[str]) -> None:
        self.name, self.done = name, done
        self.begun, self.let, self.stopped = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> str:
        self.begun.set()
        try:
            while not self.let.wait(0.005):
                progress(0.25)
        except Stopped:
            self.stopped.set()
            raise
        self.done.append(self.name)
        return self.name


def run(test: Callable[[Admission], Coroutine[Any, Any, None]], **limits: Any) -> None:
    """Runs a test in an event loop, with a new admission, and sees that nothing is left in it."""

    async def whole() -> None:
        admission = Admission(Limits(**limits))
        await asyncio.wait_for(test(admission), 20)
        assert (admission.present, admission.running, admission.waiting) == (0, 0, 0)

    asyncio.run(whole())


async def until(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.005)


def test_first_come_first_served():
    async def test(admission: Admission) -> None:
        done: list[str] = []
        works = [Work(name, done) for name in "abcd"]
        tasks = [asyncio.create_task(admission.run(LARGE, work)) for work in works]
        await until(works[0].begun)
        assert (admission.running, admission.waiting) == (1, 3)
        assert not any(work.begun.is_set() for work in works[1:])
        for work in works:
            work.let.set()
        assert await asyncio.gather(*tasks) == list("abcd") == done

    run(test)


def test_as_many_at_once_as_the_limit_says():
    async def test(admission: Admission) -> None:
        works = [Work(name, []) for name in "abc"]
        tasks = [asyncio.create_task(admission.run(LARGE, work)) for work in works]
        await until(works[0].begun)
        await until(works[1].begun)
        assert (admission.running, admission.waiting) == (2, 1)
        for work in works:
            work.let.set()
        await asyncio.gather(*tasks)

    run(test, at_once=2)


def test_a_preview_does_not_wait_behind_a_print():
    async def test(admission: Admission) -> None:
        large, small = Work("print", []), Work("preview", [])
        task = asyncio.create_task(admission.run(LARGE, large))
        await until(large.begun)
        small.let.set()
        assert await admission.run(QUICK_PIXELS, small) == "preview"
        assert not task.done()
        large.let.set()
        assert await task == "print"

    run(test)


def test_position_and_share_are_told():
    async def test(admission: Admission) -> None:
        told: list[tuple[int, float]] = []

        async def report(position: int, share: float) -> None:
            if (position, share) not in told:
                told.append((position, share))

        works = [Work(name, []) for name in "abc"]
        tasks = [asyncio.create_task(admission.run(LARGE, work)) for work in works[:2]]
        await until(works[0].begun)
        tasks.append(asyncio.create_task(admission.run(LARGE, works[2], report)))
        for work, wanted in zip(works, [(2, 0.0), (1, 0.0), (0, 0.25)], strict=True):
            while wanted not in told:
                await asyncio.sleep(0.005)
            work.let.set()
        await asyncio.gather(*tasks)
        assert told == [(2, 0.0), (1, 0.0), (0, 0.0), (0, 0.25)]

    run(test)


def test_who_leaves_the_line_makes_room():
    async def test(admission: Admission) -> None:
        works = [Work(name, []) for name in "abc"]
        tasks = [asyncio.create_task(admission.run(LARGE, work)) for work in works]
        await until(works[0].begun)
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        assert admission.waiting == 1
        works[0].let.set()
        await until(works[2].begun)
        works[2].let.set()
        assert [await tasks[0], await tasks[2]] == ["a", "c"]
        assert not works[1].begun.is_set()

    run(test)


def test_cancelled_work_is_stopped_and_keeps_its_place_until_it_has():
    async def test(admission: Admission) -> None:
        holds = threading.Event()

        def stubborn(progress: Progress) -> None:
            holds.wait()
            progress(0.5)

        task = asyncio.create_task(admission.run(LARGE, stubborn))
        while not admission.running:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0.05)
        assert admission.running == 1 and not task.done()
        holds.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test)


def test_time_is_limited_waiting_and_working():
    async def test(admission: Admission) -> None:
        works = [Work(name, []) for name in "ab"]
        tasks = [asyncio.create_task(admission.run(LARGE, work)) for work in works]
        for task in tasks:
            with pytest.raises(HTTPException, match=r"not done within 0\.2 s; try a smaller size") as refused:
                await task
            assert refused.value.status_code == 503 and refused.value.headers == {"Retry-After": "30"}
        assert works[0].stopped.is_set()

    run(test, timeout_s=0.2)


def test_error_of_the_work_is_the_callers():
    async def test(admission: Admission) -> None:
        def fails(progress: Progress) -> None:
            raise TimeoutError("of its own")

        with pytest.raises(TimeoutError, match="of its own"):
            await admission.run(1, fails)

    run(test)


def test_one_too_many_is_refused_at_the_door():
    async def test(admission: Admission) -> None:
        places = [admission.place() for _ in range(5)]  # two lanes, and three that wait
        for place in places:
            place.__enter__()
        with pytest.raises(HTTPException, match="5 requests are in hand already") as refused, admission.place():
            pass
        assert refused.value.status_code == 429 and refused.value.headers == {"Retry-After": "2"}
        places.pop().__exit__(None, None, None)
        with admission.place():
            assert admission.present == 5
        for place in places:
            place.__exit__(None, None, None)

    run(test, waiting=3)


def test_closing_refuses_who_comes_and_lets_who_is_in_finish():
    async def test(admission: Admission) -> None:
        works = [Work(name, []) for name in "ab"]
        tasks = [asyncio.create_task(admission.run(LARGE, work)) for work in works]
        await until(works[0].begun)
        admission.close()
        with pytest.raises(HTTPException, match="shutting down") as refused, admission.place():
            pass
        assert refused.value.status_code == 503 and refused.value.headers == {"Retry-After": "30"}
        for work in works:
            work.let.set()
        assert [await task for task in tasks] == ["a", "b"]

    run(test)
