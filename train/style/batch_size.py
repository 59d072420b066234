"""How many photos a step fit into the memory."""

from __future__ import annotations

import psutil
import torch

from nst_core.errors import BudgetError
from nst_core.features import LossNetwork
from train.style.options import StyleOptions

FIXED_BYTES = 900_000_000
"""What a training takes beside its photos: the interpreter with torch and Lightning, and the networks."""
NETWORK_BYTES_PER_PIXEL = {"swift": 1500, "johnson": 6000}
"""Of features and gradients, a pixel of a photo."""


def fitting_batch_size(
    options: StyleOptions, loss_network: LossNetwork, where: torch.device, limit_bytes: int | None
) -> int:
    """The usual number of photos a step, or as many as the memory has room for.

    Args:
        limit_bytes: of memory that may be taken; None for what is free.

    Raises:
        BudgetError: there is no room for one.
    """
    limit = limit_bytes or _free_bytes(where)
    photo_bytes = options.crop_px**2 * (loss_network.bytes_per_pixel + NETWORK_BYTES_PER_PIXEL[options.network])
    fitting = int((limit - FIXED_BYTES) // photo_bytes)
    if fitting < 1:
        needed = (FIXED_BYTES + photo_bytes) / 1e9
        raise BudgetError(
            f"{limit / 1e9:.1f} GB of memory are too few; "
            f"learning takes {needed:.1f} GB, or less with a smaller --crop-px"
        )
    return min(fitting, StyleOptions().batch_size)


def _free_bytes(where: torch.device) -> float:
    """What may be taken, leaving something for others."""
    free = torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else psutil.virtual_memory().available
    return 0.8 * free
