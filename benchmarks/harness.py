"""What every benchmark shares: how it is called, how time and memory are measured, and where figures are written.

A benchmark is a script whose docstring begins with what it measures and ends with the lines `Takes: ...` and
`Needs: ...`; `impasto bench` lists it by these. Its figures go to `results/`, and `rows.py` says what the README
tells of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from nst_core.errors import ConfigError, NstError
from nst_core.files import write_bytes
from nst_core.provenance import provenance

RESULTS = Path(__file__).parent / "results"
EXAMPLE_PAINTING = Path(__file__).parents[1] / "examples" / "paintings" / "swirling_night.jpg"

Way = TypeVar("Way", bound=Hashable)


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows the script's docstring as it is written."""
    name = f"impasto bench {Path(sys.argv[0]).stem}"
    return argparse.ArgumentParser(name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def run(main: Callable[[], None]) -> None:
    """Runs a benchmark; what its user can mend is told in one line."""
    try:
        main()
    except NstError as error:
        print(f"impasto: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_seconds(ways: Mapping[Way, Callable[[], object]], rounds: int) -> dict[Way, float]:
    """The median seconds of each way of doing the same.

    The ways take turns, so that whatever else the machine does hits all of them alike; at each turn a first pass,
    which finds memory and caches as the last way left them, is not counted.
    """
    times: dict[Way, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            work()
            times[way].append(seconds(work))
    return {way: statistics.median(found) for way, found in times.items()}


@dataclass(frozen=True)
class Apart:
    """What came of a program in a process of its own."""

    output: str
    peak_bytes: int
    """Resident, of the largest of the program's processes."""
    seconds: float
    """Start of the program included."""


# What the kernel tells of a program's peak begins with that of the process that started it: here one that is small.
_WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def run_apart(*command: str | Path) -> Apart:
    """Runs Python with these arguments.

    Raises:
        subprocess.CalledProcessError: it failed; what it said was shown.
    """
    watched = [sys.executable, "-c", _WATCH, sys.executable, *command]
    began = time.perf_counter()
    done = subprocess.run(watched, check=True, stdout=subprocess.PIPE, text=True)
    took = time.perf_counter() - began
    *lines, peak = done.stdout.splitlines()
    return Apart("\n".join(lines), int(peak) * (1 if sys.platform == "darwin" else 1024), took)


@contextmanager
def server(*options: str) -> Iterator[tuple[str, int]]:
    """Address and process of `impasto ui`, which runs meanwhile."""
    command = [sys.executable, "-m", "impasto.main", "ui", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://[^/]+", line := process.stdout.readline())
        if found is None:
            raise ConfigError(f"impasto ui did not start: {line}")
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(60)


def judge(script: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    """The lines of JSON that a judge, a program that scores pictures, prints.

    Raises:
        ConfigError: it failed.
    """
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"{script}: the judge failed: {done.stderr.strip().rpartition(chr(10))[2]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(name: str, figures: Mapping[str, object]) -> None:
    """Shows the figures, and writes them to `results/<name>.json` with what they were measured on and with."""
    command = shlex.join(["impasto", "bench", Path(sys.argv[0]).stem, *(Path(word).name for word in sys.argv[1:])])
    where = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "command": command,
        **provenance(),
    }
    path = RESULTS / f"{name}.json"
    text = json.dumps({"figures": figures, "measured": where}, indent=2)
    write_bytes(path, (text + "\n").encode())
    print(text)
    print(path)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
