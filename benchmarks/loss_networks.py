"""Forward and backward of the loss networks at 512x512: seconds, and how much faster than VGG-19.

    impasto bench loss_networks

VGG-19 and VGG-16 have random weights, which take the same time as any. The networks take turns.

Takes: 1 minute.
Needs: nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from harness import argument_parser, median_seconds, record, run

from nst_core.features import LossNetwork, load_network
from nst_core.vgg import VggNetwork


def there_and_back(network: LossNetwork, x: torch.Tensor) -> Callable[[], object]:
    """One pass to the deepest layer, and back to the pixels from given slopes in the features."""
    with torch.no_grad():
        slopes = [torch.rand_like(feature) for feature in network.features(x).values()]
    return lambda: torch.autograd.grad(list(network.features(x).values()), x, slopes)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    networks: list[LossNetwork] = [VggNetwork("vgg19"), VggNetwork("vgg16"), load_network("compact")]
    x = torch.rand(1, 3, options.size, options.size).contiguous(memory_format=torch.channels_last).requires_grad_(True)
    medians = median_seconds({network.name: there_and_back(network, x) for network in networks}, options.rounds)
    figures = {
        "size_px": options.size,
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "seconds": {name: round(value, 4) for name, value in medians.items()},
        "times_faster_than_vgg19": {name: round(medians["vgg19"] / value, 2) for name, value in medians.items()},
    }
    record("loss_networks", figures)


if __name__ == "__main__":
    run(main)
