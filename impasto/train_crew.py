"""The part of `impasto train` on several machines: coming together, and following where another one leads."""

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from nst_core.awake import keep_awake
from nst_core.cluster import Engine
from train.crew.crew import Crew, open_crew
from train.crew.nodes import find_node
from train.machines import Machines
from train.style.job import StyleJob

SIGNALS = ("SIGTERM", "SIGUSR1")
"""By which SLURM ends a job, or tells that its time is nearly over; each does what Ctrl-C does."""


@contextlib.contextmanager
def joined(engine: Engine, machines: Machines, folder: Path, jobs: Sequence[StyleJob]) -> Iterator[Crew | None]:
    """The commands that this one learns with while the block runs; None where it learns alone.

    Raises:
        ConfigError: it was started together with others, but does not come together with them.
    """
    node = find_node(machines) if engine == "local" else None
    if node is None:
        yield None
        return
    known = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in known}
    try:
        with open_crew(node, machines, folder, jobs, _say) as crew:
            yield crew
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(crew: Crew) -> int:
    """Takes part in the first one's night; gives the exit code."""
    with keep_awake("learning paintings"):
        for style in crew.follow():
            _say(f"learning {style} with {crew.node.count - 1} other{'s' if crew.node.count > 2 else ''}")
    _say("the night is over; the first machine tells what was learned")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
