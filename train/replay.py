"""Pictures half-way from photo to painting, to train a loss network on what its optimizer will show it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.losses import gram_matrix


@dataclass
class Painted:
    """One picture on its way."""

    picture: Tensor
    """(3, S, S) in [0, 1]."""
    grams: dict[str, Tensor]
    """Gram matrices it is painted toward, (1, c, c) a layer."""
    velocity: Tensor
    steps_left: int


class Replay:
    """A pool of pictures that the network's own style loss is painting, a step at a time.

    An optimizer drives pictures to where its loss network is wrong; a network trained on photos alone
    is never shown those. Each picture is given another photo's Gram matrices and a random number of steps.
    """

    size = 64
    most_steps = 60
    step_size = 0.006
    momentum = 0.8

    def __init__(self) -> None:
        self.pool: list[Painted] = []

    def advance(self, network: CompactNetwork, photos: Tensor, generator: torch.Generator) -> Tensor:
        """Paint one step on some of the pool, filling it up from the photos; (n, 3, S, S) in and out."""
        chosen = []
        for i, photo in enumerate(photos):
            if len(self.pool) < self.size:
                with torch.no_grad():
                    style = network.features(photos[(i + 1) % len(photos)][None])
                grams = {layer: gram_matrix(f.float()) for layer, f in style.items()}
                steps = int(torch.randint(5, self.most_steps, (), generator=generator))
                chosen.append(Painted(photo, grams, torch.zeros_like(photo), steps))
            else:
                chosen.append(self.pool.pop(int(torch.randint(len(self.pool), (), generator=generator))))
        x = torch.stack([c.picture for c in chosen]).contiguous(memory_format=torch.channels_last).requires_grad_(True)
        loss = x.new_zeros(())
        for layer, f in network.features(x).items():
            want = torch.cat([c.grams[layer] for c in chosen])
            loss = loss + ((gram_matrix(f.float()) - want).square().sum((1, 2)) / want.square().sum((1, 2))).sum()
        (gradient,) = torch.autograd.grad(loss, x)
        for c, g in zip(chosen, gradient, strict=True):
            c.velocity = self.momentum * c.velocity + g / g.square().mean().sqrt().clamp_min(1e-12)
            c.picture = (c.picture - self.step_size * c.velocity).clamp(0, 1)
            c.steps_left -= 1
            if c.steps_left > 0:
                self.pool.append(c)
        return torch.stack([c.picture for c in chosen])
