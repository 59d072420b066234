"""One visitor's comparison in the Compare tab: a photo in a style, and how far the optimizer has come."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

from models.catalog import Style
from nst_core.curve import KEPT_ITERATIONS
from nst_core.errors import ConfigError
from nst_core.picture import Picture, fit_long_side, picture_bytes
from nst_core.provenance import provenance
from serve.engine import Engine
from studio.compare.judges import Judge
from studio.compare.options import CompareOptions
from studio.compare.race import Race
from studio.compare.report import write_report

OPTIONS = CompareOptions(iterations=500)
"""As far as the paper counts; who has seen enough stops before."""
LOOK_EVERY_S = 1.0
"""Between two previews."""
LEAST_ITERATIONS = 10
"""Of a report."""


class Match:
    """A photo in a style: the fast picture, at once, and the slow one as far as it is.

    Args:
        photo: as it was read.
        style: the style.
        engine: paints the fast picture.

    Raises:
        ImageError: The photo is too small.
        ModelError: The style's file is missing or broken.
        BudgetError: There is not memory enough.
    """

    def __init__(self, photo: Picture, style: Style, engine: Engine) -> None:
        self.photo, self.style, self._engine = photo, style, engine
        size = fit_long_side(photo.width, photo.height, style.card.size_px)
        self.fast = engine.stylize(photo.resized(*size).with_bits(8), style)
        self.race: Race | None = None
        """There when its turn has come, as others at work would spoil its times."""
        self.slow: tuple[int, Picture] | None = None
        """Iterations, and the picture after so many."""
        self.seconds_left = 0.0
        self.is_ready = self.stopping = False
        self.ended = threading.Event()
        """Not set while the optimizer is at work, or waits for its turn."""
        self.ended.set()

    @property
    def running(self) -> bool:
        return not self.ended.is_set()

    @property
    def is_done(self) -> bool:
        return self.race is not None and self.race.slow.iterations >= OPTIONS.iterations

    def prepare(self, judges: Sequence[Judge], device: str) -> Race:
        """Measures the fast picture, and finds what was computed of the slow one before."""
        if self.race is None:
            race = Race(
                self.photo,
                self.style,
                OPTIONS,
                self._engine,
                judges,
                device=device,
                limit_bytes=self._engine.memory_limit,
            )
            kept = max((i for i in KEPT_ITERATIONS if i <= race.slow.iterations), default=0)
            if race.slow.has(kept):
                self.slow = kept, race.slow.picture(kept)
            self.race = race
        return self.race

    def grow(self, judges: Sequence[Judge], device: str) -> Iterator[None]:
        """Has the optimizer go on, a second at a time, until it is told to stop; what is done is kept."""
        looked = 0.0
        for step in self.prepare(judges, device).run(refine=False):
            self.seconds_left = step.seconds_left
            last = self.stopping or step.point.iteration == OPTIONS.iterations
            if last or time.monotonic() - looked >= LOOK_EVERY_S:
                self.slow = step.point.iteration, step.picture()
                yield
                looked = time.monotonic()
            if self.stopping:
                return

    def picture_file(self) -> tuple[str, bytes]:
        """Name and content of a file of the slow picture that is shown, with its settings.

        Raises:
            ConfigError: There is none yet.
        """
        if self.race is None or self.slow is None:
            raise ConfigError("there is no slow picture yet; start the optimizer")
        iterations, picture = self.slow
        settings = {
            "command": "compare",
            "photo": {"file": self.photo.name, "sha256": self.photo.sha256},
            "style": {"name": self.style.name, "sha256": self.style.sha256},
            "options": asdict(self.race.gatys) | {"iterations": iterations},
            "loss": self.race.slow.points[iterations].losses.total,
            "versions": provenance(),
        }
        return f"{self._stem}-{iterations}.png", picture_bytes(picture, "slow.png", settings=settings)

    def report_file(self) -> tuple[str, bytes]:
        """Name and content of the report of what has been computed so far.

        Raises:
            ConfigError: It is not enough.
        """
        if self.race is None or self.race.slow.iterations < LEAST_ITERATIONS:
            raise ConfigError(f"a report needs {LEAST_ITERATIONS} iterations of the optimizer")
        with tempfile.TemporaryDirectory() as folder:
            return f"{self._stem}-compared.html", write_report(self.race.comparison(), Path(folder)).read_bytes()

    @property
    def _stem(self) -> str:
        return f"{PurePath(self.photo.name or 'photo').stem}-{self.style.name}"


@dataclass
class Visitor:
    """What one has chosen so far."""

    photo: Picture | None = None
    style: Style | None = None
    match: Match | None = None
    choice: int = 0
    """Counts choices, so that what comes late is known."""
