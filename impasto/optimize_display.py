"""How far an optimization is: a bar on a terminal, a few plain lines elsewhere; and Ctrl-C without loss."""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from nst_core.budget import Plan
from nst_core.duration import duration
from nst_core.gatys import Step

PLAIN_EVERY_S = 60.0
"""Between two plain lines."""
SETTLED_STEPS = 3
"""After so many steps the time left is worth telling."""


class Display:
    """Shows the steps of one optimization on stderr, and warnings as lines above the bar.

    Args:
        plan: what is to be done.
    """

    def __init__(self, plan: Plan) -> None:
        console = Console(stderr=True, highlight=False)
        self.plan = plan
        self.interactive = console.is_terminal
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[state]}"),
        )
        self.bar = Progress(*columns, console=console, transient=True, disable=not self.interactive)
        self.task = self.bar.add_task("beginning", total=sum(scale.work for scale in plan.scales), state="")
        self.steps = 0
        self.stop_note = ""
        self.last_line = time.monotonic()

    @contextlib.contextmanager
    def shown(self) -> Iterator["Display"]:
        """While it lasts, the bar is there."""
        handlers = [h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler]
        with self.bar:
            # Rich's stand-in for stderr prints above the bar; the handlers still hold the real one.
            streams = [handler.setStream(sys.stderr) for handler in handlers if self.interactive]
            try:
                yield self
            finally:
                for handler, stream in zip(handlers, streams, strict=False):
                    handler.setStream(stream or sys.stderr)

    def update(self, step: Step) -> None:
        """One more step is done."""
        self.steps += 1
        done = sum(scale.work for scale in self.plan.scales[: step.scale])
        done += self.plan.scales[step.scale].work * step.iteration / step.iterations
        where = f"{max(step.width, step.height)} px, iteration {step.iteration} of {step.iterations}"
        left = f"{duration(step.seconds_left)} left" if self.steps >= SETTLED_STEPS else ""
        state = f"loss {step.loss:.4f}  {self.stop_note or left}"
        self.bar.update(self.task, completed=done, description=where, state=state)
        due = time.monotonic() - self.last_line > PLAIN_EVERY_S
        if not self.interactive and (self.steps == SETTLED_STEPS or step.iteration == step.iterations or due):
            self.last_line = time.monotonic()
            left = f", about {left}" if step.seconds_left >= 1 and left else ""
            print(f"{where}: loss {step.loss:.4f}, {duration(step.seconds)}{left}", file=sys.stderr, flush=True)

    def stopping(self) -> None:
        """Says that the stop was heard; called by a signal handler, at any moment."""
        self.stop_note = "stopping after this iteration; Ctrl-C again: at once"
        if self.interactive:
            self.bar.update(self.task, state=self.stop_note)
        else:
            os.write(2, b"stopping after this iteration; once more stops at once\n")  # print may not be re-entered


class Stop:
    """Whether to stop, asked for by a signal."""

    asked = False


@contextlib.contextmanager
def stop_on_signal(display: Display) -> Iterator[Stop]:
    """The first Ctrl-C or SIGTERM asks to stop, so that the state stays whole; a second one interrupts."""
    stop = Stop()

    def handle(number: int, frame: object) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        display.stopping()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
