"""With what styles are painted: the options that the commands which paint share."""

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
