"""A new painting begins from what a network of other paintings knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.registry import load_network, read_about
from models.style_network import StyleNetwork
from nst_core.errors import ConfigError
from train.style.objective import StyleObjective


def begin_from(
    base: Path, network: str, hashes: Sequence[str], objective: StyleObjective, photos: Tensor
) -> StyleNetwork:
    """The base's network, with a row of its table for each new painting.

    A painting that the base has learned begins with its own row, any other with the row that paints photos most
    like it.

    Args:
        base: file of `models.registry.save_network`.
        network: name that the base's network must have.
        hashes: SHA-256 of each painting.
        objective: with the new paintings as targets.
        photos: (B, 3, S, S) in [0, 1], on the objective's device.

    Raises:
        ModelError: the base is missing or broken.
        ConfigError: it is another network.
    """
    name, found = load_network(base)
    if name != network:
        raise ConfigError(f"{base.name} holds a {name} network, not {network}; name another --base, or --base none")
    known = list(read_about(base).get("painting_sha256", []))
    found = found.to(photos.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    new = [sha256 for sha256 in hashes if sha256 not in known]
    errors = _row_errors(found, objective, photos) if new else None
    rows = []
    for i, sha256 in enumerate(hashes):
        rows.append(known.index(sha256) if errors is None or sha256 in known else int(errors[:, i].argmin()))
    found.table = nn.Parameter(found.table.detach()[rows].clone())
    return found


@torch.no_grad()
def _row_errors(network: StyleNetwork, objective: StyleObjective, photos: Tensor) -> Tensor:
    """Loss of each row of the table for each painting of the objective, (rows, paintings)."""
    count, full = len(photos), torch.ones(len(photos), device=photos.device)
    content = objective.content(photos, 0)
    paintings = len(next(iter(objective.targets[0].values())))
    errors = torch.empty(network.paintings, paintings)
    for row in range(network.paintings):
        painted = network(photos, full, _one_hot(row, network.paintings, photos).expand(count, -1))
        for painting in range(paintings):
            shares = _one_hot(painting, paintings, photos).expand(count, -1)
            errors[row, painting] = objective(painted, content, shares, full, 0).total.mean()
    return errors


def _one_hot(index: int, count: int, like: Tensor) -> Tensor:
    return F.one_hot(torch.tensor([index], device=like.device), count).float()
