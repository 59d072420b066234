"""What advice consists of: a verdict, and its reasons with their figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["good", "works", "weak", "texture", "too soft", "overwhelms", "subject", "no subject", "noisy"]


@dataclass(frozen=True)
class Verdict:
    """What a painter would say."""

    kind: Kind
    because: str
    instead: str | None
    """What else the picture is good for, where it is poor as what was asked."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.because}"


@dataclass(frozen=True)
class Reason:
    """One thing that was measured, and how much it speaks for the picture."""

    name: str
    figure: float
    """As measured."""
    good: float
    """0 speaks against the picture, 1 for it."""
    text: str


def rise(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, and a straight line between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
