"""Is this a good style image? A score, a verdict in a painter's words, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from studio.advise.measures import Measures
from studio.advise.verdict import Reason, Verdict, rise

WEIGHTS: Mapping[str, float] = {
    "value": 0.22,
    "hue": 0.08,
    "saturation": 0.03,
    "kept": 0.02,
    "balance": 0.19,
    "blocking": 0.10,
    "evenness": 0.36,
}
"""Of each part of the score; they sum up to 1.

That value counts more than hue, hue more than saturation, and that color blocking counts, painters say; the others lie
near those which `impasto bench advise_quality` fits to what the optimizer makes of many pictures.
"""
GOOD, FAULTY, FAIR = 60, 55, 40
"""Scores from which on a picture is a good style, a fault of its contrast may be overlooked, and it works at all."""


def parts(measures: Measures) -> dict[str, float]:
    """Each part of the score, in [0, 1]."""
    blocked = blocking(measures)
    unlike = 0.5 + 0.5 * rise(measures.pair_luminosity, 0, 0.4)
    return {
        # Broad flat areas leave little within a stroke's reach; their contrast is at their borders.
        "value": max(rise(measures.value_contrast, 0.05, 0.20), 0.85 * blocked),
        "hue": 0.5 * measures.hue_contrast + 0.5 * measures.complementarity * unlike,
        "saturation": rise(measures.saturation_contrast, 0.1, 0.7),
        "kept": 1 - measures.detail_lost,
        # Flat areas with sharp borders are the other balance of calm and busy: little of it lies in any one block.
        "balance": max(rise(measures.entropy, 0.40, 0.75) * (1 - 0.5 * rise(measures.busy, 0.6, 1)), 0.85 * blocked),
        "blocking": blocked,
        "evenness": rise(measures.evenness, 0.10, 0.50),
    }


def blocking(measures: Measures) -> float:
    """Flat areas butted against flat areas, at strong edges and enough of them, in [0, 1]."""
    return (
        rise(measures.blocking, 0.1, 0.5)
        * rise(measures.edge_contrast, 0.2, 0.6)
        * rise(measures.edge_share, 0.0005, 0.002)
        * (1 - rise(measures.soft, 0.45, 0.75))
    )


def overwhelming(measures: Measures) -> float:
    """1 where strong contrast is everywhere and the eye has no place to rest."""
    return rise(measures.busy, 0.6, 1) * rise(measures.survives, 0.18, 0.30)


def softness(measures: Measures) -> float:
    """1 where there is neither contrast nor an edge, and less where there is little of them."""
    return 1 - max(
        rise(measures.value_contrast, 0, 0.09) * rise(measures.edge_share, 0, 0.008), 0.85 * blocking(measures)
    )


def shading(measures: Measures) -> float:
    """1 where forms are shaded as in a photograph, without strokes of their own."""
    return rise(measures.soft, 0.33, 0.50) * (1 - rise(measures.survives, 0.11, 0.15))


def style_score(measures: Measures, dominance: float) -> float:
    """How good a style it makes, in [0, 100].

    Args:
        measures: of the picture.
        dominance: of its subject.
    """
    found = parts(measures)
    whole = sum(weight * found[name] for name, weight in WEIGHTS.items())
    return float(np.clip(100 * whole * faultlessness(measures, dominance), 0, 100))


def faultlessness(measures: Measures, dominance: float) -> float:
    """What faults leave of a score, in [0, 1]: each alone can take four fifths of it."""
    noise = rise(measures.grain, 0.65, 0.80)
    left = 1.0
    for fault in (overwhelming(measures), softness(measures), noise, 0.7 * dominance, 0.4 * shading(measures)):
        left *= 1 - 0.8 * fault
    return left


def style_verdict(measures: Measures, dominance: float, score: float) -> Verdict:
    """What a painter would say, and what else a poor style is good for."""
    m = measures
    if m.edge_share < 0.0005 and m.value_contrast < 0.02:
        if m.value_spread < 0.05 and m.saturation_contrast < 0.05:
            return Verdict("too soft", "a plain color: there is nothing to paint with", _COLOR_FIELD)
        return Verdict("too soft", "gradients: nothing but soft transitions, without an edge", _COLOR_FIELD)
    if m.grain > 0.7:
        return Verdict("too soft", "noise: so fine that it averages out", _TEXTURE)
    if overwhelming(m) > 0.45:
        return Verdict("overwhelms", "all-over pattern, nowhere calm; try a crop, so that it becomes broader", _QUIET)
    if dominance > 0.5:
        return Verdict("subject", "one strong subject on a plain ground: its form gets lost; try a crop", None)
    if m.evenness > 0.8 and m.colorfulness < 0.08:
        return Verdict("texture", "an even texture without color: lends its grain; keep the photo's colors", _TEXTURE)
    if score < FAULTY and shading(m) > 0.3:
        return Verdict(
            "too soft", "shaded like a photograph: too little contrast for its strokes to show", _COLOR_FIELD
        )
    if blocking(m) > 0.5 and score >= FAIR:
        kind = "good" if score >= GOOD else "works"
        return Verdict(kind, "color blocking: flat areas butted against flat areas", None)
    if score < FAULTY and m.survives < 0.085:
        return Verdict("too soft", "only fine detail, of too little contrast: it blurs away", _TEXTURE)
    if score >= GOOD:
        return Verdict("good", _praise(m), None)
    if score >= FAIR:
        return Verdict("works", _weakest(m), None)
    return Verdict("weak", _weakest(m), _COLOR_FIELD if m.colorfulness > 0.2 else _TEXTURE)


_COLOR_FIELD = "a color-field layer: its colors, laid over broad areas"
_TEXTURE = "a texture layer: its grain, laid over the finished picture"
_QUIET = "a texture layer at low opacity"
_WEAKNESSES = {
    "value": "little contrast of light and dark",
    "balance": "calm and busy areas out of balance",
    "evenness": "its parts are unlike each other, more a scene than a wallpaper",
}


def _praise(measures: Measures) -> str:
    found = parts(measures)
    said = []
    if found["value"] > 0.6:
        said.append("strong light and dark")
    if measures.complementarity > 0.25 and measures.pair_luminosity > 0.1:
        said.append("complements of unlike luminosity")
    if found["balance"] > 0.6:
        said.append("calm areas and sharp transitions in balance")
    return ", ".join(said) or "a little of everything that a style needs"


def _weakest(measures: Measures) -> str:
    found = parts(measures)
    lost = {name: WEIGHTS[name] * (1 - found[name]) for name in _WEAKNESSES}
    return _WEAKNESSES[max(lost, key=lost.__getitem__)]


def style_reasons(measures: Measures, dominance: float) -> Iterator[Reason]:
    """What speaks for and against it, each with its figure, the weightiest first."""
    m, found = measures, parts(measures)
    yield Reason("contrast in value", m.value_contrast, found["value"], "light against dark within a stroke's reach")
    yield Reason("contrast in hue", m.hue_contrast, found["hue"], _hue_text(m))
    yield Reason("contrast in saturation", m.saturation_contrast, found["saturation"], "gray against full color")
    yield Reason("survives small", m.survives, rise(m.survives, 0.05, 0.16), "contrast of what is broader than 2 px")
    yield Reason("lost in the downscale", m.detail_lost, found["kept"], "share of the fine detail")
    text = f"{m.calm:.0%} calm, {m.busy:.0%} busy"
    yield Reason("calm and busy", m.entropy, found["balance"], text)
    yield Reason("color blocking", m.blocking, found["blocking"], f"contrast {m.edge_contrast:.2f} across the edges")
    yield Reason("even all over", m.evenness, found["evenness"], "1 is a wallpaper, 0 a scene of unlike parts")
    yield Reason("one subject", dominance, 1 - dominance, "a form that a style cannot carry")


def _hue_text(measures: Measures) -> str:
    if measures.complementarity < 0.1:
        return "no pair of complements"
    unlike = "of unlike luminosity" if measures.pair_luminosity > 0.15 else "of like luminosity"
    return f"complements {unlike}, {measures.complementarity:.2f}"
