"""Faces in a photo, and their eyes, by OpenCV's Haar cascades."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_core.picture import fit_long_side
from nst_core.picture_samples import resize_floats, to_bits
from studio.subject.opencv import load_opencv

LONG_SIDE_PX = 800
"""At which faces are looked for."""
SMALLEST_SHARE = 0.05
"""Of the short side: smaller finds are mostly wrong, and too small to paint."""
FACE_CASCADES = ("frontalface_alt2", "frontalface_alt", "frontalface_default", "profileface")
EYE_CASCADES = ("eye_tree_eyeglasses", "eye")
SURE_VOTES, ENOUGH_VOTES = 3, 2
"""Cascades that find a face alike: with the first number it is one; with the second it is if it has both eyes, too."""
ALIKE = 0.4
"""Share of their union that two boxes must have in common to be of one face."""
EYE_FACE_PX = 240
"""Width that a face is brought to, to look for its eyes."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Eye:
    """An eye, in pixels of the photo."""

    x: float
    y: float
    radius: float
    """About half its width, lids included."""


@dataclass(frozen=True)
class Face:
    """A face, in pixels of the photo."""

    left: float
    top: float
    width: float
    height: float
    eyes: tuple[Eye, ...]
    """Left to right; none, one or two."""


def find_faces(image: np.ndarray) -> list[Face]:
    """The faces in a photo, the largest first.

    One cascade alone finds faces in foliage and masonry, so several must agree.

    Args:
        image: (H, W, 3) float32 in [0, 1], sRGB.

    Raises:
        ConfigError: OpenCV is not installed.
    """
    cv2 = load_opencv()
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    small = image if scale == 1 else resize_floats(image, *fit_long_side(width, height, LONG_SIDE_PX))
    gray = cv2.cvtColor(to_bits(small, 8), cv2.COLOR_RGB2GRAY)
    found: list[Face] = []
    for box, votes in _agreed(_boxes(cv2.equalizeHist(gray))):
        eyes = _eyes(gray, box)
        if votes >= SURE_VOTES or (votes >= ENOUGH_VOTES and len(eyes) == 2):
            left, top, wide, high = (side / scale for side in box)
            scaled = tuple(Eye(eye.x / scale, eye.y / scale, eye.radius / scale) for eye in eyes)
            found.append(Face(left, top, wide, high, scaled))
    return sorted(found, key=lambda face: -face.width)


@functools.cache
def _cascade(name: str) -> Any:
    cv2 = load_opencv()
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")


def _boxes(gray: np.ndarray) -> dict[str, list[Box]]:
    """What each cascade finds; the one for profiles knows faces that look to the left, so it sees both ways round."""
    smallest = max(24, round(min(gray.shape) * SMALLEST_SHARE))
    found: dict[str, list[Box]] = {}
    for name in FACE_CASCADES:
        found[name] = _detect(name, gray, smallest)
    width = gray.shape[1]
    flipped = _detect("profileface", np.ascontiguousarray(gray[:, ::-1]), smallest)
    found["profileface"] += [(width - left - wide, top, wide, high) for left, top, wide, high in flipped]
    return found


def _detect(name: str, gray: np.ndarray, smallest: int) -> list[Box]:
    if min(gray.shape) <= smallest:
        return []
    found = _cascade(name).detectMultiScale(gray, scaleFactor=1.1, minNeighbors=4, minSize=(smallest, smallest))
    return [(float(left), float(top), float(wide), float(high)) for left, top, wide, high in found]


def _agreed(found: dict[str, list[Box]]) -> list[tuple[Box, int]]:
    """Each place where cascades agree: the mean of their boxes, and how many cascades."""
    clusters: list[list[tuple[str, Box]]] = []
    for name, boxes in found.items():
        for box in boxes:
            near = next((c for c in clusters if any(_in_common(box, other) > ALIKE for _, other in c)), None)
            if near is None:
                clusters.append([(name, box)])
            else:
                near.append((name, box))
    agreed: list[tuple[Box, int]] = []
    for cluster in clusters:
        left, top, wide, high = np.mean([box for _, box in cluster], axis=0).tolist()
        agreed.append(((left, top, wide, high), len({name for name, _ in cluster})))
    return agreed


def _in_common(one: Box, other: Box) -> float:
    """Share of the union of two boxes that both cover."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def _eyes(gray: np.ndarray, box: Box) -> list[Eye]:
    """The eyes of a face: at most one in each half of its upper part, and level."""
    cv2 = load_opencv()
    left, top, wide, high = box
    x, y = max(0, round(left)), max(0, round(top + 0.15 * high))
    upper = gray[y : round(top + 0.6 * high), x : round(left + wide)]
    if min(upper.shape) < 8:
        return []
    scale = EYE_FACE_PX / wide
    upper = cv2.resize(upper, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    halves: dict[bool, list[tuple[float, Eye]]] = {False: [], True: []}
    for rank, name in enumerate(EYE_CASCADES):
        for part_x, part_y, part_wide, part_high in _detect(name, upper, EYE_FACE_PX // 8):
            if part_wide > 0.45 * EYE_FACE_PX:
                continue
            middle = part_x + part_wide / 2
            eye = Eye(x + middle / scale, y + (part_y + part_high / 2) / scale, 0.35 * part_wide / scale)
            expected = 0.3 if middle < EYE_FACE_PX / 2 else 0.7
            off = abs(middle / EYE_FACE_PX - expected) + abs((eye.y - top) / high - 0.4)
            halves[middle > EYE_FACE_PX / 2].append((off + 0.1 * rank, eye))
    best = [min(half, key=lambda one: one[0]) for half in halves.values() if half]
    if len(best) == 2 and abs(best[0][1].y - best[1][1].y) > 0.15 * high:
        best = [min(best, key=lambda one: one[0])]
    return [eye for _, eye in best]
