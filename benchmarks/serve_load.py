"""Many clients at once: `impasto ui` in a process of its own, each client painting 512 px again and again.

    python benchmarks/serve_load.py [--clients 16] [--seconds 60]

Counted are the answers by status, the seconds of those with a picture, and the server's memory, once a second; its
baseline is the same client alone, before.
"""

from __future__ import annotations

import argparse
import collections
import re
import statistics
import subprocess
import sys
import threading
import time

import httpx
import psutil
from engine import scene
from record import record

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    photo = picture_bytes(scene(512, 512), "photo.jpg")
    server = subprocess.Popen([sys.executable, "-m", "impasto.main", "ui", "--port", "0"], stdout=subprocess.PIPE)
    memory: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(1):
            memory.append(psutil.Process(server.pid).memory_info().rss)

    try:
        assert server.stdout is not None
        found = re.search(r"http://[^/]+", server.stdout.readline().decode())
        assert found, "the server did not start"
        alone = load(found[0], photo, 1, 10)
        watcher = threading.Thread(target=watch)
        watcher.start()
        many = load(found[0], photo, options.clients, options.seconds)
        ended.set()
        watcher.join()
    finally:
        server.terminate()
        server.wait(60)
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
    print(measured)
    print(record("serve_load", measured))


if __name__ == "__main__":
    main()
