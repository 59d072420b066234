"""Forward and backward of the loss networks at 512x512: seconds, and how much faster than VGG-19.

    python benchmarks/loss_networks.py

VGG-19 and VGG-16 have random weights, which take the same time as any. The networks take turns, so that
whatever else the machine does hits all of them alike; at each turn a first pass, which finds memory and caches
as the last network left them, is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from record import record

from nst_core.features import LossNetwork, load_network
from nst_core.vgg import VggNetwork


def seconds(network: LossNetwork, x: torch.Tensor, slopes: list[torch.Tensor]) -> float:
    """One pass to the deepest layer, and back to the pixels from given slopes in the features."""
    began = time.perf_counter()
    torch.autograd.grad(list(network.features(x).values()), x, slopes)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    networks: list[LossNetwork] = [VggNetwork("vgg19"), VggNetwork("vgg16"), load_network("compact")]
    x = torch.rand(1, 3, options.size, options.size).contiguous(memory_format=torch.channels_last).requires_grad_(True)
    with torch.no_grad():
        slopes = {n.name: [torch.rand_like(f) for f in n.features(x).values()] for n in networks}
    times: dict[str, list[float]] = {n.name: [] for n in networks}
    for _ in range(options.rounds):
        for network in networks:
            seconds(network, x, slopes[network.name])
            times[network.name].append(seconds(network, x, slopes[network.name]))
    medians = {name: statistics.median(values) for name, values in times.items()}
    figures = {
        "size_px": options.size,
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "seconds": {name: round(value, 4) for name, value in medians.items()},
        "times_faster_than_vgg19": {name: round(medians["vgg19"] / value, 2) for name, value in medians.items()},
    }
    print(figures)
    print(record("loss_networks", figures))


if __name__ == "__main__":
    main()
