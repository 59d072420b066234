"""A final picture by the slow optimizer, a finished style's card standing for the painting; needs torch."""

from __future__ import annotations

import functools
from dataclasses import asdict, replace
from typing import Any

import torch

from models.catalog import Style
from nst_core import features
from nst_core.budget import Plan
from nst_core.errors import BudgetError
from nst_core.features import LossNetwork
from nst_core.files import sha256
from nst_core.gatys import Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.picture import Picture
from nst_core.provenance import provenance
from nst_core.sources import Sources
from nst_core.sources import Style as Target
from serve.work import Progress
from studio.sweep.job import SweepJob


def optimize_final(
    job: SweepJob, photo: Picture, style: Style, limit_bytes: int, tell: Progress
) -> tuple[Picture, dict[str, Any]]:
    """The picture, and the settings to be kept inside it.

    Args:
        job: what to paint.
        photo: as it was read.
        style: whose painting, as its card knows it, is gone by.
        limit_bytes: memory that the optimizer may take.
        tell: takes the share that is done; what it raises ends the work.

    Raises:
        ConfigError: An option needs the painting itself.
        BudgetError: It does not fit into the memory.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, network_sha256 = _network(str(device))
    gatys = gatys_options(job, style)
    sources = Sources(photo, (Target(style.card.painting(job.options.shares(style))),))
    plan = make_plan(sources, gatys, network, limit_bytes)
    total, last = sum(scale.iterations for scale in plan.scales), None
    try:
        for done, step in enumerate(optimize(sources, gatys, network, plan, device), 1):
            last = step
            tell(done / total)
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise BudgetError(f"the memory ran out over {photo.name}; lower --size or --memory-limit") from error
    assert last is not None
    return last.picture(photo.bit_depth), _settings(job, photo, style, gatys, plan, last, network_sha256, str(device))


def gatys_options(job: SweepJob, style: Style) -> GatysOptions:
    """The optimizer's options for what is asked of the network: the loss that this style was trained to."""
    learned, asked = style.card.gatys_options(), job.options
    return replace(
        learned, size=asked.size or learned.size, strength=asked.strength, brush_size=asked.brush_size,
        color=asked.color,
    )  # fmt: skip


@functools.cache
def _network(device: str) -> tuple[LossNetwork, str]:
    return features.load_network("compact", device), sha256(features.compact_path())


def _settings(
    job: SweepJob, photo: Picture, style: Style, gatys: GatysOptions, plan: Plan, step: Step, network_sha256: str,
    device: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "command": "optimize",
        "photo": {"file": photo.name, "sha256": photo.sha256},
        "style": {"name": style.name, "sha256": job.style.sha256},
        "options": asdict(gatys),
        "loss_network": {"name": gatys.network, "sha256": network_sha256},
        "plan": str(plan),
        "device": device,
        "versions": provenance(),
        "seconds": round(step.seconds, 2),
        "loss": step.loss,
        "losses": dict(step.parts),
    }
