"""The subject of a picture: whether there is one, where it is, and how it stands out from its ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.advise.seen import Seen
from studio.advise.verdict import rise
from studio.subject.saliency import saliency


@dataclass(frozen=True, eq=False)
class Subject:
    """What catches the eye."""

    map: np.ndarray
    """(H, W) in [0, 1]: how much each place stands out."""
    area: float
    """Share of the picture that stands out clearly."""
    separation: float
    """ΔE between the mean colors of subject and ground, in hundreds."""
    value_separation: float
    """The same of L alone."""
    spread: float
    """Standard deviation of the places that stand out, in long sides: 0.4 is all over."""
    decision: float
    """How clearly each place is either subject or ground, in [0, 1]."""

    @property
    def strength(self) -> float:
        """1 where one compact thing stands out, whatever is around it."""
        return rise(self.decision, 0.5, 0.8) * rise(0.36 - self.spread, 0, 0.12)

    @property
    def dominance(self) -> float:
        """1 where one compact thing stands on a plain ground: as a style, that has nothing but its form."""
        return rise(self.separation, 0.15, 0.5) * rise(self.decision, 0.7, 0.88) * rise(0.30 - self.spread, 0, 0.08)


def find_subject(seen: Seen) -> Subject:
    """Looks for what stands out."""
    found = saliency(seen.rgb)
    total = float(found.sum())
    if total < 1e-6:
        return Subject(found, 0.0, 0.0, 0.0, 0.4, 1.0)
    inside, outside = found[..., None], 1 - found[..., None]
    apart = np.abs(
        (seen.lab * inside).sum((0, 1)) / total - (seen.lab * outside).sum((0, 1)) / max(float(outside.sum()), 1e-6)
    )
    rows, columns = np.indices(found.shape)
    middle = (rows * found).sum() / total, (columns * found).sum() / total
    distance = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return Subject(
        found,
        area=float((found > 0.5).mean()),
        separation=float(np.linalg.norm(apart)) / 100,
        value_separation=float(apart[0]) / 100,
        spread=float(np.sqrt((distance * found).sum() / total)) / seen.size,
        decision=float(np.abs(2 * found - 1).mean()),
    )
