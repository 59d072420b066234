"""What every network for painting shares: paintings, strength, and the way back to the photo."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from models.blocks import Norms, TileNorms, norm_channels


class Body(Protocol):
    """A network from photo to painting, (B, 3, H, W) in [0, 1] to the same, of any size from 32 px."""

    def __call__(self, photo: Tensor, norm: Norms) -> Tensor: ...


class StyleNetwork(nn.Module):
    """A body that paints as one or several paintings do, more or less strongly.

    Each norm's scale and shift depend on what is asked for: `table` has, for each painting, their values at
    strength 1 and how these change with the strength. The weights of several paintings mix their rows
    (Dumoulin et al. 2017). With strength 0 the photo comes back: what the body painted is blended in by a gate
    that is nearly open at half the strength, so that strokes become weaker rather than transparent.

    Source: the strength as an input is that of Babaeizadeh & Ghiasi (arXiv 1811.08560). Differs: linear instead of
    a network of its own, and gated.

    Args:
        body: the network.
        paintings: how many it holds.
    """

    def __init__(self, body: nn.Module, paintings: int = 1) -> None:
        super().__init__()
        self.body = body
        self.channels = norm_channels(body)
        table = torch.zeros(paintings, 2, 2, sum(self.channels))
        table[:, 0, 0] = 1.0
        self.table = nn.Parameter(table)
        """(paintings, value at strength 1 | change with it, scale | shift, channels of all norms)."""

    @property
    def paintings(self) -> int:
        """How many paintings it holds."""
        return len(self.table)

    def forward(self, photo: Tensor, strength: Tensor, weights: Tensor) -> Tensor:
        """Paint.

        Args:
            photo: (B, 3, H, W) sRGB in [0, 1], sides of at least 32 px.
            strength: (B,), or (1,) for the whole batch, in 0 to 1.5.
            weights: (B, paintings), or (1, paintings), not negative, not all 0.

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        norms = Norms(self.channels, *self._affines(strength, weights))
        return self._blended(photo, strength, self.body(photo, norms))

    def paint_tile(
        self, photo: Tensor, strength: Tensor, weights: Tensor, moments: Tensor, given: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Paint, as `forward` does, and tell what the norms found; or paint a tile with what they found in the whole.

        Args:
            photo: (B, 3, H, W).
            strength, weights: see `forward`.
            moments: means and variances of all norms, (B, 2, sum of `channels`), or (1, 2, sum of `channels`).
            given: (1,), 1 where `moments` count, else 0.

        Returns:
            (B, 3, H, W) in [0, 1], and the pictures' own moments, (B, 2, sum of `channels`).
        """
        norms = TileNorms(self.channels, *self._affines(strength, weights), moments, given)
        painting = self._blended(photo, strength, self.body(photo, norms))
        return painting, norms.found

    def _affines(self, strength: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift of all norms."""
        shares = weights / weights.sum(1, keepdim=True)
        asked = torch.cat([shares, shares * (strength[:, None] - 1)], 1)
        scale, shift = (asked @ self.table.transpose(0, 1).flatten(0, 1).flatten(1)).chunk(2, 1)
        return scale, shift

    def _blended(self, photo: Tensor, strength: Tensor, painted: Tensor) -> Tensor:
        return photo + gate(strength)[:, None, None, None] * (painted - photo)


def gate(strength: Tensor) -> Tensor:
    """Share of what was painted in the result: 0 at strength 0, 0.94 at 0.5, 1 from 1 on."""
    return 1 - (1 - strength.clamp(0, 1)) ** 4
