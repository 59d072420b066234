"""Whether advice is right: the order of its scores beside how well pictures come out, by a judge that is not ours.

    impasto bench advise_quality --paintings DIR ... --photos DIR ... --judge judge.py

J alone cannot say which style is good. It is lowest where there is least to do: for a photograph as the style hardly
anything changes, and J is low. So of each painted picture three things are taken, all from the judge:

- gain: by which share J is lower than that of the photo that only has the painting's colors (mean and covariance);
- added: texture that the recolored photo has not: log(1 + the judge's style error between them, relative to the
  recolored photo) - log(1 + the same, relative to the picture); what is only blurred has less, and counts 0;
- kept: what is left of the photo, the root of 1 - the judge's content error, 0 where that is above 1.

How well a picture comes out is the product of the three. Reported beside it are J alone, the gain alone, and the
product with the first logarithm only (moved), by which a photo blurred to a gradient does as well as a painted one.

As styles serve the paintings, pictures of scikit-image, drawings of tests/drawn_styles.py, and every other photo; each
is optimized with as many iterations on the same photos. Weights of the score are fitted to half of them, within the
bounds that painters set (value counts more than hue, hue more than saturation, color blocking counts); held out is the
rank correlation on the other half. What the parts of the score are, and their faults, was chosen with many of these
pictures at hand. The trained styles whose painting is at hand, and the photos, each painted in several trained styles,
are compared in the same way.

The judge, `judge.py score PHOTO PAINTING OUT ...`, prints one JSON object a line; it is run within this process, as it
is asked hundreds of times. What was painted and judged is kept in --work.

Takes: 15 minutes.
Needs: paintings, photos and a judge.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import skimage.data
import torch
from harness import argument_parser, record, run
from outcomes import ITERATIONS, OPTIMIZED_PX, Outcome, Painter
from scipy.optimize import minimize
from scipy.stats import rankdata, spearmanr

from models.catalog import styles
from nst_core.picture import Picture, find_pictures, read_picture
from studio.advise.advice import Advice, AdviseOptions, Purpose, advise
from studio.advise.style import WEIGHTS, faultlessness, parts

JUDGED_STYLES = 3
"""Trained styles that a photo is painted in."""
IMAGES = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "immunohistochemistry", "retina", "rocket")
BOUNDS = {"value": (0.18, 0.5), "hue": (0.07, 0.12), "saturation": (0.03, 0.06), "blocking": (0.08, 0.3)}
"""Of the fitted weights, as painters have it; the others lie between 0 and 0.5."""


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--on", nargs="+", default=[], help="names of the photos that each style is tried on")
    parser.add_argument("--work", type=Path, default=Path("out/advise_quality"))
    options = parser.parse_args()
    painter = Painter(options.judge, options.work)
    torch.set_num_threads(1)
    photos = [read_picture(path) for path in find_pictures(options.photos)]
    paintings = {path.stem: read_picture(path) for path in find_pictures(options.paintings)}
    contents = [photo for photo in photos if Path(photo.name).stem in options.on] or photos[:2]
    figures = {
        "styles": _styles(painter, photos, contents, paintings),
        "trained": _trained(painter, contents, paintings),
        "contents": _contents(painter, photos, paintings),
        "optimized": {"size_px": OPTIMIZED_PX, "iterations": ITERATIONS, "on": [photo.name for photo in contents]},
    }
    record("advise_quality", figures)


def _styles(
    painter: Painter, photos: Sequence[Picture], contents: Sequence[Picture], paintings: Mapping[str, Picture]
) -> dict[str, object]:
    """All kinds of pictures as styles, each optimized."""
    tried = [photo for photo in photos[1::2] if photo not in contents]
    candidates = {"painting": list(paintings.values()), "image": _images(), "drawn": _drawn(), "photo": tried}
    advices, outcomes, kinds = [], [], []
    for kind, pictures in candidates.items():
        for picture in pictures:
            advices.append(_advice(picture, "style"))
            outcomes.append(_mean([painter.optimized(photo, picture) for photo in contents]))
            kinds.append(kind)
            print(kind, picture.name, round(advices[-1].score), outcomes[-1], flush=True)
    wells = np.array([outcome.well for outcome in outcomes])
    half = np.arange(len(advices)) % 2 == 0
    return {
        **_correlations(advices, outcomes),
        "held_out": [_held_out(advices, wells, half), _held_out(advices, wells, ~half)],
        "weights": dict(WEIGHTS),
        "fitted_to_all": {name: round(weight, 2) for name, weight in zip(WEIGHTS, _fit(advices, wells), strict=True)},
        "kinds": {
            kind: {"pictures": kinds.count(kind), "correlation": _rank(*_of(kind, kinds, advices, wells))}
            for kind in candidates
        },
        "pictures": _table(advices, outcomes),
    }


def _trained(painter: Painter, contents: Sequence[Picture], paintings: Mapping[str, Picture]) -> dict[str, object]:
    """The trained styles whose painting is at hand."""
    names = [style.name for style in styles() if style.name in paintings]
    advices = [_advice(paintings[name], "style") for name in names]
    outcomes = [_mean([painter.fast(photo, paintings[name], name) for photo in contents]) for name in names]
    return {**_correlations(advices, outcomes), "pictures": _table(advices, outcomes)}


def _contents(painter: Painter, photos: Sequence[Picture], paintings: Mapping[str, Picture]) -> dict[str, object]:
    """All photos, each painted in several trained styles."""
    names = [style.name for style in styles() if style.name in paintings]
    names = names[:: max(1, len(names) // JUDGED_STYLES)][:JUDGED_STYLES]
    advices, outcomes = [], []
    for photo in photos:
        advices.append(_advice(photo, "content"))
        outcomes.append(_mean([painter.fast(photo, paintings[name], name) for name in names]))
        print("content", photo.name, round(advices[-1].score), outcomes[-1], flush=True)
    return {**_correlations(advices, outcomes), "styles": names, "pictures": _table(advices, outcomes)}


def _advice(picture: Picture, purpose: Purpose) -> Advice:
    return advise(picture, purpose, AdviseOptions(crops=0)).advice


def _images() -> list[Picture]:
    """Textures and photos that come with scikit-image."""
    found = []
    for name in IMAGES:
        pixels = getattr(skimage.data, name)()
        pixels = np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels[..., :3]
        found.append(Picture(np.ascontiguousarray(pixels), name=f"{name}.png"))
    return found


def _drawn() -> list[Picture]:
    """Plain colors, gradients, patterns, color blocks and strokes, drawn by the code that the tests use."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    drawn = importlib.import_module("drawn_styles")
    makers = drawn.SOFT | drawn.PATTERNS | drawn.BLOCKS | drawn.OTHERS
    return [Picture(make().pixels, name=f"{name.replace(' ', '_')}.png") for name, make in makers.items()]


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        *(statistics.mean(getattr(one, name) for one in outcomes) for name in ("well", "moved", "gain", "J"))
    )


def _correlations(advices: Sequence[Advice], outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    scores = [advice.score for advice in advices]
    return {
        "count": len(advices),
        "correlation": _rank(scores, [outcome.well for outcome in outcomes]),
        "correlation_moved": _rank(scores, [outcome.moved for outcome in outcomes]),
        "correlation_gain": _rank(scores, [outcome.gain for outcome in outcomes]),
        "correlation_minus_J": _rank(scores, [-outcome.J for outcome in outcomes]),
    }


def _rank(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """Spearman's."""
    return round(float(spearmanr(one, other)[0]), 3)  # pyright: ignore[reportArgumentType]


def _of(
    kind: str, kinds: Sequence[str], advices: Sequence[Advice], wells: np.ndarray
) -> tuple[list[float], list[float]]:
    chosen = [index for index, other in enumerate(kinds) if other == kind]
    return [advices[index].score for index in chosen], [float(wells[index]) for index in chosen]


def _table(advices: Sequence[Advice], outcomes: Sequence[Outcome]) -> dict[str, dict[str, object]]:
    return {
        Path(advice.name).stem: {
            "score": round(advice.score, 1),
            "verdict": advice.verdict.kind,
            "well": round(outcome.well, 3),
            "gain": round(outcome.gain, 3),
            "J": round(outcome.J, 3),
        }
        for advice, outcome in sorted(zip(advices, outcomes, strict=True), key=lambda pair: -pair[0].score)
    }


def _held_out(advices: Sequence[Advice], wells: np.ndarray, half: np.ndarray) -> float:
    """Weights fitted to one half, and the correlation on the other."""
    weights = _fit([advice for advice, fits in zip(advices, half, strict=True) if fits], wells[half])
    rest = [advice for advice, fits in zip(advices, half, strict=True) if not fits]
    return _rank(_found(rest) @ weights, wells[~half])


def _found(advices: Sequence[Advice]) -> np.ndarray:
    """(advices, weights): the parts of each score, with what its faults leave of them."""
    rows = []
    for advice in advices:
        found = parts(advice.measures)
        left = faultlessness(advice.measures, advice.subject["dominance"])
        rows.append([found[name] * left for name in WEIGHTS])
    return np.array(rows)


def _fit(advices: Sequence[Advice], wells: np.ndarray) -> np.ndarray:
    """The weights whose scores lie closest to the ranks, both standardized."""
    found, ranks = _found(advices), rankdata(wells)
    ranks = (ranks - ranks.mean()) / ranks.std()

    def far(weights: np.ndarray) -> float:
        scores = found @ weights
        return float((((scores - scores.mean()) / (scores.std() + 1e-9) - ranks) ** 2).mean())

    bounds = [BOUNDS.get(name, (0, 0.5)) for name in WEIGHTS]
    constraint = {"type": "eq", "fun": lambda weights: weights.sum() - 1}
    return minimize(far, list(WEIGHTS.values()), method="SLSQP", bounds=bounds, constraints=constraint).x


if __name__ == "__main__":
    run(main)
