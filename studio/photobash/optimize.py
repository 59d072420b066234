"""A photobash whose strokes are painted better: by the optimizer, to which all masks are known at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from nst_core import gatys
from nst_core.features import LossNetwork
from nst_core.gatys_options import GatysOptions
from nst_core.known_painting import KnownPainting
from nst_core.picture import Picture
from nst_core.sources import Sources
from nst_core.sources import Style as PaintingSource
from serve.engine import Engine
from serve.work import Progress
from studio.photobash.borders import share_out
from studio.photobash.mix import Mix
from studio.photobash.palette import picture_palette
from studio.photobash.parts import Part, PhotobashOptions, check_parts

STROKES_SHARE = 0.9
"""Of the work, that the optimizer is; for the progress only."""
LEAST_SHARE = 0.02
"""Of the picture: a smaller part counts as if it were so large, so that it is painted at all."""
UNSEEN_SHARE = 1e-4
"""Of the picture: a part that has less, as others lie over it, is left out."""


@dataclass(frozen=True)
class Optimizer:
    """What the strokes are painted with."""

    network: LossNetwork
    """The compact one, to which the paintings of styles are known."""
    iterations: int
    device: torch.device
    limit_bytes: int
    """Memory that the optimizer may take."""


def optimize_photobash(
    photo: Picture,
    parts: Sequence[Part],
    options: PhotobashOptions,
    engine: Engine,
    optimizer: Optimizer,
    progress: Progress | None = None,
) -> Picture:
    """As `photobash`, with strokes by the optimizer, which goes on from the fast ones.

    The optimizer works at the size at which the strokes are painted; the styles' networks paint the detail of larger
    results after it. The paintings are those that the styles were learned from, known by their Gram matrices.

    Raises:
        NstError: As `photobash`; and the optimizer may need more memory than it may take.
    """
    check_parts(photo, parts)
    tell = progress or (lambda share: None)
    sizes = [engine.plan(photo, part.style, replace(part.options, size=options.size)).levels[0] for part in parts]
    small = photo.resized(*max(sizes))
    draft = Mix(small, parts, PhotobashOptions(feather_px=_feather(options, photo, small), palette="none"))
    palettes = []
    for part in parts:
        painted = engine.stylize(small, part.style, part.options)
        palettes.append(picture_palette(painted))
        draft.add(painted)
    assert draft.picture is not None
    strokes = _optimize(small, parts, draft.picture, optimizer, lambda share: tell(share * STROKES_SHARE))
    mix = Mix(photo, parts, options)
    for number, (part, own) in enumerate(zip(parts, palettes, strict=True)):
        painting = replace(part.options, size=options.size)
        mix.add(engine.stylize(photo, part.style, painting, retouch=_Given(strokes)), own)
        tell(STROKES_SHARE + (1 - STROKES_SHARE) * (number + 1) / len(parts))
    assert mix.picture is not None
    return mix.picture


def _feather(options: PhotobashOptions, photo: Picture, small: Picture) -> float | None:
    return options.feather_px and options.feather_px * small.width / photo.width


@dataclass(frozen=True)
class _Given:
    """Strokes that are painted already; a `serve.work.Retouch`."""

    strokes: Picture
    work: float = 0.0

    def __call__(self, photo: Picture, painted: Picture, tell: Progress) -> Picture:
        return self.strokes.resized(photo.width, photo.height)


def _optimize(photo: Picture, parts: Sequence[Part], draft: Picture, optimizer: Optimizer, tell: Progress) -> Picture:
    """The strokes after the iterations, in the colors of the paintings."""
    shares = share_out([part.mask for part in parts], photo.height, photo.width)
    # The loss of a part is a mean over it: by its area, all pixels are pulled to their paintings alike.
    areas = shares.mean((1, 2))
    seen = [number for number, area in enumerate(areas) if area > UNSEEN_SHARE]
    styles = tuple(
        PaintingSource(_painting(parts[number]), float(max(areas[number], LEAST_SHARE)), shares[number])
        for number in seen
    )
    loss = _loss(parts, areas, optimizer.iterations)
    sources = Sources(photo, styles, draft=draft)
    plan = gatys.make_plan(sources, loss, optimizer.network, optimizer.limit_bytes)
    for step in gatys.optimize(sources, loss, optimizer.network, plan, optimizer.device):
        tell(step.iteration / step.iterations)
        if step.iteration == step.iterations:
            return step.picture(draft.bit_depth)
    return draft


def _painting(part: Part) -> KnownPainting:
    """What is known of the painting of a part's style."""
    return part.style.card.painting(part.options.shares(part.style))


def _loss(parts: Sequence[Part], areas: np.ndarray, iterations: int) -> GatysOptions:
    """That to which the styles were trained; where these differ, each counts by its part's area."""
    each = [part.style.card.gatys_options() for part in parts]

    def mean(values: Sequence[float]) -> float:
        return float(np.dot(areas, values))

    first, second, third, fourth, fifth = (mean([loss.layer_weights[i] for loss in each]) for i in range(5))
    return replace(
        each[0],
        size=0,
        strength=mean([part.options.strength for part in parts]),
        content_weight=mean([loss.content_weight for loss in each]),
        tv_weight=mean([loss.tv_weight for loss in each]),
        layer_weights=(first, second, third, fourth, fifth),
        iterations=iterations,
        optimizer="lbfgs",
        start="picture",
    )
