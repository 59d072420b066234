"""Where a figure came from: machine, versions, commit and command, written beside it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from nst_core.files import write_bytes
from nst_core.provenance import provenance

RESULTS = Path(__file__).parent / "results"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def record(name: str, figures: Mapping[str, object]) -> Path:
    """Write `results/<name>.json`: the figures, and what they were measured on and with."""
    command = shlex.join([f"benchmarks/{Path(sys.argv[0]).name}", *(Path(a).name for a in sys.argv[1:])])
    where = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "command": command,
        **provenance(),
    }
    path = RESULTS / f"{name}.json"
    write_bytes(path, (json.dumps({"figures": figures, "measured": where}, indent=2) + "\n").encode())
    return path
