"""How many of the optimizer's iterations the shipped styles equal, and what refining their pictures brings.

    impasto bench compare_quality --photos DIR --paintings DIR --judge judge.py --anchors DIR --styles NAME ...

For each photo in each style, at the size it was learned at:

- equal iterations under `compact`, on the style's own loss: of L-BFGS from the photo, and from white noise, from
  which Johnson et al. 2016 count;
- the judge's J of the fast picture, of 25 iterations from it, and of 25, 50 and 100 from the photo; all by their
  Gram matrices under `compact`, as for someone who has the style's file alone;
- equal iterations by the judge, on its J and from the photo; for pictures of other networks in --anchors
  (PHOTO__NAME.jpg, and figures.json) as well.

The judge is a Python file with `Judge()`, `Target(judge, photo, painting)` whose `terms(x)` gives style and content
errors, and `read(path, long_side)`. Each pair is kept in --work, with a strip of pictures to be looked at, so that an
interrupted run goes on.

Takes: half a minute for each photo in each style.
Needs: photos, paintings under the styles' names, a judge, and at will pictures of others.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from harness import argument_parser, record, run

from models.catalog import Style, find_style
from nst_core.curve import Curve
from nst_core.evaluate import Yardstick, equal_iterations
from nst_core.picture import Picture, find_pictures, fit_long_side, read_picture, write_picture
from nst_core.sources import Sources, fast_share
from nst_core.sources import Style as Target
from serve.engine import Engine
from serve.providers import ComputeOptions
from studio.compare.judges import Judge as LossNetworkJudge
from studio.compare.judges import load_judges

ITERATIONS = 100
REFINED = 25
JUDGED = (25, 50, 100)
JUDGE_ITERATIONS = 25
"""How far the judge's own curve is followed at the most; it is left once all that is to be placed on it is."""


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, nargs="+")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--anchors", type=Path)
    parser.add_argument("--styles", nargs="+", required=True)
    parser.add_argument("--work", type=Path, default=Path("out/compare_quality"))
    parser.add_argument("--part", action="store_true", help="measure these only, and write no result")
    options = parser.parse_args()
    photos = find_pictures(options.photos)
    pairs = [measured(find_style(name), photo, options) for name in options.styles for photo in photos]
    if not options.part:
        record("compare_quality", figures(pairs))


def measured(style: Style, photo: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one pair, from --work if they are there."""
    kept = options.work / f"{photo.stem}__{style.name}.json"
    if not kept.exists():
        found = Pair(style, photo, options).figures()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found))
        print(found, flush=True)
    return json.loads(kept.read_text())


class Pair:
    """One photo in one style."""

    def __init__(self, style: Style, photo: Path, options: argparse.Namespace) -> None:
        self.style, self.photo, self.options = style, photo, options
        picture = read_picture(photo)
        self.picture = picture.resized(*fit_long_side(picture.width, picture.height, style.card.size_px))
        self.fast = Engine(ComputeOptions("cpu")).stylize(self.picture, style)
        self.network: LossNetworkJudge = load_judges("compact", False)[0]
        self.target = (Target(style.card.painting([1.0])),)
        self.judge = load_judge(options.judge)
        painting = next(path for path in find_pictures([options.paintings]) if path.stem == style.name)
        wanted = self.judge.read(str(painting), style.card.size_px)
        self.aim = self.judge.Target(self.judge.Judge(), tensor(self.picture), wanted)

    def figures(self) -> dict[str, Any]:
        gatys = self.style.card.gatys_options()
        loss = Yardstick(Sources(self.picture, self.target), gatys, self.network.network).losses(self.fast).total
        slow = self.curve("photo", ITERATIONS)
        noise = self.curve("noise", ITERATIONS, until=loss)
        refined = self.curve("picture", REFINED, draft=self.fast)
        pictures = {"fast": self.fast, f"refined {REFINED}": refined.picture(REFINED)}
        pictures |= {f"slow {i}": slow.picture(i) for i in JUDGED}
        found = {
            "photo": self.photo.stem,
            "style": self.style.name,
            "loss": loss,
            "equal_from_photo": equal_iterations(loss, slow.losses()).iterations,
            "equal_from_noise": equal_iterations(loss, noise.losses()).iterations,
            "J": {name: self.j(picture) for name, picture in pictures.items()},
        }
        self.write_strip([self.picture, *pictures.values()])
        for curve in (slow, noise, refined):
            curve.forget()
        return found | self.by_judge(found["J"]["fast"])

    def curve(self, start: Any, iterations: int, until: float = 0.0, draft: Picture | None = None) -> Curve:
        options = replace(self.style.card.gatys_options(), start=start)
        sources = Sources(self.picture, self.target, None, draft, fast_share(REFINED))
        curve = Curve(sources, options, self.network.network, self.network.sha256)
        for step in curve.grow(iterations):
            if step.point.losses.total <= until:
                break
        return curve

    def j(self, picture: Picture) -> float:
        with torch.no_grad():
            return round(float(sum(self.aim.terms(tensor(picture)))), 4)

    def by_judge(self, fast: float) -> dict[str, Any]:
        """Equal iterations on the judge's J, of the fast picture and of another network's."""
        anchor = self.anchor()
        wanted = {"fast": fast} | ({} if anchor is None else {"anchor": anchor})
        curve = self.judge_curve(min(wanted.values()))
        equal = {name: equal_iterations(j, curve).iterations for name, j in wanted.items()}
        return {"anchor_J": anchor, "equal_by_judge": equal}

    def anchor(self) -> float | None:
        """J of another network's picture."""
        if self.options.anchors is None:
            return None
        known: Mapping[str, Any] = json.loads((self.options.anchors / "figures.json").read_text())
        for found in known.values():
            if found["painting"] == self.style.name:
                return next((row["J"] for row in found["photos"] if row["photo"] == self.photo.stem), None)
        return None

    def judge_curve(self, until: float) -> list[tuple[int, float]]:
        """Iterations of L-BFGS from the photo, and J after them, as the judge's own reference optimizer has it."""
        x = tensor(self.picture).requires_grad_(True)
        optimizer = torch.optim.LBFGS([x], max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0)
        curve: list[tuple[int, float]] = []

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = torch.stack(self.aim.terms(x)).sum()
            loss.backward()
            curve.append((len(curve), float(loss)))
            return loss

        while len(curve) <= JUDGE_ITERATIONS and (not curve or min(j for _, j in curve) > until):
            optimizer.step(closure)
            with torch.no_grad():
                x.clamp_(0, 1)
        return curve

    def write_strip(self, pictures: list[Picture]) -> None:
        row = np.concatenate([picture.pixels for picture in pictures], axis=1)
        write_picture(Picture(row), self.options.work / f"{self.photo.stem}__{self.style.name}.jpg")


def tensor(picture: Picture) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(picture.as_float()).permute(2, 0, 1)[None].contiguous()


def load_judge(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("judge", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over all pairs and by style; what is no better than the beginning equals 0 iterations."""
    by_style = {
        name: [pair for pair in pairs if pair["style"] == name] for name in dict.fromkeys(p["style"] for p in pairs)
    }
    return {
        "photos": len({pair["photo"] for pair in pairs}),
        "all": summary(pairs),
        "styles": {name: summary(found) for name, found in by_style.items()},
        "pairs": pairs,
    }


def summary(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    def median(values: list[float | None]) -> float | None:
        known = [value if value is not None else 0.0 for value in values]
        return round(statistics.median(known), 4) if known else None

    refined, longest = f"refined {REFINED}", f"slow {ITERATIONS}"
    anchored = [pair for pair in pairs if pair["anchor_J"] is not None]
    return {
        "equal_from_photo": median([pair["equal_from_photo"] for pair in pairs]),
        "equal_from_noise": median([pair["equal_from_noise"] for pair in pairs]),
        "equal_by_judge": median([pair["equal_by_judge"]["fast"] for pair in pairs]),
        "equal_by_judge_where_there_are_anchors": median([pair["equal_by_judge"]["fast"] for pair in anchored]),
        "anchors_equal_by_judge": median([pair["equal_by_judge"]["anchor"] for pair in anchored]),
        "J": {name: median([pair["J"][name] for pair in pairs]) for name in pairs[0]["J"]},
        "refined_minus_longest_J": median([pair["J"][refined] - pair["J"][longest] for pair in pairs]),
        "refined_better_share": round(sum(p["J"][refined] < p["J"][longest] for p in pairs) / len(pairs), 3),
    }


if __name__ == "__main__":
    run(main)
