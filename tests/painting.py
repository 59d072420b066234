"""What the tests of `impasto optimize` share."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto import optimize_work
from impasto.main import main

SIZE = ["--size", "48", "--iterations", "4"]
WAVES = ["--style", "waves.png", "-o", "out.png"]


def paint(*words: str) -> int:
    return main(["optimize", *words, *SIZE])


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def files(folder: Path | str = ".") -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def photo_at_size() -> np.ndarray:
    with Image.open("cat.png") as photo:
        return np.asarray(photo.resize((48, 32), Image.Resampling.LANCZOS)).astype(int)


@contextlib.contextmanager
def at_step(number: int, act: Callable[[], None]) -> Iterator[None]:
    """Has something happen after a step, while the optimizer is at work."""
    real = optimize_work.optimize

    def wrapped(*args):
        for done, step in enumerate(real(*args), 1):
            if done == number:
                act()
            yield step

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimize_work, "optimize", wrapped)
        yield
