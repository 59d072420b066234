"""What a finished network's style will say about itself, and its way into a file."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.card import PaintingCard, PhotosCard, StyleCard, pack_gram
from models.registry import default_options, load_network, read_about
from nst_core import features, weights
from nst_core.color_transfer import color_statistics
from nst_core.errors import ModelError
from nst_core.features import LossNetwork
from nst_core.files import sha256
from nst_core.hardware import hardware
from nst_core.losses import gram_matrix
from nst_core.provenance import provenance
from nst_core.storage import publish_copy
from train.photos.pack import PhotoPack
from train.running import precision
from train.style.export import export_style
from train.style.job import Painting, StyleJob
from train.style.module import StyleModule
from train.style.objective import GRID_WEIGHT, PALETTE_WEIGHT
from train.style.previews import Previews

JUDGED_PX = 512
"""Long side of the photos that the finished style is measured on."""


def export_finished(path: Path, output: Path) -> dict[str, Any]:
    """Write the style file of a finished network, and put it into the store if it belongs there; see `learn`.

    Raises:
        ModelError: the file is no finished network, or the exported one would paint otherwise.
        StorageError: the store cannot be used; what was learned is kept.
    """
    _, network = load_network(path)
    card = read_card(path)
    export_style(network, card, output)
    publish_copy(output)
    return {"style_path": str(output), "steps": card.steps, "seconds": card.seconds, "figures": dict(card.figures)}


def read_card(path: Path) -> StyleCard:
    """The card that a finished network's style will carry.

    Raises:
        ModelError: the file is no finished network.
    """
    try:
        return StyleCard.from_json(json.dumps(read_about(path)["style"]))
    except KeyError as error:
        raise ModelError(f"{path} is a network without a style's card; name one that impasto train finished") from error


def make_card(job: StyleJob, module: StyleModule, pack: PhotoPack, pictures: Sequence[Tensor]) -> StyleCard:
    """The card of a network that has just been trained.

    Args:
        pictures: the paintings as they were learned, (1, 3, H, W) in [0, 1].
    """
    options = job.options
    compact = features.load_network("compact")
    paintings = tuple(
        _painting_card(painting, picture, compact) for painting, picture in zip(job.paintings, pictures, strict=True)
    )
    weights_file = features.compact_path() if options.loss_network == "compact" else weights.find(options.loss_network)
    assert weights_file is not None  # or loading would have failed
    by_layer = {f"style.{layer}": weight for layer, weight in module.objective.weights.layers.items()}
    versions = {name: importlib.metadata.version(name) for name in ("pytorch-lightning", "onnx")}
    return StyleCard(
        name=job.name,
        title=job.title,
        paintings=paintings,
        network=options.network,
        network_options=default_options(options.network),
        size_px=options.size,
        brush_size=options.brush_size,
        losses={
            "content": options.content_weight,
            "tv": options.tv_weight,
            "grid": GRID_WEIGHT,
            "palette": PALETTE_WEIGHT,
            **by_layer,
        },
        loss_network=options.loss_network,
        loss_network_sha256=sha256(weights_file),
        photos=PhotosCard(len(pack), pack.sha256),
        steps=module.trainer.global_step,
        seconds=round(module.seconds, 1),
        hardware=hardware() | {"processes": module.trainer.world_size, "photos_a_step": module.photos_a_step},
        provenance=provenance() | versions | {"base_sha256": job.base_sha256, "precision": precision()},
        seed=options.seed,
        figures=_figures(module),
        created=datetime.now(UTC).date().isoformat(),
    )


def _painting_card(painting: Painting, picture: Tensor, compact: LossNetwork) -> PaintingCard:
    mean, covariance = color_statistics(picture[0].permute(1, 2, 0).numpy())
    return PaintingCard(
        name=painting.name,
        title=painting.title,
        artist=painting.artist,
        license=painting.license,
        file=painting.path.name,
        sha256=painting.sha256,
        gram=_packed_grams(compact, picture),
        color_mean=tuple(mean.round(6).tolist()),
        color_covariance=tuple(map(tuple, covariance.round(6).tolist())),
    )


@torch.no_grad()
def _packed_grams(compact: LossNetwork, picture: Tensor) -> dict[str, str]:
    found = compact.features(picture)
    return {layer: pack_gram(gram_matrix(f)[0].numpy()) for layer, f in found.items()}


@torch.no_grad()
def _figures(module: StyleModule) -> dict[str, float]:
    """Of the finished network on the fixed photos, through the loss network: mean over its paintings."""
    network = module.network.float().eval()
    previews = Previews(next(network.parameters()).device, JUDGED_PX)
    losses = []
    for painting in range(network.paintings):
        losses.append(previews.losses(previews.painted(network, painting=painting), module.objective, painting))
    style, content = np.mean(losses, 0)
    return {"style": round(float(style), 4), "content": round(float(content), 4), "J": round(float(style + content), 4)}
