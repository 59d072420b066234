"""Parts of a picture that score better than the whole: a bounded search over crops of several sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst_core.picture import Picture
from studio.advise.seen import MIN_SIDE_PX
from studio.advise.subject import Subject
from studio.advise.verdict import Verdict

SHARES = (0.75, 0.55, 0.4)
"""Of the picture's sides that a crop takes."""
SEARCH_PX = 256
"""At which crops are compared; the best are then rated at working size."""
BETTER = 3.0
"""By how much a crop must score more than the whole to be suggested."""
OVERLAP = 0.4
"""Share of their union that two suggestions may have in common."""


@dataclass(frozen=True)
class Box:
    """A part of a picture, pixels, ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    def of(self, picture: Picture) -> Picture:
        """The part of a picture that it encloses."""
        rows, columns = slice(self.top, self.bottom), slice(self.left, self.right)
        alpha = None if picture.alpha is None else picture.alpha[rows, columns]
        return replace(picture, pixels=np.ascontiguousarray(picture.pixels[rows, columns]), alpha=alpha)

    def scaled(self, factor: float) -> Box:
        """The same part of the picture at another size."""
        return Box(*(round(side * factor) for side in (self.left, self.top, self.right, self.bottom)))

    def overlap(self, other: Box) -> float:
        """Share of the union of both."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        common = max(0, wide) * max(0, high)
        return common / (self._area + other._area - common)

    @property
    def _area(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Crop:
    """A part that is suggested."""

    box: Box
    score: float
    verdict: Verdict


Rate = Callable[[Box, int, bool], tuple[float, Verdict]]
"""Score and verdict of a part, at a size; in earnest, or to compare parts quickly."""


def suggest_crops(boxes: Iterable[Box], rate: Rate, score: float, size: int, count: int) -> Sequence[Crop]:
    """The best crops that score more than the whole, the best first, unlike each other.

    Args:
        boxes: to choose from.
        rate: rates a part.
        score: of the whole.
        size: working size, pixels.
        count: of crops at the most.
    """
    search = min(SEARCH_PX, size)
    candidates = sorted(((rate(box, search, False)[0], box) for box in boxes), key=lambda candidate: -candidate[0])
    chosen: list[Box] = []
    for _, box in candidates:
        if len(chosen) < count and all(box.overlap(other) < OVERLAP for other in chosen):
            chosen.append(box)
    found = [Crop(box, *rate(box, size, True)) for box in chosen]
    return sorted((crop for crop in found if crop.score >= score + BETTER), key=lambda crop: -crop.score)


def kept_of_subject(subject: Subject, box: Box, width: int) -> float:
    """How much a crop keeps of the whole's subject, in [0, 1]: all of it, and not cut by its border.

    Where nothing is the subject of the whole, nothing can be lost.

    Args:
        subject: of the whole.
        box: the crop, in the picture's pixels.
        width: of the picture.
    """
    found, scale = subject.map, subject.map.shape[1] / width
    top, bottom, left, right = (round(side * scale) for side in (box.top, box.bottom, box.left, box.right))
    part = found[top:bottom, left:right]
    inside = float(part.sum() / max(float(found.sum()), 1e-6))
    height, wide = found.shape
    sides = ((part[0], top > 0), (part[-1], bottom < height), (part[:, 0], left > 0), (part[:, -1], right < wide))
    cut = max((float(line.max()) for line, is_within in sides if is_within), default=0.0)
    kept = min(1.0, 0.3 + inside) * (1 - 0.5 * cut)
    return 1 - subject.strength * (1 - kept)


def crop_boxes(width: int, height: int, size: int) -> Iterator[Box]:
    """Crops in the picture's proportions; none that would have to be enlarged to more than twice its size."""
    for share in SHARES:
        wide, high = round(width * share), round(height * share)
        if max(wide, high) * 2 < size or min(wide, high) < MIN_SIDE_PX:
            continue
        steps = 3 if share > 0.6 else 4
        for top in np.linspace(0, height - high, steps).round().astype(int):
            for left in np.linspace(0, width - wide, steps).round().astype(int):
                yield Box(int(left), int(top), int(left) + wide, int(top) + high)
