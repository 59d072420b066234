"""The classic optimizer: one photo painted in the manner of one or more paintings.

Source: Gatys, Ecker & Bethge 2016. Differs: relative losses, coarse-to-fine scales, brush size, regions,
exact tiles for pictures that do not fit in memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nst_core.budget import PICTURE_BYTES, Plan, plan_optimization
from nst_core.errors import ConfigError
from nst_core.features import LossNetwork
from nst_core.finish import Finish
from nst_core.gatys_options import GatysOptions
from nst_core.known_painting import KnownPainting
from nst_core.optimizers import ADAM_RATE, Adam, Lbfgs, Optimizer, resize_picture
from nst_core.picture import Picture, fit_long_side
from nst_core.scale_objective import ScaleObjective, scale_finish
from nst_core.sources import Sources
from nst_core.tensor import to_tensor


@dataclass
class Progress:
    """Where an optimization stands: all that is needed to go on from there."""

    scale: int
    iteration: int
    """Finished at this scale."""
    x: Tensor
    optimizer: Optimizer
    seconds: float = 0.0

    @property
    def best(self) -> Tensor:
        """The best picture at the present scale, (1, 3, H, W)."""
        optimizer = self.optimizer
        return optimizer.best[1] if isinstance(optimizer, Lbfgs) and optimizer.best is not None else self.x


@dataclass(frozen=True)
class Step:
    """One iteration done."""

    scale: int
    """Counted from 0."""
    iteration: int
    """Counted from 1, at this scale."""
    iterations: int
    """At this scale."""
    width: int
    height: int
    loss: float
    parts: Mapping[str, float]
    """`content`, `tv`, and the style loss of each layer, unweighted."""
    seconds: float
    """Spent so far, in all runs together."""
    seconds_left: float
    """Estimated from what this run's work has taken."""
    progress: Progress = field(repr=False)
    _finish: Finish = field(repr=False)

    def picture(self, bits: int = 8) -> Picture:
        """The best picture so far, at the size of the scale, in its final colors."""
        return self._finish.picture(self.progress.best, bits)


def make_plan(sources: Sources, options: GatysOptions, network: LossNetwork, limit_bytes: int) -> Plan:
    """Scales, optimizer and tiles for these pictures within `limit_bytes`.

    A draft is gone on from at the final size, as smaller scales would undo its detail; and a painting known by
    its Gram matrices alone is known at one size, and as one view of the loss network sees it. There L-BFGS is
    further after as many iterations, and Adam's first steps would undo a draft.

    Raises:
        BudgetError: it cannot fit, or the picture is too small.
        ConfigError: the options ask for more than is known of a painting.
    """
    for painting in sources.known:
        _check_known(painting, options)
    if sources.only is not None and (options.start != "picture" or sources.draft is None):
        raise ConfigError("a mask of where to change the start picture needs one: --from-style NAME, or --start FILE")
    photo = sources.photo
    size = options.size or max(photo.width, photo.height)
    width, height = fit_long_side(photo.width, photo.height, size)
    # The photo at its final size, the result, and what finishing needs beside them.
    floats = (sources.protect is not None) + (sources.only is not None) + 4 * (options.color == "palette")
    held = sources.held_bytes + width * height * (2 * 3 + floats * PICTURE_BYTES)
    one_scale = bool(sources.known) or options.start == "picture"
    optimizer = options.optimizer if options.optimizer != "auto" else "lbfgs" if one_scale else "adam"
    return plan_optimization(
        network, photo.width, photo.height, size, options.iterations, optimizer, options.history,
        limit_bytes, held, one_scale=one_scale, one_view=bool(sources.known),
    )  # fmt: skip


def _check_known(painting: KnownPainting, options: GatysOptions) -> None:
    """Finds out whether the statistics of a painting are enough.

    Raises:
        ConfigError: they are not; the message says what needs the painting itself.
    """
    needs = {
        f"network={options.network}": options.network != "compact",
        "statistics=wasserstein": options.statistics != "gram",
        "color=photo": options.color == "photo",
        "palette_match=histogram": options.color == "palette" and options.palette_match == "histogram",
        "start=painting": options.start == "painting",
        f"brush_size={options.brush_size:g}": options.brush_size != 1,
    }
    if missing := [what for what, asked in needs.items() if asked]:
        raise ConfigError(
            f"{missing[0]} needs the painting itself, and the card of {painting.name} holds its Gram matrices only; "
            "give the painting's file, or leave that option out"
        )


def optimize(
    sources: Sources,
    options: GatysOptions,
    network: LossNetwork,
    plan: Plan,
    device: torch.device | str = "cpu",
    resume: Progress | None = None,
) -> Iterator[Step]:
    """Paint, one iteration a step; to stop looping is to cancel.

    Args:
        sources: photo, paintings and masks.
        options: how.
        network: loss network, on `device`.
        plan: from `make_plan` for the same sources and options.
        device: where to compute, in fp32.
        resume: go on from a `Step.progress` of the same sources, options and plan.

    Raises:
        BudgetError: out of memory even with the smallest tiles.
        ModelError: a painting is known to another loss network.
    """
    device = torch.device(device)
    progress = resume
    work_done = seconds_here = 0.0
    for index, scale in enumerate(plan.scales):
        if progress is not None and index < progress.scale:
            continue
        began = time.perf_counter()
        finish = scale_finish(sources, options, scale)
        if progress is None:
            progress = Progress(0, 0, _start(sources, options, finish, device), _optimizer(plan, options))
        elif progress.scale < index:
            progress = _grow(
                progress, index, options, scale_finish(sources, options, plan.scales[progress.scale]), finish
            )
        evaluate = ScaleObjective(sources, options, network, scale, finish, device)
        for iteration in range(progress.iteration + 1, scale.iterations + 1):
            evaluate.view = iteration % scale.views
            done = (iteration - 1) / scale.iterations
            progress.x, evaluation = progress.optimizer.step(progress.x, evaluate, done)
            loss, parts = evaluation.total, evaluation.parts
            del evaluation  # its gradient is as large as the picture, and the next comes before it would go
            progress.iteration = iteration
            took, began = time.perf_counter() - began, time.perf_counter()
            progress.seconds += took
            seconds_here += took
            work_done += scale.work / scale.iterations
            left = scale.work * (1 - iteration / scale.iterations) + sum(s.work for s in plan.scales[index + 1 :])
            yield Step(
                index, iteration, scale.iterations, scale.width, scale.height, loss, parts,
                progress.seconds, seconds_here / work_done * left, progress, finish,
            )  # fmt: skip
            began = time.perf_counter()


def _optimizer(plan: Plan, options: GatysOptions) -> Optimizer:
    """Adam's steps are as long for a weak pull as for a strong one: with less strength they are made shorter."""
    if plan.optimizer == "lbfgs":
        return Lbfgs(plan.history)
    return Adam(ADAM_RATE * min(1.0, options.strength) ** 0.5)


def _start(sources: Sources, options: GatysOptions, finish: Finish, device: torch.device) -> Tensor:
    start = options.start if options.strength > 0 else "photo"
    photo = finish.photo
    if start == "noise":
        generator = torch.Generator().manual_seed(options.seed)
        noise = torch.randn(1, 3, photo.height, photo.width, generator=generator)
        return (0.5 + 0.15 * noise).clamp(0, 1).to(device)
    if start == "photo":
        return to_tensor(photo, device, finish.prepare)
    picture = sources.styles[0].painting if start == "painting" or sources.draft is None else sources.draft
    assert isinstance(picture, Picture)  # see _check_known
    x = to_tensor(picture.resized(photo.width, photo.height), device, finish.prepare)
    if picture is sources.draft and sources.draft_share < 1:
        x = torch.lerp(to_tensor(photo, device, finish.prepare), x, sources.draft_share)
    return x


def _grow(progress: Progress, index: int, options: GatysOptions, before: Finish, finish: Finish) -> Progress:
    """Carry picture and optimizer over to the next scale.

    Started from the photo, the picture takes along the photo's finer detail, which it had before it
    was made small.
    """
    small = progress.best
    height, width = finish.photo.height, finish.photo.width
    x = resize_picture(small, height, width)
    if options.start == "photo" or options.strength == 0:
        photo = to_tensor(finish.photo, x.device, finish.prepare)
        shrunk = to_tensor(before.photo, x.device, before.prepare)
        x += photo.sub_(resize_picture(shrunk, height, width))
    progress.optimizer.resize(height, width)
    return Progress(index, 0, x.clamp_(0, 1), progress.optimizer, progress.seconds)
