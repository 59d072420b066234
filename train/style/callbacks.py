"""What accompanies the training of a style: its clock, its curve, and eyes that see early what will fail."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from nst_core.errors import ModelError
from nst_core.files import write_bytes
from train.style.module import StyleModule
from train.style.previews import Previews, write_strip
from train.style.progress import Report

LOOK_EVERY_S = 60.0
DRAW_EVERY_S = 20.0
"""The strip, for those who watch; judged are its pictures at each look."""
WRITE_EVERY_S = 10.0
"""The curve."""
POINT_EVERY = 5
"""Steps that one point of the curve is the mean of."""
JUDGED_FROM = 0.3
"""Share of the training after which its pictures must be pictures."""
PATIENCE = 2
"""So many looks in a row must find the same fault."""
FAINTEST = 0.15
"""Of the painting's contrast and saturation, what a picture of it has at least."""
CLIP = 1 / 255
"""Values so near to an end of the range are counted as clipped."""


class Stopped(Exception):
    """The training was asked to stop, and its state is kept."""


class Clock(Callback):
    """Counts the time, tells how far the training is, and ends it when its time is over.

    Args:
        tell: told about each step.
        stop: asked at each step whether to keep the state and stop; of several processes, in each.
        state: where the state is kept.
    """

    def __init__(self, tell: Callable[[Report], None] | None, stop: Callable[[], bool] | None, state: Path) -> None:
        self.tell, self.stop, self.state = tell, stop, state
        self._last = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: StyleModule) -> None:
        self._last = time.perf_counter()
        if pl_module.pace.done(trainer.global_step, pl_module.seconds) >= 1:  # killed after its last step
            trainer.should_stop = True

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: StyleModule, *args: Any) -> None:
        now = time.perf_counter()
        seconds = pl_module.seconds + now - self._last
        self._last = now
        pl_module.seconds, stop = self._of_all(trainer, seconds, bool(self.stop and self.stop()))
        share = pl_module.pace.done(trainer.global_step, pl_module.seconds)
        if share >= 1:
            trainer.should_stop = True
        if self.tell and trainer.is_global_zero:
            figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
            self.tell(Report(trainer.global_step, pl_module.pace.steps, pl_module.seconds, share, figures))
        if stop:
            trainer.save_checkpoint(self.state)
            raise Stopped

    def _of_all(self, trainer: pl.Trainer, seconds: float, stop: bool) -> tuple[float, bool]:
        """The first process's time, and whether any is to stop: all stop after the same step, or some would wait."""
        if trainer.world_size == 1:
            return seconds, stop
        mine = [seconds if trainer.is_global_zero else 0.0, float(stop)]
        all_of_it = torch.tensor(mine, dtype=torch.float64, device=trainer.strategy.root_device)
        seconds, stopping = trainer.strategy.reduce(all_of_it, reduce_op="max").tolist()
        return seconds, stopping > 0


class Curve(Callback):
    """The losses, kept with the checkpoints and written to `metrics.csv` now and then and at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.points: list[dict[str, float]] = []
        self._sums: dict[str, float] = {}
        self._written = 0.0

    @property
    def state_key(self) -> str:
        return "curve"

    def state_dict(self) -> dict[str, Any]:
        return {"points": self.points, "sums": self._sums}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.points, self._sums = list(state_dict["points"]), dict(state_dict["sums"])

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: StyleModule, *args: Any) -> None:
        for name, value in trainer.callback_metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) / POINT_EVERY
        if trainer.global_step % POINT_EVERY == 0:
            at = {"step": trainer.global_step, "seconds": round(pl_module.seconds, 2)}
            self.points.append(at | {name: round(value, 6) for name, value in self._sums.items()})
            self._sums = {}
        if time.monotonic() - self._written > WRITE_EVERY_S:
            self.write(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.write(trainer)

    def write(self, trainer: pl.Trainer) -> None:
        """Write all points."""
        if not self.points or not trainer.is_global_zero:
            return
        self._written = time.monotonic()
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.points[-1]), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.points)
        write_bytes(self.path, text.getvalue().encode())


class Watch(Callback):
    """Draws the strip from the start on, and each minute looks whether the training will come to nothing.

    Args:
        previews: the photos.
        painting: (1, 3, H, W), the first one.
        strip: where the strip goes, PNG.
    """

    def __init__(self, previews: Previews, painting: Tensor, strip: Path) -> None:
        self.previews, self.painting, self.strip = previews, painting, strip
        self._looked = self._drawn = 0.0
        self._fault: str | None = None
        self._faults = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: StyleModule) -> None:
        if trainer.is_global_zero:
            self.draw(pl_module)
        self._looked = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: StyleModule, *args: Any) -> None:
        if not trainer.is_global_zero:
            return
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            self.look(trainer, pl_module)
            self._looked = time.monotonic()
        elif time.monotonic() - self._drawn > DRAW_EVERY_S:
            self.draw(pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: StyleModule) -> None:
        if trainer.is_global_zero:
            self.look(trainer, pl_module)

    def draw(self, module: StyleModule) -> np.ndarray:
        """Write the strip, and give it, (H, W, 3) in [0, 1]."""
        strip = self.previews.strip(module.network)
        write_strip(strip, self.strip)
        self._drawn = time.monotonic()
        return strip

    def look(self, trainer: pl.Trainer, module: StyleModule) -> None:
        """Write the strip, and judge its pictures.

        Raises:
            ModelError: the same fault was seen `PATIENCE` times in a row.
        """
        strip = self.draw(module)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("preview", strip, trainer.global_step, dataformats="HWC")
        if module.pace.done(trainer.global_step, module.seconds) < JUDGED_FROM:
            return
        fault = self._judged(module)
        self._faults = self._faults + 1 if fault and fault == self._fault else int(bool(fault))
        self._fault = fault
        if self._faults >= PATIENCE:
            raise ModelError(f"{fault} after {trainer.global_step} steps; try less --strength, or another painting")

    def _judged(self, module: StyleModule) -> str | None:
        """What is wrong with the first painting's pictures, if anything."""
        painted = self.previews.painted(module.network)
        if fault := fault_of(painted, self.painting):
            return fault
        style, _ = self.previews.losses(painted, module.objective)
        unpainted, _ = self.previews.losses(self.previews.photos, module.objective)
        return None if style < unpainted else "the pictures are no closer to the painting than the photos are"


def fault_of(painted: Tensor, painting: Tensor) -> str | None:
    """What can be seen to be wrong with pictures (N, 3, H, W) in [0, 1], if anything; the painting is (1, 3, h, w)."""
    checks = (
        ("blank", lambda x: x.std((2, 3)).mean(), False),
        ("gray", lambda x: (x.amax(1) - x.amin(1)).mean(), False),
        ("all black, white and pure colors", lambda x: ((x < CLIP) | (x > 1 - CLIP)).float().mean(), True),
    )
    for fault, measure, too_much in checks:
        ours, its = float(measure(painted)), float(measure(painting))
        if (ours > 0.5 + its / 2) if too_much else (ours < FAINTEST * its):
            return f"the pictures are {fault}"
    return None
