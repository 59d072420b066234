"""Distil the compact loss network from VGG-19's features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from pytorch_optimizer import SOAP
from torch import Tensor, nn

from nst_core.compact import CompactNetwork
from nst_core.errors import ModelError
from nst_core.losses import gram_matrix
from train.data import augment
from train.replay import Painted, Replay


@dataclass(frozen=True)
class DistillOptions:
    """How the compact loss network is distilled."""

    steps: int = 3600
    """Optimizer steps."""
    batch: int = 4
    """Crops a step."""
    crop_px: int = 192
    """Side of a crop."""
    learning_rate: float = 5e-3
    """SOAP's peak learning rate; short warm-up, then cosine decay to zero."""
    replay_after: int = 300
    """Steps before the first picture is painted with the network's own loss."""
    gram_weight: float = 1.0
    """Weight of the Gram errors beside the feature errors (1)."""
    replay: float = 0.5
    """Share of each batch that the network's own style loss is painting; 0 to 1."""
    seed: int = 0
    """Seed of weights, crops and augmentation."""


class Teacher(Protocol):
    """A frozen network with the five layers that the compact network imitates."""

    files: tuple[Path, ...]
    """What its weights were read from; named in the student's card."""

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) sRGB in [0, 1] to features (B, 64 ... 512, H / s, W / s), by layer, without gradients."""
        ...


def bring(teacher: Teacher, device: torch.device | str) -> None:
    """Move a teacher to a device, laid out for speed."""
    if isinstance(teacher, nn.Module):
        teacher.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def relative_errors(guess: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Relative squared error of features (B, c, h, w) and of their Gram matrices, each (B,)."""
    feature = (guess - truth).square().sum((1, 2, 3)) / truth.square().sum((1, 2, 3))
    want = gram_matrix(truth)
    gram = (gram_matrix(guess) - want).square().sum((1, 2)) / want.square().sum((1, 2))
    return feature, gram


class HeadSolver:
    """Least squares for the linear heads, over a moving average of batches.

    Random features fit VGG's well through the right head, and a head found by gradient steps gets
    there slowly: in short trials solving was far ahead. Heads trained by gradients from
    there on were tried, and made the deepest layer diverge.
    """

    decay, late_decay = 0.95, 0.99
    """Of the average: in the first half of the training, where the features still move, and later."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def update(self, network: CompactNetwork, layer: str, raw: Tensor, truth: Tensor, late: bool) -> None:
        """Take one batch of features (B, c, h, w), (B, k, h, w) into the averages and set the layer's head."""
        decay = self.late_decay if late else self.decay
        f, t = (v.detach().float().transpose(0, 1).flatten(1) for v in (raw, truth))  # (c, B h w)
        inner, cross = f @ f.mT / f.shape[1], t @ f.mT / f.shape[1]
        if layer in self.sums:
            inner = torch.lerp(inner, self.sums[layer][0], decay)
            cross = torch.lerp(cross, self.sums[layer][1], decay)
        self.sums[layer] = inner, cross
        ridge = 1e-4 * inner.diagonal().mean() * torch.eye(len(inner), device=inner.device)
        head = torch.linalg.solve(inner + ridge, cross.mT).mT
        network.teacher_heads[layer].weight.data = head[:, :, None, None].contiguous()


class Distillation(pl.LightningModule):
    """Trains a `CompactNetwork` to a teacher's features and Gram matrices.

    The loss is the sum over layers of the logarithms of the relative errors, so that an easy layer's
    last percent counts as much as a hard layer's. The optimizer is SOAP (Vyas et al. 2024,
    arXiv 2409.11321), which in short trials here got further than Adam.
    """

    def __init__(self, options: DistillOptions, student: CompactNetwork, teacher: Teacher) -> None:
        super().__init__()
        self.options, self.student = options, student
        student.teacher_heads.requires_grad_(False)  # they are solved for
        self._teacher = (teacher,)  # in a tuple it is no submodule, and stays out of the checkpoints
        self.replay, self.solver = Replay(), HeadSolver()
        self.generator = torch.Generator().manual_seed(options.seed)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what else the next step depends on; tensors and containers only, so that nothing is unpickled."""
        checkpoint["distillation"] = {
            "generator": self.generator.get_state(),
            "solver": self.solver.sums,
            "replay": [painted.state() for painted in self.replay.pool],
        }

    def on_load_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on from what `on_save_checkpoint` added."""
        state = checkpoint["distillation"]
        self.generator.set_state(state["generator"])
        self.solver.sums = state["solver"]
        self.replay.pool = [Painted.restore(painted) for painted in state["replay"]]

    def on_train_start(self) -> None:
        """Bring to the device what is no part of the module."""
        bring(self._teacher[0], self.device)
        self.solver.sums = apply_to_collection(self.solver.sums, Tensor, Tensor.to, self.device)
        states = apply_to_collection([p.state() for p in self.replay.pool], Tensor, Tensor.to, self.device)
        self.replay.pool = [Painted.restore(state) for state in states]

    def on_before_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """Augment on the CPU: (B, 3, S, S) uint8 to floats in [0, 1]."""
        return augment(batch.float() / 255, self.generator)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        x = batch
        n = round(self.options.replay * len(x)) if self.global_step >= self.options.replay_after else 0
        if n > 1:
            with torch.autocast(x.device.type, enabled=False):
                x = torch.cat([self.replay.advance(self.student, x[:n], self.generator), x[n:]])
        x = x.contiguous(memory_format=torch.channels_last)
        truth = self._teacher[0].features(x)
        late = self.global_step > self.options.steps / 2
        loss = x.new_zeros(())
        for layer, raw in self.student.features(x).items():
            with torch.autocast(x.device.type, enabled=False):
                self.solver.update(self.student, layer, raw, truth[layer], late)
            guess = self.student.teacher_heads[layer](raw).float()
            feature, gram = relative_errors(guess, truth[layer].float())
            loss = loss + feature.mean().log() + self.options.gram_weight * gram.mean().log()
            self.log(f"gram_{layer}", gram.mean(), prog_bar=True)
            self.log(f"feature_{layer}", feature.mean())
        self.log("loss", loss)
        if not torch.isfinite(loss):
            raise ModelError(f"the loss is not a number after {self.global_step} steps; lower --learning-rate")
        return loss

    def configure_optimizers(self):
        options = self.options
        convs = self.student.convs.parameters()
        optimizer = SOAP(convs, lr=options.learning_rate, weight_decay=0.0, precondition_frequency=5)
        warmup = min(50, options.steps // 10 + 1)

        def factor(step: int) -> float:
            rise = min(1.0, (step + 1) / warmup)
            return rise * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / options.steps)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
