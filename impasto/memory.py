"""Memory of this machine: how much there is to take, and how much this process took."""

import sys

import psutil
import torch

from nst_core.memory import available_bytes

FREE_SHARE, FREE_SHARE_CUDA = 0.8, 0.85
"""Of what is free, how much is taken unless a limit is given."""


def free_bytes(device: torch.device) -> int:
    """What may be taken on a device, leaving something for others."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * FREE_SHARE_CUDA)
    return int(available_bytes() * FREE_SHARE)


def resident_bytes() -> int:
    """What this process holds now."""
    return psutil.Process().memory_info().rss


def peak_bytes() -> int:
    """The most that this process has held so far."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class MemoryMeter:
    """Measures a piece of work: what the process held before, and the most it held since.

    Args:
        device: where the work is done.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before = resident_bytes()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def report(self, limit_bytes: int) -> str:
        """The peak, in a phrase."""
        allowed = f"of the {limit_bytes / 1e9:.2f} GB allowed"
        if self.device.type == "cuda":
            return f"peak {torch.cuda.max_memory_allocated(self.device) / 1e9:.2f} GB on the card, {allowed}"
        peak = peak_bytes()
        own = f"interpreter {self.before / 1e9:.2f} GB + {max(0, peak - self.before) / 1e9:.2f} GB"
        return f"peak {peak / 1e9:.2f} GB: {own} {allowed}"
