"""The work of painting one picture: its parts, how far it is, and what may come between them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from nst_core.picture import Picture

PAINTED_SHARE = 0.8
"""Of the work, that painting the detail is; the rest is to put it together."""

Progress = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1; what it raises ends the painting."""


class Retouch(Protocol):
    """Makes the strokes of a painting better, before detail is painted after them."""

    @property
    def work(self) -> float:
        """How long it takes, as a multiple of painting the strokes; for the progress only."""
        ...

    def __call__(self, photo: Picture, painted: Picture, tell: Progress) -> Picture:
        """The strokes painted better.

        Args:
            photo: as large as the strokes are painted.
            painted: what the network made of it.
            tell: takes the share of this that is done.
        """
        ...


class Work:
    """Tells the progress of work in several parts.

    Args:
        sizes: of the parts.
        tell: takes the share of all that is done.
    """

    def __init__(self, sizes: Sequence[float], tell: Progress) -> None:
        self._sizes, self._tell, self._done = list(sizes), tell, 0.0
        self._total = sum(sizes) / PAINTED_SHARE

    def next(self) -> Progress:
        """Takes the progress of the next part."""
        before, size = self._done, self._sizes.pop(0)
        self._done += size

        def tell(share: float) -> None:
            self._tell((before + share * size) / self._total)

        return tell
