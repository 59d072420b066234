"""What the optimizer goes by at one scale: its objective, made of photo, paintings, masks and options."""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch import Tensor

from nst_core.budget import SMALLEST_PX, Scale
from nst_core.errors import BudgetError, ModelError
from nst_core.features import LossNetwork
from nst_core.finish import Finish, Kept
from nst_core.gatys_options import GatysOptions
from nst_core.known_painting import KnownPainting
from nst_core.losses import Moments
from nst_core.mask import resize_mask
from nst_core.objective import Evaluation, Objective, Weights, style_moments
from nst_core.picture import fit_long_side
from nst_core.sources import Sources, Style
from nst_core.tensor import to_tensor
from nst_core.tiling import plan_tiles, smaller_tiles

log = logging.getLogger(__name__)


def scale_finish(sources: Sources, options: GatysOptions, scale: Scale) -> Finish:
    """Colors in and out at a scale."""
    photo = sources.photo.resized(scale.width, scale.height)
    kept = []
    if sources.only is not None and sources.draft is not None:
        share = 1 - resize_mask(sources.only, scale.height, scale.width)
        kept.append(Kept(share, sources.draft.resized(scale.width, scale.height)))
    if sources.protect is not None:
        kept.append(Kept(resize_mask(sources.protect, scale.height, scale.width), photo))
    return Finish(photo, sources.styles[0].painting, options.color, options.palette_match, kept)


def _on_device(mask: np.ndarray | None, scale: Scale, device: torch.device) -> Tensor | None:
    """A mask at a scale's size."""
    if mask is None:
        return None
    return torch.from_numpy(np.array(resize_mask(mask, scale.height, scale.width))).to(device)


class ScaleObjective:
    """The objective at one scale: keeps what is protected, and makes do with smaller tiles when memory runs out."""

    def __init__(
        self,
        sources: Sources,
        options: GatysOptions,
        network: LossNetwork,
        scale: Scale,
        finish: Finish,
        device: torch.device,
    ) -> None:
        self.sources, self.options, self.finish, self.device = sources, options, finish, device
        self.networks = network.views()[: scale.views]
        self.view = 0
        """Which of the network's views the next evaluation takes."""
        self.tiles = scale.tiles
        self.masks = [_on_device(s.mask, scale, device) for s in sources.styles]
        self.protect = _on_device(sources.protect, scale, device)
        self.objectives: dict[int, Objective] = {}

    def __call__(self, x: Tensor) -> Evaluation:
        if self.protect is not None:
            x = torch.lerp(x, to_tensor(self.finish.photo, self.device, self.finish.prepare), self.protect)
        while True:
            try:
                if self.view not in self.objectives:
                    self.objectives[self.view] = self._build(self.networks[self.view])
                evaluation = self.objectives[self.view](x)
                break
            except (MemoryError, RuntimeError) as error:
                if "memory" not in str(error) and not isinstance(error, MemoryError):
                    raise
            self._divide()
        if self.protect is not None:
            evaluation.gradient.mul_(1 - self.protect)
        return evaluation

    def _divide(self) -> None:
        self.objectives.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.tiles = smaller_tiles(self.tiles, self.networks[0].halo_px, max(self.networks[0].strides.values()))
        log.warning("out of memory: going on with %d tiles", len(self.tiles.tiles))

    def _build(self, network: LossNetwork) -> Objective:
        options = self.options
        weights = Weights(
            content=options.content_weight,
            tv=options.tv_weight * options.strength,
            layers={
                layer: weight * options.strength
                for layer, weight in zip(network.layers, options.layer_weights, strict=True)
            },
        )
        used = [layer for layer, weight in weights.layers.items() if weight > 0]
        return Objective(
            network,
            to_tensor(self.finish.photo, self.device, self.finish.prepare),
            [self._moments(network, style, used) for style in self.sources.styles],
            [style.share for style in self.sources.styles],
            self.masks,
            weights,
            self.tiles,
            options.statistics,
        )

    def _moments(self, network: LossNetwork, style: Style, layers: list[str]) -> dict[str, Moments]:
        """The painting's moments, as large as the brush asks for, but never larger than it is."""
        painting = style.painting
        if isinstance(painting, KnownPainting):
            return {layer: self._known_moments(network, painting, layer) for layer in layers}
        long_side = max(painting.width, painting.height)
        wanted = round(max(self.finish.photo.height, self.finish.photo.width) * self.options.brush_size)
        width, height = fit_long_side(painting.width, painting.height, min(wanted, long_side))
        if min(width, height) < SMALLEST_PX:
            raise BudgetError(f"{painting.name} at {width}x{height} px is too small to learn from; raise --brush-size")
        x = to_tensor(self.finish.painting(painting.resized(width, height)), self.device)
        align = max(network.strides.values())
        room = max(self.tiles.crop_pixels, (2 * network.halo_px + 12 * align) ** 2)
        plan = plan_tiles(height, width, network.halo_px, align, room)
        return style_moments(network, x, plan, layers)

    def _known_moments(self, network: LossNetwork, painting: KnownPainting, layer: str) -> Moments:
        head = network.heads[layer]
        if layer not in painting.grams or (head is not None and head.shape[1] != len(painting.grams[layer])):
            raise ModelError(f"{painting.name} was learned with another loss network; give its painting's file instead")
        gram = torch.from_numpy(painting.grams[layer]).to(self.device)
        return Moments(gram.new_ones(()), gram.new_zeros(len(gram)), gram).through(head)
