"""What computes here."""

import platform
import re
from pathlib import Path
from typing import Any

import torch


def hardware() -> dict[str, Any]:
    """The processor, its threads as torch uses them, and the graphics card, if any."""
    return {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "card": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def processor() -> str:
    """The processor's name."""
    cpu_info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.+)", cpu_info.read_text()) if cpu_info.is_file() else []
    return models[0] if models else platform.processor() or platform.machine()
