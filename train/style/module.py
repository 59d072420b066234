"""One training step of a style network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn import functional as F

from models.card import STRENGTH_RANGE
from models.style_network import StyleNetwork
from nst_core.errors import ModelError
from train.style.objective import StyleObjective
from train.style.options import StyleOptions

VARIED = 0.5
"""Share of the pictures that are painted with a random strength; the others with strength 1."""
WEAKEST = 0.02
"""The least of the random strengths: at 0 there is nothing to learn."""
MIXED = 0.3
"""Share of the pictures that two paintings of several are mixed for."""
UNSEEN_PX = 8
"""Of a crop's border the losses see nothing: what it does to the loss network's sight would be painted as a frame."""
WARMUP_STEPS = 20
USUAL_PHOTOS = 4
"""A step, for which the learning rate is given."""
LARGEST_GRADIENT = 5.0
"""Norm beyond which the gradient is cut: a rare crop pulls a hundred times as hard as others."""


class Diverged(ModelError):
    """The training came apart; going on from an earlier state with smaller steps may help."""


@dataclass
class Pace:
    """How far a training is, by steps or by time, and how large its steps are."""

    steps: int | None
    """All of them; None where the time decides."""
    budget_s: float | None = None
    rate_factor: float = 1.0
    """Lowered each time the training came apart."""

    def done(self, step: int, seconds: float) -> float:
        """Share of the training that is over, 0 to 1."""
        shares = [step / self.steps] if self.steps else []
        if self.budget_s:
            shares.append(seconds / self.budget_s)
        return min(1.0, max(shares))

    def factor(self, step: int, seconds: float) -> float:
        """What the peak learning rate is multiplied by."""
        rise = min(1.0, (step + 1) / WARMUP_STEPS)
        return self.rate_factor * rise * (0.5 + 0.5 * math.cos(math.pi * self.done(step, seconds)))


class StyleModule(pl.LightningModule):
    """Trains a `StyleNetwork` to paint any photo as its paintings are painted, at any strength.

    Source: Johnson et al. 2016. Differs: relative losses, through another view of the loss network each step;
    random strengths and mixtures of paintings.
    """

    def __init__(self, options: StyleOptions, network: StyleNetwork, objective: StyleObjective, pace: Pace) -> None:
        super().__init__()
        self.options, self.network, self.pace = options, network, pace
        self.objective = objective
        self.seconds = 0.0
        """Trained so far, all runs together; kept by `train.style.callbacks.Clock`."""
        self.photos_a_step = 0
        """Of all processes together, in the last step."""
        self.generator = torch.Generator().manual_seed(options.seed)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what else the next step depends on; tensors and containers only, so that nothing is unpickled."""
        rate_factor = self.pace.rate_factor
        checkpoint["style"] = {
            "generator": self.generator.get_state(), "seconds": self.seconds, "rate_factor": rate_factor,
        }  # fmt: skip

    def on_load_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on from what `on_save_checkpoint` added."""
        self.generator.set_state(checkpoint["style"]["generator"])
        self.seconds = checkpoint["style"]["seconds"]
        self.pace.rate_factor = min(self.pace.rate_factor, checkpoint["style"]["rate_factor"])

    def on_before_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """(B, 3, S, S) uint8 to floats in [0, 1]."""
        return (batch.float() / 255).contiguous(memory_format=torch.channels_last)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.photos_a_step = len(batch) * self.trainer.world_size
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self._rate()
        view = self.global_step % len(self.objective.views)
        strength, shares = self._asked(len(batch))
        inner = slice(UNSEEN_PX, -UNSEEN_PX)
        content = self.objective.content(batch[:, :, inner, inner], view)
        painted = self.network(batch, strength, shares)[:, :, inner, inner]
        losses = self.objective(painted, content, shares, strength, view)
        loss = losses.total.mean()
        # Whether it is a number is seen by the gradient, which all processes have in common: they give up together.
        self.log_dict({f"style_{layer}": error.mean() for layer, error in losses.style.items()})
        style = torch.stack(tuple(losses.style.values())).sum(0).mean()
        self.log_dict(
            {
                "loss": loss,
                "content": losses.content.mean(),
                "style": style,
                "tv": losses.tv.mean(),
                "grid": losses.grid.mean(),
                "palette": losses.palette.mean(),
            }
        )
        return loss

    def _rate(self) -> float:
        """Of this step: it grows with the square root of the photos, on which Adam's steps are taken.

        Source: Goyal et al. 2017, the linear scaling rule. Differs: the square root; with a half and a quarter of the
        steps, J came out 0.5 and 2 % above that of four photos a step, and 2 and 3 % by the linear rule.
        """
        scale = math.sqrt(self.photos_a_step / USUAL_PHOTOS)
        return self.options.learning_rate * scale * self.pace.factor(self.global_step, self.seconds)

    def _asked(self, count: int) -> tuple[Tensor, Tensor]:
        """Random strengths (count,) and shares of the paintings (count, paintings), of this process's pictures."""
        processes, rank = self.trainer.world_size, self.global_rank
        strength, shares = self._draw(count * processes)
        mine = slice(rank, None, processes)
        return strength[mine].to(self.device), shares[mine].to(self.device)

    def _draw(self, count: int) -> tuple[Tensor, Tensor]:
        random = torch.rand((3, count), generator=self.generator)
        strength = torch.where(random[0] < VARIED, random[1] * STRENGTH_RANGE[1], 1.0).clamp_min(WEAKEST)
        paintings = self.network.paintings
        picks = torch.randint(paintings, (2, count), generator=self.generator)
        one, other = F.one_hot(picks, paintings).float()
        blend = torch.where(random[2] < MIXED, random[2] / MIXED, 1.0)[:, None]
        return strength, blend * one + (1 - blend) * other

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), self.options.learning_rate, betas=(0.9, 0.99))

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        try:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT, error_if_nonfinite=True)
        except RuntimeError as error:
            raise Diverged(f"the gradient is not a number after {self.global_step} steps") from error
