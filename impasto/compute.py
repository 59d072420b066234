"""With what styles are painted, and where: the options that several commands share."""

from jsonargparse import ArgumentParser

from impasto import values
from serve.providers import PROVIDERS


def add_compute(parser: ArgumentParser) -> None:
    """Adds the options to a command's."""
    add = parser.add_argument_group("Machine").add_argument
    add(
        "--provider", choices=["auto", *PROVIDERS], default="auto",
        help="what computes (default: the first of these that runs here; see impasto doctor)",
    )  # fmt: skip
    add(
        "--memory-limit", metavar="SIZE", type=values.memory, default=None,
        help="memory to take, like 1.5GB (default: most of what is free)",
    )  # fmt: skip


def add_engine(parser: ArgumentParser) -> None:
    """Adds the options of many machines to a command's."""
    add = parser.add_argument_group("Cluster").add_argument
    add(
        "--engine", choices=["local", "ray"], default="local",
        help="what does the work: this machine, or a Ray cluster (needs the extra `cluster`) (default: local)",
    )  # fmt: skip
    add(
        "--address", metavar="HOST:PORT", type=str,
        help="of a cluster that was started with `ray start` (default: one of its own, on this machine alone)",
    )  # fmt: skip
