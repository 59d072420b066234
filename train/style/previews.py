"""How a style is coming along: the same photos each time, at the same strengths, as a strip and as figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.style_network import StyleNetwork
from nst_core.picture import Picture, fit_long_side, read_picture, write_picture
from nst_core.tensor import to_tensor
from train.photos.files import FIXED_STRENGTHS, fixed_photos
from train.style.objective import StyleObjective

LONG_SIDE_PX = 256


class Previews:
    """The fixed photos, and what a network makes of them.

    Args:
        device: where the network is.
        long_side_px: of the photos; they are cut to the same shape.
    """

    def __init__(self, device: torch.device | str = "cpu", long_side_px: int = LONG_SIDE_PX) -> None:
        self.photos = torch.cat([_photo(path, long_side_px) for path in fixed_photos()]).to(device)
        """(N, 3, H, W) in [0, 1]."""

    @torch.no_grad()
    def painted(self, network: StyleNetwork, strength: float = 1.0, painting: int = 0) -> Tensor:
        """The photos in one of the network's paintings, (N, 3, H, W)."""
        count, device = len(self.photos), self.photos.device
        shares = F.one_hot(torch.tensor([painting], device=device), network.paintings).float().expand(count, -1)
        return network(self.photos, torch.full((count,), strength, device=device), shares)

    def strip(self, network: StyleNetwork) -> np.ndarray:
        """(H, W, 3) in [0, 1]: a row for each photo; beside it its strengths or, of several paintings, each of them."""
        if network.paintings == 1:
            columns = [self.painted(network, strength) for strength in FIXED_STRENGTHS]
        else:
            columns = [self.painted(network, painting=i) for i in range(network.paintings)]
        rows = torch.cat([self.photos, *columns], 3)
        return torch.cat(list(rows), 1).permute(1, 2, 0).float().cpu().numpy()

    @torch.no_grad()
    def losses(self, painted: Tensor, objective: StyleObjective, painting: int = 0) -> tuple[float, float]:
        """Style error, summed over layers, and content error of painted photos, mean over them."""
        count, device = len(painted), painted.device
        paintings = len(next(iter(objective.targets[0].values())))
        shares = F.one_hot(torch.tensor([painting], device=device), paintings).float().expand(count, -1)
        losses = objective(painted, objective.content(self.photos, 0), shares, torch.ones(count, device=device), 0)
        return float(sum(error.mean() for error in losses.style.values())), float(losses.content.mean())


def _photo(path: Path, long_side_px: int) -> Tensor:
    """(1, 3, H, W), the middle of a photo, as wide as four thirds of its height."""
    picture = read_picture(path)
    width = min(picture.width, picture.height * 4 // 3)
    height = width * 3 // 4
    top, left = (picture.height - height) // 2, (picture.width - width) // 2
    pixels = picture.with_bits(8).pixels[top : top + height, left : left + width]
    part = Picture.from_float(pixels.astype(np.float32) / 255)
    return to_tensor(part.resized(*fit_long_side(4, 3, long_side_px)))


def write_strip(strip: np.ndarray, path: Path) -> None:
    """As a picture, whole or not at all."""
    write_picture(Picture.from_float(strip), path)
