"""How well a picture came out, painted by the optimizer or by a trained style, by a judge that is not ours."""

from __future__ import annotations

import contextlib
import io
import json
import math
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from models.catalog import find_style
from nst_core.color_transfer import color_statistics, match_mean_covariance
from nst_core.features import load_network
from nst_core.files import write_bytes
from nst_core.gatys import make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.picture import Picture, fit_long_side, write_picture
from nst_core.sources import Sources, Style
from serve.engine import Engine
from serve.providers import ComputeOptions

OPTIMIZED_PX, ITERATIONS = 256, 40
"""Of the optimizer: size and effort."""
FAST_PX = 256
"""Of the trained styles."""


@dataclass(frozen=True)
class Outcome:
    """How a picture came out: see `advise_quality`."""

    well: float
    moved: float
    """The same, with textures that were taken away counted like those that were added."""
    gain: float
    J: float


class Painter:
    """Paints and judges, and keeps what it did."""

    def __init__(self, judge: Path, work: Path) -> None:
        self._judge, self._work = judge, work
        self._network = load_network("compact")
        self._engine = Engine(ComputeOptions("cpu"))

    def optimized(self, photo: Picture, style: Picture) -> Outcome:
        photo, style = _sized(photo, OPTIMIZED_PX), _sized(style, OPTIMIZED_PX)

        def paint() -> Picture:
            sources = Sources(photo, (Style(style),))
            options = GatysOptions(size=OPTIMIZED_PX, iterations=ITERATIONS, optimizer="lbfgs")
            plan = make_plan(sources, options, self._network, 1 << 60)
            *_, last = optimize(sources, options, self._network, plan)
            return last.picture()

        return self._outcome(photo, style, "optimized", paint)

    def fast(self, photo: Picture, painting: Picture, name: str) -> Outcome:
        photo = _sized(photo, FAST_PX)
        return self._outcome(
            photo, _sized(painting, FAST_PX), "fast", lambda: self._engine.stylize(photo, find_style(name))
        )

    def _outcome(self, photo: Picture, painting: Picture, way: str, paint: Callable[[], Picture]) -> Outcome:
        folder = self._work / way / f"{Path(photo.name).stem}__{Path(painting.name).stem}"
        cached, painted = folder / "judged.json", folder / "painted.png"
        if not painted.exists():
            write_picture(paint(), painted)
        if not cached.exists():
            recolored = match_mean_covariance(photo.as_float(), *color_statistics(painting.as_float()))
            pictures = {"photo": photo, "painting": painting, "recolored": Picture.from_float(recolored.clip(0, 1))}
            files = {name: folder / f"{name}.png" for name in pictures}
            for name, picture in pictures.items():
                write_picture(picture, files[name])
            size = max(photo.width, photo.height)
            before, after = self._score(size, files["photo"], files["painting"], files["recolored"], painted)
            (moved,) = self._score(size, files["photo"], files["recolored"], painted)
            (taken,) = self._score(size, files["photo"], painted, files["recolored"])
            judged = {
                "J": after["J"],
                "content": after["content"],
                "before": before["J"],
                "moved": moved["style"],
                "taken": taken["style"],
            }
            write_bytes(cached, json.dumps(judged).encode())
        found = json.loads(cached.read_text())
        gain = 1 - found["J"] / found["before"]
        kept = math.sqrt(max(0.0, 1 - found["content"]))
        moved, taken = math.log1p(found["moved"]), math.log1p(found["taken"])
        whole = max(0.0, gain) * kept
        return Outcome(whole * max(0.0, moved - taken), whole * moved, gain, found["J"])

    def _score(self, size: int, *files: Path) -> list[dict[str, float]]:
        """What the judge says of pictures: of photo and painting, and then of each that was painted."""
        arguments = [self._judge, "score", *files, "--size", size]
        said = io.StringIO()
        with patch.object(sys, "argv", [str(word) for word in arguments]), contextlib.redirect_stdout(said):
            runpy.run_path(str(self._judge), run_name="__main__")
        return [json.loads(line) for line in said.getvalue().splitlines()]


def _sized(picture: Picture, size: int) -> Picture:
    return picture.resized(*fit_long_side(picture.width, picture.height, size))
