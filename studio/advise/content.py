"""Is this a good photo to paint? A score, a verdict in a painter's words, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from studio.advise.measures import Measures
from studio.advise.subject import Subject
from studio.advise.verdict import Reason, Verdict, rise

WEIGHTS: Mapping[str, float] = {
    "subject": 0.20,
    "separation": 0.15,
    "clarity": 0.30,
    "composition": 0.20,
    "blocking": 0.15,
}
"""Of each part of the score; they sum up to 1.

Painters want one strong subject; that contrast across the edges and unlike parts count as much is what the judge finds
of painted photos, see `impasto bench advise_quality`.
"""
GOOD, FAIR = 60, 40
"""Scores from which on a photo is good to paint, and works."""
FACE = 0.15
"""What a face adds to the score, at the most; one that fills a seventh of the picture's height is large enough."""


def parts(measures: Measures, subject: Subject) -> dict[str, float]:
    """Each part of the score, in [0, 1]."""
    return {
        "subject": subject.strength,
        "separation": max(rise(subject.separation, 0, 0.3), rise(subject.value_separation, 0, 0.2)),
        "clarity": 0.6 * rise(measures.edge_contrast, 0.15, 0.45) + 0.4 * rise(measures.value_spread, 0.4, 0.9),
        "composition": 0.6 * (1 - rise(measures.evenness, 0.20, 0.50)) + 0.4 * (1 - noise(measures)),
        "blocking": rise(measures.blocking, 0.15, 0.55),
    }


def noise(measures: Measures) -> float:
    """1 where edges are everywhere and mostly finer than a stroke."""
    return rise(measures.edge_share, 0.010, 0.030) * rise(measures.grain, 0.38, 0.52)


def content_score(measures: Measures, subject: Subject, face: float) -> float:
    """How good a photo to paint it is, in [0, 100].

    Args:
        measures: of the photo.
        subject: of the photo.
        face: height of the largest face, as a share of the photo's; 0 without any.
    """
    found = parts(measures, subject)
    whole = sum(weight * found[name] for name, weight in WEIGHTS.items()) + FACE * rise(face, 0, 1 / 7)
    whole *= 1 - 0.3 * noise(measures)
    if measures.edge_share < 0.0005:
        whole *= 0.2  # nothing to recognize
    return float(np.clip(100 * whole, 0, 100))


def content_verdict(measures: Measures, subject: Subject, face: float, score: float) -> Verdict:
    """What a painter would say."""
    found = parts(measures, subject)
    if measures.edge_share < 0.0005:
        return Verdict("too soft", "nothing with an edge: there is nothing to recognize", "a color-field layer")
    if score >= GOOD:
        return Verdict("good", _praise(found, face), None)
    if noise(measures) > 0.5:
        return Verdict(
            "noisy", "detail everywhere: comes out as noise; try a crop of one thing in it", "a texture layer"
        )
    if found["clarity"] < 0.3:
        return Verdict("too soft", "too little contrast across its edges: forms get lost", None)
    if found["subject"] < 0.35 and not face:
        return Verdict("no subject", "no single thing stands out; try a crop of one", None)
    if score >= FAIR:
        return Verdict("works", _weakest(found), None)
    return Verdict("weak", _weakest(found), None)


def _praise(found: Mapping[str, float], face: float) -> str:
    if face > 0.1:
        return "a portrait: a face, and clear forms around it"
    if found["subject"] > 0.5:
        return "one strong subject, clearly set off"
    return "clear composition: large forms of strong contrast"


def _weakest(found: Mapping[str, float]) -> str:
    words = {
        "subject": "what stands out is scattered",
        "separation": "the subject is hardly set off from its ground",
        "clarity": "edges of little contrast",
        "composition": "its parts are much alike, or fine",
        "blocking": "few calm areas beside the edges",
    }
    return words[max(WEIGHTS, key=lambda name: WEIGHTS[name] * (1 - found[name]))]


def content_reasons(measures: Measures, subject: Subject, face: float) -> Iterator[Reason]:
    """What speaks for and against it, each with its figure."""
    m, found = measures, parts(measures, subject)
    yield Reason("one subject", subject.decision, found["subject"], f"{subject.area:.0%} of the picture stands out")
    text = f"{subject.value_separation:.2f} of it in value"
    yield Reason("set off from the ground", subject.separation, found["separation"], text)
    text = f"contrast across the edges; values span {m.value_spread:.2f}"
    yield Reason("clarity", m.edge_contrast, found["clarity"], text)
    yield Reason("composition", m.evenness, found["composition"], "0 has unlike parts, 1 is the same all over")
    yield Reason("color blocking", m.blocking, found["blocking"], "flat areas on both sides of the edges")
    text = f"{m.edge_share:.1%} of the pixels are on an edge"
    yield Reason("fine detail", m.grain, 1 - noise(m), text)
    yield Reason("face", face, rise(face, 0, 1 / 7), "height of the largest, as a share of the photo's")
