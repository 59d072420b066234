"""What the tests of the optimizer share: small pictures, and a small network that may run out of memory."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.gatys import Progress, Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.known_painting import KnownPainting
from nst_core.losses import gram_matrix
from nst_core.picture import Picture
from nst_core.sources import Sources
from nst_core.tensor import to_tensor
from nst_core.vgg import LAYERS

OPTIONS = GatysOptions(size=96, iterations=6, optimizer="lbfgs")
LIMIT = 10**9


class FaintNetwork(CompactNetwork):
    """Runs out of memory when it is shown more than so many pixels."""

    most_pixels = 10**9
    failures = 0

    def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
        if x.shape[2] * x.shape[3] > self.most_pixels:
            self.failures += 1
            assert self.failures < 20, "it tries again and again"
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return super().features(x, layers)


def paint(
    network: CompactNetwork, sources: Sources, options: GatysOptions = OPTIONS, resume: Progress | None = None
) -> list[Step]:
    return list(optimize(sources, options, network, make_plan(sources, options, network, LIMIT), "cpu", resume))


def pixels(network: CompactNetwork, sources: Sources, options: GatysOptions = OPTIONS) -> np.ndarray:
    return paint(network, sources, options)[-1].picture().pixels


def known(network: CompactNetwork, picture: Picture) -> KnownPainting:
    """What a card would hold of a painting, at its own size."""
    features = network.features(to_tensor(picture), LAYERS)
    grams = {layer: gram_matrix(f)[0].numpy() for layer, f in features.items()}
    rgb = picture.as_float().reshape(-1, 3)
    return KnownPainting("waves", grams, rgb.mean(0), np.cov(rgb.T), max(picture.width, picture.height))
