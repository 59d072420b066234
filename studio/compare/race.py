"""The fast network and the slow optimizer on one photo, under one loss: both painted, and measured."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch

from models.catalog import Style
from nst_core.curve import Curve, CurveStep
from nst_core.errors import ConfigError
from nst_core.evaluate import EqualIterations, Losses, Yardstick, equal_iterations
from nst_core.gatys_options import GatysOptions
from nst_core.hardware import hardware
from nst_core.likeness import color_distance, edge_agreement, ssim
from nst_core.memory import PeakMemory, available_bytes
from nst_core.picture import Picture, fit_long_side
from nst_core.provenance import provenance
from nst_core.sources import Sources, fast_share
from nst_core.sources import Style as Target
from serve.engine import FREE_SHARE, Engine
from serve.paint_options import PaintOptions
from studio.compare.comparison import Comparison, CurveRecord, Likeness, Rendering
from studio.compare.judges import Judge
from studio.compare.options import CompareOptions

REFINED_ITERATIONS = (25, 50)
"""Of the optimizer from the fast picture."""
SHOWN_ITERATIONS = (10, 25, 50, 100, 200, 500, 1000)
"""Of the optimizer, that are shown as far as it goes."""
TIMED_RUNS = 3
"""Of the network once it is loaded; their median counts."""
_LOSS_OPTIONS = ("content_weight", "tv_weight", "layer_weights", "brush_size", "statistics")


def _free_bytes(device: torch.device) -> int:
    """What the optimizer takes at the most."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_bytes()
    return int(free * FREE_SHARE)


class Race:
    """One photo in one style, painted both ways; the fast picture is there at once.

    Args:
        photo: as it was read; it is compared at the size that the style was learned at.
        style: the trained style.
        options: how.
        engine: paints the fast picture.
        judges: from `load_judges`.
        painting: the style's painting, where it is at hand; else its card's Gram matrices stand for it.
        device: of the judges.
        limit_bytes: memory that the optimizer may take; 0 is most of what is free.

    Raises:
        ConfigError: An option makes no sense for the style.
        ImageError: The photo is too small.
        ModelError: The style's file is broken.
        BudgetError: There is not memory enough for the optimizer.
    """

    def __init__(
        self,
        photo: Picture,
        style: Style,
        options: CompareOptions,
        engine: Engine,
        judges: Sequence[Judge],
        painting: Picture | None = None,
        device: torch.device | str = "cpu",
        limit_bytes: int = 0,
    ) -> None:
        card = style.card
        if painting is not None and len(card.paintings) > 1:
            raise ConfigError(f"{style.name} holds {len(card.paintings)} paintings; leave --painting out")
        self.style, self.options, self.judges, self.device = style, options, judges, torch.device(device)
        self.photo = photo.resized(*fit_long_side(photo.width, photo.height, card.size_px)).with_bits(8)
        self.painting, self._limit_bytes = painting, limit_bytes
        self.provider = engine.provider.name
        self.fast, self.fast_seconds, self.fast_bytes = self._paint(engine, PaintOptions(weights=options.weights))
        shares = PaintOptions(weights=options.weights).shares(style)
        self.gatys = replace(card.gatys_options(), network=options.network)
        if painting is not None:
            self.gatys = replace(self.gatys, brush_size=card.brush_size)
        target = (Target(card.painting(shares) if painting is None else painting),)
        self.sources = Sources(self.photo, target)
        self.yardsticks = {
            judge.network.name: Yardstick(self.sources, self._for(judge), judge.network, device) for judge in judges
        }
        self.slow = self._curve(self.sources, options.start)
        self.refined = self._curve(
            Sources(self.photo, target, None, self.fast, fast_share(min(REFINED_ITERATIONS))), "picture"
        )
        self.fast_losses = self._losses(self.fast)

    def _for(self, judge: Judge) -> GatysOptions:
        name: Any = judge.network.name
        return replace(self.gatys, network=name)

    def _curve(self, sources: Sources, start: Any) -> Curve:
        judge = self.judges[0]
        options = replace(self.gatys, start=start)
        return Curve(
            sources, options, judge.network, judge.sha256, self.device, self._limit_bytes or _free_bytes(self.device)
        )

    def _paint(self, engine: Engine, options: PaintOptions) -> tuple[Picture, float, int]:
        """The fast picture, the median seconds of painting it once the network is loaded, and its memory."""
        with PeakMemory() as memory:
            picture = engine.stylize(self.photo, self.style, options)
        times = []
        for _ in range(TIMED_RUNS):
            began = time.perf_counter()
            engine.stylize(self.photo, self.style, options)
            times.append(time.perf_counter() - began)
        return picture, sorted(times)[TIMED_RUNS // 2], memory.bytes

    @property
    def equal(self) -> EqualIterations:
        """Where the fast picture stands on the part of the optimizer's curve that there is."""
        return equal_iterations(self.fast_losses[self.judges[0].network.name].total, self.slow.losses())

    def run(self, refine: bool = True) -> Generator[CurveStep]:
        """Computes what is missing of the curves; to stop looping is to stop, and what is done is kept."""
        yield from self.slow.grow(self.options.iterations)
        if refine:
            yield from self.refined.grow(max(REFINED_ITERATIONS))

    @property
    def iterations_left(self) -> int:
        """How many `run` has still to do."""
        return max(0, self.options.iterations - self.slow.iterations) + max(
            0, max(REFINED_ITERATIONS) - self.refined.iterations
        )

    def comparison(self) -> Comparison:
        """All that has been computed so far, measured."""
        began = self._rendering("slow 0", "Photo" if self.options.start == "photo" else "Noise", self.slow.picture(0))
        slow = [
            self._rendering(f"slow {i}", f"Optimizer, {i} iterations", self.slow.picture(i), self.slow, i)
            for i in SHOWN_ITERATIONS
            if i <= min(self.slow.iterations, self.options.iterations)
        ]
        refined = [
            self._rendering(f"refined {i}", f"Fast, refined by {i}", self.refined.picture(i), self.refined, i)
            for i in REFINED_ITERATIONS
            if i <= self.refined.iterations
        ]
        fast = self._rendering("fast", f"Fast: {self.style.card.title}", self.fast)
        renderings = [fast, *slow, *refined]
        return Comparison(
            photo=self.photo,
            painting=self._shown_painting(),
            style=self._about_style(),
            measured_under=self.judges[0].network.name,
            trained_under=self.style.card.loss_network,
            renderings=[replace(r, equal=self._equal(r.losses, [began, *slow])) for r in renderings],
            curves=[
                CurveRecord(key, start, curve.points)
                for key, start, curve in (
                    ("slow", self.options.start, self.slow),
                    ("refined", "draft", self.refined),
                )
                if curve.points
            ],
            settings=self._settings(),
        )

    def _rendering(self, key: str, title: str, picture: Picture, curve: Curve | None = None, at: int = 0) -> Rendering:
        likeness = Likeness(
            round(ssim(picture, self.photo), 4),
            round(edge_agreement(picture, self.photo), 4),
            None if self.painting is None else round(color_distance(picture, self.painting), 2),
        )
        seconds = curve.points[at].seconds if curve else self.fast_seconds
        peak = curve.peak_bytes if curve else self.fast_bytes
        return Rendering(key, title, picture, self._losses(picture), {}, likeness, seconds, peak)

    def _losses(self, picture: Picture) -> dict[str, Losses]:
        return {name: yardstick.losses(picture) for name, yardstick in self.yardsticks.items()}

    def _equal(self, losses: Mapping[str, Losses], slow: Sequence[Rendering]) -> dict[str, EqualIterations]:
        """By the curve itself under its own loss network, by the pictures that are kept of it under others."""
        first = self.judges[0].network.name
        found = {first: equal_iterations(losses[first].total, self.slow.losses())}
        for name in losses.keys() - {first}:
            curve = [(int(r.key.split()[1]), r.losses[name].total) for r in slow]
            found[name] = equal_iterations(losses[name].total, curve)
        return found

    def _shown_painting(self) -> Picture | None:
        if self.painting is None:
            return None
        long_side = min(self.style.card.size_px, max(self.painting.width, self.painting.height))
        return self.painting.resized(*fit_long_side(self.painting.width, self.painting.height, long_side)).with_bits(8)

    def _about_style(self) -> dict[str, Any]:
        paintings = [{"title": p.title, "artist": p.artist, "license": p.license} for p in self.style.card.paintings]
        about = {"name": self.style.name, "title": self.style.card.title, "sha256": self.style.sha256}
        return about | {"paintings": paintings}

    def _settings(self) -> dict[str, Any]:
        return {
            "options": asdict(self.options),
            "loss": {key: value for key, value in asdict(self.gatys).items() if key in _LOSS_OPTIONS},
            "loss_networks": {judge.network.name: judge.sha256 for judge in self.judges},
            "optimizer": f"L-BFGS, {self.gatys.history} corrections, at {self.photo.width}x{self.photo.height} px",
            "provider": self.provider,
            "device": str(self.device),
            "hardware": hardware(),
            "versions": provenance(),
        }
