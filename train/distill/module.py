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
from nst_core.vgg import LAYERS
from train.distill.augment import augment
from train.distill.replay import Painted, Replay


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
    hint_weight: float = 0.5
    """Weight of the feature errors of hidden layers, in the first half of the training."""
    replay: float = 0.5
    """Share of each batch that the network's own style loss is painting; 0 to 1."""
    seed: int = 0
    """Seed of weights, crops and augmentation."""


GOALS = {"relu1_1": 0.03, "relu2_1": 0.03, "relu3_1": 0.03, "relu4_1": 0.08, "relu5_1": 0.08}
"""Relative squared Gram errors that are good enough: what is well below pulls little, what is above pulls fully."""


class Teacher(Protocol):
    """A frozen network with the five layers that the compact network imitates."""

    files: tuple[Path, ...]
    """What its weights were read from; named in the student's card."""

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) sRGB in [0, 1] to features, by layer, without gradients.

        The five that count are (B, 64 ... 512, H / s, W / s); of `nst_core.vgg.HIDDEN` those it has, of any width.
        """
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


def errors_through_head(f: Tensor, head: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """`relative_errors` of (k, c) head @ f, (B, c, h, w), without running the head.

    |H f - t|^2 is a quadratic form in f, and |H G H^T - T|^2 one in G: all that is as large as a picture
    of k channels is computed without gradients, once.
    """
    flat, want = f.flatten(2), truth.flatten(2)  # (B, c, h w), (B, k, h w)
    with torch.no_grad():
        metric = head.mT @ head
        pull, power = head.mT @ want, want.square().sum((1, 2))
        want_gram = gram_matrix(truth)
        gram_pull, gram_power = head.mT @ want_gram @ head, want_gram.square().sum((1, 2))
    feature = ((metric @ flat - 2 * pull) * flat).sum((1, 2)) + power
    gram = gram_matrix(f)
    through = metric @ gram
    error = (through * through.mT).sum((1, 2)) - 2 * (gram * gram_pull).sum((1, 2)) + gram_power
    # A difference of large numbers: what is below this is rounding.
    return (feature / power).clamp_min(1e-6), (error / gram_power).clamp_min(1e-6)


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
    def solve(self, layer: str, f: Tensor, truth: Tensor, late: bool) -> Tensor:
        """Take one batch of features, (B, c, h, w) and (B, k, h, w), into the averages; the layer's head, (k, c)."""
        decay = self.late_decay if late else self.decay
        flat, want = f.detach().flatten(2), truth.flatten(2)
        count = flat.shape[0] * flat.shape[2]
        inner, cross = (flat @ flat.mT).sum(0) / count, (want @ flat.mT).sum(0) / count
        if layer in self.sums:
            inner = torch.lerp(inner, self.sums[layer][0], decay)
            cross = torch.lerp(cross, self.sums[layer][1], decay)
        self.sums[layer] = inner, cross
        ridge = 1e-4 * inner.diagonal().mean() * torch.eye(len(inner), device=inner.device)
        return torch.linalg.solve(inner + ridge, cross.mT).mT


class Distillation(pl.LightningModule):
    """Trains a `CompactNetwork` to a teacher's features and Gram matrices.

    In the first half it imitates the teacher's hidden layers too, each through a head of its own that is not
    kept: in short trials the deep layers learned faster that way.

    The loss is the sum over layers of the logarithms of the relative errors, so that an easy layer's
    last percent counts as much as a hard layer's; of the Gram errors only until they reach their `GOALS`. The
    optimizer is SOAP (Vyas et al. 2024, arXiv 2409.11321), which in short trials here got further than Adam.
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
        imitated = LAYERS if late or not self.options.hint_weight else tuple(truth)
        features = self.student.features(x, imitated)
        with torch.autocast(x.device.type, enabled=False):
            loss = self._loss(features, truth, late)
        self.log("loss", loss)
        if not torch.isfinite(loss):
            raise ModelError(f"the loss is not a number after {self.global_step} steps; lower --learning-rate")
        return loss

    def _loss(self, features: dict[str, Tensor], truth: dict[str, Tensor], late: bool) -> Tensor:
        loss = torch.zeros((), device=self.device)
        for layer, raw in features.items():
            f, want = raw.float(), truth[layer].float()
            head = self.solver.solve(layer, f, want, late)
            feature, gram = errors_through_head(f, head, want)
            if layer not in LAYERS:
                loss = loss + self.options.hint_weight * feature.mean().log()
                continue
            self.student.teacher_heads[layer].weight.data = head[:, :, None, None].contiguous()
            loss = loss + feature.mean().log() + self.options.gram_weight * (gram.mean() + GOALS[layer]).log()
            self.log(f"gram_{layer}", gram.mean(), prog_bar=True)
            self.log(f"feature_{layer}", feature.mean())
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
