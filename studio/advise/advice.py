"""Advice on a picture: what it scores as a style or as a photo to paint, why, and which parts of it score better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from nst_core.errors import ConfigError
from nst_core.picture import Picture, fit_long_side
from studio.advise.content import content_reasons, content_score, content_verdict
from studio.advise.crops import SEARCH_PX, SHARES, Box, Crop, crop_boxes, kept_of_subject, suggest_crops
from studio.advise.measures import Measures, lost_in_downscale, measure
from studio.advise.seen import Seen, look
from studio.advise.style import style_reasons, style_score, style_verdict
from studio.advise.subject import Subject, find_subject
from studio.advise.verdict import Reason, Verdict
from studio.subject.faces import Face, find_faces

Purpose = Literal["style", "content"]

FACES_PX = 1024
"""Long side at which faces are looked for."""


@dataclass(frozen=True)
class AdviseOptions:
    """How pictures are looked at."""

    size: int = 512
    """Working size: the long side at which will be painted, pixels."""
    crops: int = 3
    """Crops to suggest at the most; 0 looks for none."""


@dataclass(frozen=True)
class Advice:
    """What is to be said of one picture."""

    name: str
    """Of its file."""
    width: int
    height: int
    purpose: Purpose
    size: int
    """Working size, pixels."""
    score: float
    """0 to 100."""
    verdict: Verdict
    reasons: Sequence[Reason]
    measures: Measures
    subject: Mapping[str, float]
    """What was measured of what stands out."""
    crops: Sequence[Crop]
    """The best first, each better than the whole."""

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "file": self.name,
            "width": self.width,
            "height": self.height,
            "as": self.purpose,
            "size": self.size,
            "score": round(self.score, 1),
            "verdict": self.verdict.kind,
            "because": self.verdict.because,
            "instead": self.verdict.instead,
            "reasons": [_rounded(asdict(reason)) for reason in self.reasons],
            "measures": _rounded(asdict(self.measures)),
            "subject": _rounded(dict(self.subject)),
            "crops": [
                {"box": asdict(crop.box), "score": round(crop.score, 1), "verdict": str(crop.verdict)}
                for crop in self.crops
            ],
        }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}


@dataclass(frozen=True, eq=False)
class Looked:
    """Advice, and what it was taken from: to be shown, and then let go of."""

    advice: Advice
    picture: Picture
    seen: Seen
    subject: Subject


def advise(picture: Picture, purpose: Purpose, options: AdviseOptions) -> Looked:
    """Looks at a picture.

    Raises:
        ImageError: The picture is too small.
    """
    seen = look(picture, options.size)
    measures, subject = measure(seen, lost_in_downscale(picture, options.size)), find_subject(seen)
    faces = _faces(picture) if purpose == "content" else []
    face = _face_share(faces, Box(0, 0, picture.width, picture.height))
    score, verdict = _judge(purpose, measures, subject, face)

    small = _shrunk(picture, round(SEARCH_PX / min(SHARES)))  # all that comparing crops needs of a large file

    def rate(box: Box, size: int, exactly: bool) -> tuple[float, Verdict]:
        part = box.of(picture) if exactly else box.scaled(small.width / picture.width).of(small)
        found = look(part, size)
        lost = lost_in_downscale(part, size) if exactly else measures.detail_lost
        rated, said = _judge(purpose, measure(found, lost), find_subject(found), _face_share(faces, box))
        return (rated * kept_of_subject(subject, box, picture.width) if purpose == "content" else rated), said

    boxes = crop_boxes(picture.width, picture.height, options.size) if options.crops else []
    whole = [box for box in boxes if not any(_cuts(box, face) for face in faces)]
    if purpose == "style":
        reasons = tuple(style_reasons(measures, subject.dominance))
    else:
        reasons = tuple(content_reasons(measures, subject, face))
    figures = {key: getattr(subject, key) for key in ("area", "separation", "spread", "decision", "dominance")}
    advice = Advice(
        picture.name, picture.width, picture.height, purpose, options.size, score, verdict, reasons, measures,
        figures | {"faces": len(faces)}, suggest_crops(whole, rate, score, options.size, options.crops),
    )  # fmt: skip
    return Looked(advice, picture, seen, subject)


def _judge(purpose: Purpose, measures: Measures, subject: Subject, face: float) -> tuple[float, Verdict]:
    if purpose == "style":
        score = style_score(measures, subject.dominance)
        return score, style_verdict(measures, subject.dominance, score)
    score = content_score(measures, subject, face)
    return score, content_verdict(measures, subject, face, score)


def _shrunk(picture: Picture, long_side: int) -> Picture:
    if max(picture.width, picture.height) <= long_side:
        return picture
    return picture.resized(*fit_long_side(picture.width, picture.height, long_side))


def _faces(picture: Picture) -> list[Face]:
    """In pixels of the picture; their eyes are of no interest."""
    small = _shrunk(picture, FACES_PX)
    scale = picture.width / small.width
    try:
        found = find_faces(small.as_float())
    except ConfigError:  # OpenCV is not installed: faces only help, and all else is measured without it
        return []
    return [Face(face.left * scale, face.top * scale, face.width * scale, face.height * scale, ()) for face in found]


def _face_share(faces: Sequence[Face], box: Box) -> float:
    """Height of the largest face within, as a share of the box's."""
    return max((face.height / (box.bottom - box.top) for face in faces if _within(box, face) == 1), default=0.0)


def _cuts(box: Box, face: Face) -> bool:
    return 0 < _within(box, face) < 1


def _within(box: Box, face: Face) -> float:
    """Share of a face that lies in a box."""
    wide = min(box.right, face.left + face.width) - max(box.left, face.left)
    high = min(box.bottom, face.top + face.height) - max(box.top, face.top)
    return min(1.0, max(0.0, wide) * max(0.0, high) / (face.width * face.height) + 1e-9)
