"""What a network is trained on, apart from what it is: a training may go on on other machines; free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Strategy = Literal["auto", "ddp"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
"""Of Lightning's, those that keep the whole network in each process: it is small, and its state fits any number."""


@dataclass(frozen=True)
class Machines:
    """How many processes learn together, and where."""

    devices: int = 1
    """Graphics cards, or processes on the CPU, of each machine."""
    num_nodes: int = 1
    """Machines."""
    strategy: Strategy = "auto"
    """Lightning's strategy."""
    memory_limit: int | None = None
    """Bytes that each process may take; None for what is free."""

    @property
    def processes(self) -> int:
        """Of all machines together."""
        return self.devices * self.num_nodes


ONE = Machines()
"""This one."""
