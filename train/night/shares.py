"""The arithmetic of a night: what each of many trainings may take, of which some run side by side."""

from __future__ import annotations

import bisect
from collections.abc import Sequence


def longest_share(rests: Sequence[float], jobs: int) -> float:
    """The longest time that so many jobs can have each, one after another, in places that have so much time left."""
    rests = [rest for rest in rests if rest > 0]
    lengths = sorted({rest / count for rest in rests for count in range(1, jobs + 1)}, reverse=True)
    places = bisect.bisect_left(lengths, jobs, key=lambda length: sum(int(rest / length + 1e-9) for rest in rests))
    return lengths[places] if places < len(lengths) else 0.0


def time_to_end(rests: Sequence[float], jobs: int, usual: float) -> float:
    """How long it is until the last of so many jobs has ended that take the usual time each.

    Args:
        rests: of each place, until it is free.
        jobs: that wait.
        usual: time that one takes.
    """
    rounds, more = divmod(jobs, len(rests))
    return max(rest + (rounds + (place < more)) * usual for place, rest in enumerate(sorted(rests)))
