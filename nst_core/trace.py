"""The curve of an optimization: what the loss did at each iteration, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_core.files import write_bytes
from nst_core.picture_metadata import settings_text

if TYPE_CHECKING:
    from nst_core.gatys import Step


class Trace:
    """Points of a curve, one an iteration.

    Each has `scale` (from 0), `iteration` (from 1, at that scale), `width` and `height` (pixels), `seconds`
    (since the start, all runs together), `loss`, and `parts`: `content`, `tv` and each layer's style loss,
    unweighted.

    Args:
        points: of an earlier run that this one goes on from.
    """

    def __init__(self, points: Iterable[Mapping[str, Any]] = ()) -> None:
        self.points: list[dict[str, Any]] = [dict(point) for point in points]

    def add(self, step: Step) -> None:
        """Take note of an iteration."""
        self.points.append(
            {
                "scale": step.scale,
                "iteration": step.iteration,
                "width": step.width,
                "height": step.height,
                "seconds": round(step.seconds, 4),
                "loss": step.loss,
                "parts": dict(step.parts),
            }
        )

    def write(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Writes curve and settings as JSON, whole or not at all. Paths are reduced to file names.

        Raises:
            NstError: The folder cannot be written to, or the disk is full.
        """
        text = settings_text({"settings": settings, "points": self.points})
        write_bytes(path, text.encode("ascii") + b"\n")
