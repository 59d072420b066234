"""The loss of a whole picture and its exact gradient, computed whole or tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nst_core.features import LossNetwork
from nst_core.losses import GramLoss, Moments, WassersteinLoss, add_tv_gradient, content_error, content_power
from nst_core.tiling import Margins, TilePlan

CONTENT_LAYER = "relu4_1"
STYLE_LOSSES = {"gram": GramLoss, "wasserstein": WassersteinLoss}


@dataclass(frozen=True)
class Weights:
    """What each part of the loss counts for."""

    content: float
    tv: float
    layers: dict[str, float]
    """Style weight of each layer; a layer that is absent or 0 is not computed."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the objective."""

    total: float
    gradient: Tensor
    """(1, 3, H, W)."""
    parts: dict[str, float] = field(default_factory=dict)
    """`content`, `tv` and the unweighted style loss of each layer."""


def crop_of(x: Tensor, plan: TilePlan, index: int) -> Tensor:
    """What one tile sees of a picture, (1, C, h, w), with mirrored margins.

    Channels last in memory, in which convolutions on the CPU are fastest.
    """
    rows, columns, margins = plan.part(index)
    return _mirrored(x[:, :, rows, columns], margins)


def _mirrored(part: Tensor, margins: Margins) -> Tensor:
    part = F.pad(part, margins, mode="reflect") if any(margins) else part
    return part.contiguous(memory_format=torch.channels_last)


def style_moments(network: LossNetwork, x: Tensor, plan: TilePlan, layers: Sequence[str]) -> dict[str, Moments]:
    """Moments of a picture's features after the network's heads, gathered over the tiles of `plan`."""
    out: dict[str, Moments] = {}
    with torch.no_grad():
        for i, tile in enumerate(plan.tiles):
            for layer, f in network.features(crop_of(x, plan, i), layers).items():
                rows, columns = tile.core(network.strides[layer])
                part = Moments.of(f[:, :, rows, columns])
                out[layer] = out[layer] + part if layer in out else part
    return {layer: m.through(network.heads[layer]) for layer, m in out.items()}


class _Pull(torch.autograd.Function):
    """A 0 whose slopes in some tensors are given.

    `torch.autograd.grad` takes slopes too, but imports sympy to compare their shapes, which delays the start.
    """

    @staticmethod
    def forward(ctx, seeds: Sequence[Tensor], *tensors: Tensor) -> Tensor:
        ctx.seeds = seeds
        return tensors[0].new_zeros(())

    @staticmethod
    def backward(ctx, *_: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *ctx.seeds)


class Objective:
    """Style, content and total variation of a picture, with their gradient.

    Each style loss sees only moments, which are sums over positions. So a large picture is done in two
    passes: the moments of all tiles are summed first, the loss and its slope in the moments follow from the
    sums, and then each tile passes that slope back to its pixels. Every feature is counted in exactly one
    tile and computed from the same pixels as in the whole, so the gradient is that of the whole picture up
    to rounding.

    Source: localised VGG passes of Galerne et al. 2022 (arXiv 2212.13459). Differs: any loss on moments,
    with masks.

    Args:
        network: the loss network.
        photo: (1, 3, H, W), what the content loss is relative to.
        styles: moments of each painting's features, by layer (see `style_moments`).
        shares: weight of each painting.
        masks: for each painting, where it applies, (H, W) in [0, 1], or None for everywhere.
        weights: of the parts.
        plan: the tiles.
        statistics: key of `STYLE_LOSSES`.
    """

    def __init__(
        self,
        network: LossNetwork,
        photo: Tensor,
        styles: Sequence[dict[str, Moments]],
        shares: Sequence[float],
        masks: Sequence[Tensor | None],
        weights: Weights,
        plan: TilePlan,
        statistics: str = "gram",
    ) -> None:
        self.network, self.plan, self.weights = network, plan, weights
        self.shares = [share / sum(shares) for share in shares]
        self.masks = masks
        self.style_layers = [k for k in network.layers if weights.layers.get(k, 0.0) > 0]
        self.layers = [k for k in network.layers if k in self.style_layers or k == CONTENT_LAYER]
        build = STYLE_LOSSES[statistics]
        self.losses = [{layer: build(style[layer]) for layer in self.style_layers} for style in styles]
        self.content = list(self._content_features(photo))
        head = network.heads[CONTENT_LAYER]
        self.power = max(1e-12, sum(float(content_power(f, head)) for f in self.content))

    def _content_features(self, photo: Tensor) -> Iterator[Tensor]:
        with torch.no_grad():
            for i, tile in enumerate(self.plan.tiles):
                f = self.network.features(crop_of(photo, self.plan, i), [CONTENT_LAYER])[CONTENT_LAYER]
                rows, columns = tile.core(self.network.strides[CONTENT_LAYER])
                yield f[:, :, rows, columns].clone()

    def _mask(self, painting: int, layer: str, index: int) -> Tensor | None:
        """The painting's mask at a layer's resolution, in one tile's core."""
        mask = self.masks[painting]
        if mask is None:
            return None
        stride = self.network.strides[layer]
        rows, columns = self.plan.tiles[index].core(stride)
        return F.avg_pool2d(crop_of(mask[None, None], self.plan, index), stride)[0, 0, rows, columns]

    def _gather(self, sums: list[dict[str, Moments]], features: dict[str, Tensor], index: int) -> None:
        for painting, so_far in enumerate(sums):
            for layer in self.style_layers:
                rows, columns = self.plan.tiles[index].core(self.network.strides[layer])
                core = features[layer].detach()[:, :, rows, columns]
                if painting and self.masks[painting] is None and self.masks[0] is None:
                    so_far[layer] = sums[0][layer]  # the same picture, the same moments
                    continue
                part = Moments.of(core, self._mask(painting, layer, index))
                so_far[layer] = so_far[layer] + part if layer in so_far else part

    def _style(self, sums: list[dict[str, Moments]]) -> tuple[float, dict[str, float], list[dict[str, Moments]]]:
        """The weighted style loss, its parts by layer, and its slopes in each of the moments."""
        parts = dict.fromkeys(self.style_layers, 0.0)
        total = 0.0
        slopes: list[dict[str, Moments]] = []
        for share, losses, moments in zip(self.shares, self.losses, sums, strict=True):
            slopes.append({})
            for layer, loss_of in losses.items():
                m = moments[layer]
                leaf = Moments(m.weight, m.total.requires_grad_(True), m.outer.requires_grad_(True))
                loss = share * loss_of(leaf.through(self.network.heads[layer]))
                weighted = self.weights.layers[layer] * loss
                a, b = torch.autograd.grad(weighted, (leaf.total, leaf.outer), allow_unused=True)
                m.total.requires_grad_(False)
                m.outer.requires_grad_(False)
                slopes[-1][layer] = Moments(m.weight, torch.zeros_like(m.total) if a is None else a, b + b.mT)
                parts[layer] += float(loss.detach())
                total += float(weighted.detach())
        return total, parts, slopes

    def _slope(self, f: Tensor, layer: str, index: int, slopes: list[dict[str, Moments]]) -> Tensor:
        """Slope of the style loss in the features of a tile's core, (1, c, h, w)."""
        flat = f[0].flatten(1).mT  # (h w, c), as channels-last features lie in memory
        unmasked = [i for i, mask in enumerate(self.masks) if mask is None]
        groups = ([unmasked] if unmasked else []) + [[i] for i, m in enumerate(self.masks) if m is not None]
        out: Tensor | None = None
        for group in groups:
            total = torch.stack([slopes[i][layer].total for i in group]).sum(0)
            outer = torch.stack([slopes[i][layer].outer for i in group]).sum(0)  # symmetric
            slope = torch.addmm(total, flat, outer)
            if (mask := self._mask(group[0], layer, index)) is not None:
                slope.mul_(mask.flatten()[:, None])
            out = slope if out is None else out.add_(slope)
        assert out is not None
        return out.mT.view_as(f[0])[None]

    def __call__(self, x: Tensor) -> Evaluation:
        """Loss and gradient of a picture, (1, 3, H, W) in [0, 1]."""
        sums: list[dict[str, Moments]] = [{} for _ in self.masks]
        seen: tuple[Tensor, dict[str, Tensor]] | None = None
        for i in range(len(self.plan.tiles)):
            if self.plan.whole:
                seen = self._look(x, i)
                self._gather(sums, seen[1], i)
            else:
                with torch.no_grad():
                    self._gather(sums, self.network.features(crop_of(x, self.plan, i), self.layers), i)
        style, parts, slopes = self._style(sums)
        gradient = torch.zeros_like(x)
        content = 0.0
        for i in range(len(self.plan.tiles)):
            part, features = self._look(x, i) if seen is None else seen
            content += self._pass_back(part, features, i, slopes, gradient)
        tv = add_tv_gradient(x, self.weights.tv / x.numel(), gradient) / x.numel()
        parts |= {"content": content, "tv": tv}
        total = style + self.weights.content * content + self.weights.tv * tv
        return Evaluation(total, gradient, parts)

    def _look(self, x: Tensor, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """What one tile sees of the picture, and its features, tied to each other by gradients."""
        rows, columns, margins = self.plan.part(index)
        with torch.enable_grad():
            part = x.detach()[:, :, rows, columns].requires_grad_(True)
            return part, self.network.features(_mirrored(part, margins), self.layers)

    def _pass_back(
        self,
        part: Tensor,
        features: dict[str, Tensor],
        index: int,
        slopes: list[dict[str, Moments]],
        gradient: Tensor,
    ) -> float:
        """Add one tile's share to the gradient; returns its share of the content loss."""
        content = 0.0
        seeds = []
        for layer in self.layers:
            f = features[layer].detach()
            rows, columns = self.plan.tiles[index].core(self.network.strides[layer])
            core = f[:, :, rows, columns]
            seed = None
            if layer in self.style_layers:
                seed = self._slope(core, layer, index, slopes)
            if layer == CONTENT_LAYER:
                error, slope = content_error(core, self.content[index], self.network.heads[layer])
                content = float(error / self.power)
                slope *= self.weights.content / self.power
                seed = slope if seed is None else seed.add_(slope)
            assert seed is not None
            if seed.shape != f.shape:  # beyond the core nothing pulls
                around = torch.zeros_like(f)
                around[:, :, rows, columns] = seed
                seed = around
            seeds.append(seed)
        pull: Any = _Pull.apply(seeds, *(features[layer] for layer in self.layers))
        (pulled,) = torch.autograd.grad(pull, part)
        rows, columns, _ = self.plan.part(index)
        view = gradient[:, :, rows, columns]
        view += pulled
        return content
