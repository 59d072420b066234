"""Whose turn it is: one optimization at a time has the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Line:
    """Those who want the machine, in the order in which they came."""

    def __init__(self) -> None:
        self._places: list[object] = []

    @property
    def is_free(self) -> bool:
        """Whether nobody has the machine."""
        return not self._places

    @contextmanager
    def place(self) -> Iterator[Callable[[], int]]:
        """A place in the line while the block lasts; gives what tells how many are before it: 0 has the machine."""
        place = object()
        self._places.append(place)
        try:
            yield lambda: self._places.index(place)
        finally:
            self._places.remove(place)
