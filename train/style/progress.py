"""How far a style is, as whoever learns it tells whoever waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """How far the training of one style is."""

    step: int
    steps: int | None
    """All of them; None where the time decides."""
    seconds: float
    """Trained so far, all runs together."""
    share: float
    """Of the whole that is done, 0 to 1."""
    figures: Mapping[str, float]
    """Losses of the last steps, by name."""
