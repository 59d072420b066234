"""The classic optimizer's curve on one photo and painting: its losses at each iteration, computed once and kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nst_core import snapshot
from nst_core.budget import Plan
from nst_core.cache import cache_folder
from nst_core.errors import BudgetError, NstError
from nst_core.evaluate import Losses
from nst_core.features import LossNetwork
from nst_core.files import write_bytes
from nst_core.gatys import Progress, Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.memory import PeakMemory
from nst_core.picture import Picture, read_picture, write_picture
from nst_core.sources import Sources

FORMAT = 2
"""Changes when curves of before would differ."""
KEPT_ITERATIONS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000)
"""After these the picture is kept."""
SAVED_EVERY_S = 20.0


@dataclass(frozen=True)
class Point:
    """One iteration of a curve."""

    iteration: int
    """Done so far; 0 is what the optimizer began with."""
    seconds: float
    """Of the optimizer, up to here."""
    losses: Losses


@dataclass(frozen=True)
class CurveStep:
    """A point that has just been computed."""

    point: Point
    seconds_left: float
    picture: Callable[[], Picture]
    """Gives the best picture so far."""


class Curve:
    """A curve, and the folder that it is kept in: what was computed once is there again.

    It is L-BFGS at one scale, the final size, through the upright loss network, so that the losses at all
    iterations are of one kind. Beside it, `impasto optimize` gets further with as many: it goes from coarse
    to fine.

    Args:
        sources: photo and painting, and the draft that start=picture begins from, or from a mixture with the photo.
        options: size, weights and start; other iterations make no other curve.
        network: the loss network, on `device`.
        network_sha256: of its weights.
        device: where to compute.
        limit_bytes: memory to take.

    Raises:
        BudgetError: There is not memory enough.
        ConfigError: The options ask for more than is known of a painting.
    """

    def __init__(
        self,
        sources: Sources,
        options: GatysOptions,
        network: LossNetwork,
        network_sha256: str,
        device: torch.device | str = "cpu",
        limit_bytes: int = 1 << 60,
    ) -> None:
        self._sources, self._network, self._device = sources, network, torch.device(device)
        self._options = replace(options, optimizer="lbfgs", iterations=1)
        self._limit_bytes = limit_bytes
        self._plan(1)  # refuses early what cannot be done
        self._key = _key(sources, self._options, network_sha256, self._device)
        self.folder = cache_folder() / "curves" / self._key
        self.points: list[Point] = []
        self.peak_bytes = 0
        """The most memory that computing it has taken; beyond the program's own."""
        self._load()

    @property
    def iterations(self) -> int:
        """How far it goes; -1 before the first point."""
        return len(self.points) - 1

    def losses(self) -> list[tuple[int, float]]:
        """Iteration and loss of each point."""
        return [(point.iteration, point.losses.total) for point in self.points]

    def picture(self, iteration: int) -> Picture:
        """The best picture after so many iterations, one of `KEPT_ITERATIONS`.

        Raises:
            ImageError: It is not there.
        """
        return read_picture(self._picture_path(iteration))

    def has(self, iterations: int) -> bool:
        """Whether it goes so far, and the pictures up to there are kept."""
        return self.iterations >= iterations and self._has_pictures(iterations)

    def _has_pictures(self, iterations: int) -> bool:
        return all(self._picture_path(i).is_file() for i in KEPT_ITERATIONS if i <= iterations)

    def grow(self, iterations: int) -> Iterator[CurveStep]:
        """Computes what is missing up to an iteration; to stop looping is to stop, and what is done is kept.

        Raises:
            NstError: The folder cannot be written to, or the disk is full.
        """
        if self.has(iterations):
            return
        resume = self._resume(iterations)
        saved = time.monotonic()
        memory = PeakMemory()
        step = None
        try:
            with memory:
                steps = optimize(
                    self._sources, self._options, self._network, self._plan(iterations), self._device, resume
                )
                for step in steps:
                    losses = Losses.of(self._network.name, step.loss, step.parts)
                    point = Point(step.iteration - 1, step.seconds, losses)
                    # The picture before the point, as others may look at the curve meanwhile.
                    if point.iteration in KEPT_ITERATIONS:
                        with _cache_named():
                            write_picture(step.picture(), self._picture_path(point.iteration))
                    self.points.append(point)
                    yield CurveStep(point, step.seconds_left, step.picture)
                    if time.monotonic() - saved >= SAVED_EVERY_S:
                        self._save(step)
                        saved = time.monotonic()
        finally:
            on_card = torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else memory.bytes
            self.peak_bytes = max(self.peak_bytes, on_card)
            if step is not None:
                self._save(step)

    def forget(self) -> None:
        """Removes all that is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.points.clear()

    def _plan(self, iterations: int) -> Plan:
        plan = make_plan(self._sources, self._options, self._network, self._limit_bytes)
        last = plan.scales[-1]
        if plan.optimizer != "lbfgs":
            raise BudgetError(
                f"the optimizer's curve at {last.width}x{last.height} px does not fit into "
                f"{self._limit_bytes / 1e9:.1f} GB; choose a smaller size, or close programs"
            )
        # The loss of a picture is known an iteration later, so one more than is asked for.
        return replace(plan, scales=(replace(last, iterations=iterations + 1, views=1),))

    @property
    def _state_path(self) -> Path:
        return self.folder / "state.safetensors"

    def _picture_path(self, iteration: int) -> Path:
        return self.folder / f"{iteration:05d}.png"

    def _save(self, step: Step) -> None:
        """Points and state, so that no more than some seconds are lost; the state of a whole curve is not needed."""
        points = [_to_json(point) for point in self.points]
        text = json.dumps({"peak_bytes": self.peak_bytes, "points": points})
        with _cache_named():
            if step.iteration < step.iterations:
                snapshot.save(self._state_path, step.progress, {"curve": self._key}, points)
            write_bytes(self.folder / "curve.json", text.encode())
        if step.iteration == step.iterations:
            self._state_path.unlink(missing_ok=True)

    def _load(self) -> None:
        try:
            found = json.loads((self.folder / "curve.json").read_bytes())
            self.points = [_from_json(point, self._network.name) for point in found["points"]]
            self.peak_bytes = int(found["peak_bytes"])
        except (OSError, ValueError, KeyError, TypeError):  # what is broken is computed anew
            self.points = []

    def _resume(self, iterations: int) -> Progress | None:
        """Where to go on; without a state from the beginning."""
        self.points = []
        if not self._state_path.exists():
            return None
        try:
            found = snapshot.load(self._state_path, {"curve": self._key}, self._device)
            self.points = [_from_json(point, self._network.name) for point in found.curve]
        except (NstError, KeyError, TypeError):
            return None
        if found.progress.iteration > iterations or not self._has_pictures(self.iterations):
            self.points = []
            return None
        return found.progress


@contextmanager
def _cache_named() -> Iterator[None]:
    """Says of what cannot be written how another folder is chosen."""
    try:
        yield
    except NstError as error:
        raise NstError(f"{error} (the environment variable IMPASTO_CACHE_DIR names it)") from error


def _key(sources: Sources, options: GatysOptions, network_sha256: str, device: torch.device) -> str:
    """A name for all that decides what a curve is."""
    about: dict[str, Any] = asdict(options) | {"format": FORMAT, "network": network_sha256, "device": device.type}
    about["photo"] = _pixels_sha256(sources.photo)
    about["draft"] = sources.draft and [_pixels_sha256(sources.draft), sources.draft_share]
    about["styles"] = [
        (style.share, _pixels_sha256(style.painting) if isinstance(style.painting, Picture) else style.painting.sha256)
        for style in sources.styles
    ]
    assert sources.protect is None and all(style.mask is None for style in sources.styles)
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def _pixels_sha256(picture: Picture) -> str:
    return hashlib.sha256(f"{picture.pixels.shape}".encode() + picture.pixels.tobytes()).hexdigest()


def _to_json(point: Point) -> dict[str, Any]:
    losses = point.losses
    parts = {**losses.layers, "content": losses.content, "tv": losses.tv}
    return {"iteration": point.iteration, "seconds": round(point.seconds, 3), "loss": losses.total, "parts": parts}


def _from_json(point: Mapping[str, Any], network: str) -> Point:
    return Point(point["iteration"], point["seconds"], Losses.of(network, point["loss"], point["parts"]))
