"""Many clients at once: `impasto ui` in a process of its own, each client painting 512 px again and again.

    impasto bench serve_load [--clients 16] [--seconds 60]

Counted are the answers by status, the seconds of those with a picture, and the server's memory, once a second; its
baseline is the same client alone, before.

Takes: 80 seconds.
Needs: nothing.
"""

from __future__ import annotations

import collections
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
from engine import scene
from harness import argument_parser, record, run, server

from nst_core.picture import picture_bytes

STYLE = "starry_night"


def paint(client: httpx.Client, photo: bytes) -> tuple[int, float]:
    """Status and seconds of one picture."""
    began = time.perf_counter()
    files = {"image": ("photo.jpg", photo)}
    answer = client.post("/api/v1/paint", files=files, data={"style": STYLE, "format": "jpeg"}, timeout=120)
    if answer.status_code in (429, 503):
        time.sleep(float(answer.headers["Retry-After"]))
    return answer.status_code, time.perf_counter() - began


def load(address: str, photo: bytes, clients: int, seconds: float) -> list[tuple[int, float]]:
    """What so many clients are answered in that time."""
    found: list[tuple[int, float]] = []
    until = time.perf_counter() + seconds

    def work() -> None:
        with httpx.Client(base_url=address) as client:
            while time.perf_counter() < until:
                found.append(paint(client, photo))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def figures(found: list[tuple[int, float]], seconds: float) -> dict[str, object]:
    painted = sorted(took for status, took in found if status == 200)
    return {
        "answers": dict(collections.Counter(status for status, _ in found)),
        "pictures_per_second": round(len(painted) / seconds, 1),
        "median_seconds": round(statistics.median(painted), 3),
        "p95_seconds": round(painted[int(len(painted) * 0.95)], 3),
    }


@contextmanager
def watched_memory(process: int, found: list[int]) -> Iterator[None]:
    """Meanwhile, once a second, appends to `found` the bytes that a process holds."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(1):
            found.append(psutil.Process(process).memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    photo = picture_bytes(scene(512, 512), "photo.jpg")
    memory: list[int] = []
    with server() as (address, process):
        alone = load(address, photo, 1, 10)
        with watched_memory(process, memory):
            many = load(address, photo, options.clients, options.seconds)
    quarter = max(1, len(memory) // 4)
    measured = {
        "clients": options.clients,
        "seconds": options.seconds,
        "alone": figures(alone, 10),
        "together": figures(many, options.seconds),
        "memory_gb": {
            "first_quarter": round(statistics.mean(memory[:quarter]) / 1e9, 3),
            "last_quarter": round(statistics.mean(memory[-quarter:]) / 1e9, 3),
            "peak": round(max(memory) / 1e9, 3),
        },
    }
    record("serve_load", measured)


if __name__ == "__main__":
    run(main)
