"""What a style network is trained to: the optimizer's losses, for batches of pictures and mixtures of paintings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nst_core.features import LossNetwork
from nst_core.losses import content_errors, gram_matrix, total_variation
from nst_core.objective import CONTENT_LAYER, Weights
from nst_core.tiling import canvas_margins

GRID_WEIGHT = 500.0
"""Of `grid_error`: a grid of two levels of 255 costs 0.008, of four 0.03; a style is learned to about 0.5."""
GRID_WINDOW = 8
"""Side of the neighborhoods that a grid is looked for in, in steps of two pixels."""


PALETTE_WEIGHT = 0.25
"""Of `Palettes.error`: 0.02 to 0.3 of paintings themselves, several times as much where streaks of a color are that
a painting has not."""
PALETTE_LIMIT = 9.0
"""Square of the deviations from a painting's mean color up to which a color is one of its own."""
PALETTE_SLACK = 0.03
"""Deviation that every color may have in any direction, beside a painting's own."""


@dataclass(frozen=True)
class Losses:
    """Of each picture of a batch, unweighted but for the total, each (B,)."""

    total: Tensor
    content: Tensor
    style: Mapping[str, Tensor]
    tv: Tensor
    grid: Tensor
    palette: Tensor


class Palettes:
    """The colors of paintings, as mean and covariance; Gram matrices alone let a rare streak of another color pass.

    Args:
        paintings: each (1, 3, H, W) in [0, 1].
    """

    def __init__(self, paintings: Sequence[Tensor]) -> None:
        colors = [painting[0].flatten(1) for painting in paintings]
        self.means = torch.stack([c.mean(1) for c in colors])
        """(paintings, 3)."""
        self.covariances = torch.stack([torch.cov(c, correction=0) for c in colors])
        """(paintings, 3, 3)."""

    def error(self, painted: Tensor, shares: Tensor) -> Tensor:
        """How far colors are outside of the palette, square of deviations beyond the limit, mean; (B,).

        Args:
            painted: (B, 3, H, W) in [0, 1].
            shares: of the paintings in each picture's palette, (B, paintings).
        """
        mean = shares @ self.means
        apart = self.means - mean[:, None]  # (B, paintings, 3)
        spread = self.covariances + apart[..., :, None] * apart[..., None, :]
        covariance = torch.einsum("bp,bpij->bij", shares, spread)
        inverse = torch.linalg.inv(covariance + PALETTE_SLACK**2 * torch.eye(3, device=painted.device))
        from_mean = painted.flatten(2) - mean[..., None]  # (B, 3, positions)
        squares = ((inverse @ from_mean) * from_mean).sum(1)
        return F.relu(squares - PALETTE_LIMIT).mean(1)


def grid_error(x: Tensor) -> Tensor:
    """Mean square of what repeats every other pixel over a neighborhood, (B, 3, H, W) to (B,).

    A network that makes four pixels of each position leaves such a grid in flat areas, where Gram matrices hardly
    see it. Texture, whose signs vary, averages out over a neighborhood; slopes and single edges count next to nothing.
    """
    smooth = F.avg_pool2d(F.avg_pool2d(x, 2, 1), 2, 1)  # the binomial filter of 3x3
    fine = (x[:, :, 1:-1, 1:-1] - smooth)[..., : smooth.shape[2] // 2 * 2, : smooth.shape[3] // 2 * 2]
    a, b, c, d = fine[..., ::2, ::2], fine[..., ::2, 1::2], fine[..., 1::2, ::2], fine[..., 1::2, 1::2]
    patterns = torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], 1) / 4
    return F.avg_pool2d(patterns, GRID_WINDOW, GRID_WINDOW // 2).square().mean((1, 2, 3)) * 3


class StyleObjective:
    """Content, style and total variation through a loss network, from any of its views.

    Args:
        network: frozen, on the device of the training.
        paintings: each (1, 3, H, W) in [0, 1], at the size its strokes are to be learned in.
        weights: of the parts.
    """

    def __init__(self, network: LossNetwork, paintings: Sequence[Tensor], weights: Weights) -> None:
        self.weights = weights
        self.views = network.views()
        self.heads = network.heads
        self.layers = network.layers
        self.palettes = Palettes(paintings)
        self.targets = [self._grams(view, paintings) for view in self.views]
        """By view: each layer's Gram matrices, (paintings, k, k)."""

    def _grams(self, view: LossNetwork, paintings: Sequence[Tensor]) -> dict[str, Tensor]:
        found: dict[str, list[Tensor]] = {layer: [] for layer in self.layers}
        align = max(view.strides.values())
        for painting in paintings:
            height, width = painting.shape[2:]
            canvas = F.pad(painting, canvas_margins(height, width, align), mode="reflect")
            with torch.no_grad():
                for layer, f in view.features(canvas.contiguous(memory_format=torch.channels_last)).items():
                    found[layer].append(self._gram(f, layer)[0])
        return {layer: torch.stack(grams) for layer, grams in found.items()}

    def _gram(self, f: Tensor, layer: str) -> Tensor:
        """Gram matrices after the layer's head, in fp32: half precision would overflow."""
        gram, head = gram_matrix(f), self.heads[layer]
        return gram if head is None else head @ gram @ head.mT

    @torch.no_grad()
    def content(self, photo: Tensor, view: int) -> Tensor:
        """What the result's content is compared with: features (B, c, h, w) of photos (B, 3, H, W)."""
        return self.views[view].features(photo, [CONTENT_LAYER])[CONTENT_LAYER]

    def __call__(self, painted: Tensor, content: Tensor, shares: Tensor, strength: Tensor, view: int) -> Losses:
        """Losses of a batch.

        Args:
            painted: (B, 3, H, W) in [0, 1].
            content: of the photos, from `content` with the same view.
            shares: (B, paintings), each row's sum 1.
            strength: (B,); style counts with its square, as with half of it a picture should look half as painted.
            view: which of the network's views looks.
        """
        features = self.views[view].features(painted)
        style = {}
        with torch.autocast(painted.device.type, enabled=False):
            for layer in self.layers:
                want = torch.einsum("bp,pij->bij", shares, self.targets[view][layer])
                error = (self._gram(features[layer], layer) - want).square().sum((1, 2))
                style[layer] = error / want.square().sum((1, 2)).clamp_min(1e-12)
            lost = content_errors(features[CONTENT_LAYER].float(), content.float(), self.heads[CONTENT_LAYER])
            tv, grid = total_variation(painted.float()), grid_error(painted.float())
            palette = self.palettes.error(painted.float(), shares)
            pull = sum(self.weights.layers[layer] * error for layer, error in style.items()) + self.weights.tv * tv
            pull = pull + PALETTE_WEIGHT * palette
            total = self.weights.content * lost + strength.square() * pull + GRID_WEIGHT * grid
            return Losses(total, lost, style, tv, grid, palette)
