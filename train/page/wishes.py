"""What is asked for on the page: photos to learn on, and time; remembered, and turned into a night."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from nst_core.errors import ConfigError
from nst_core.files import write_bytes
from nst_core.picture import READABLE_SUFFIXES
from nst_core.until import parse_until
from train.night.queue import LEAST_S, RESERVE_S, NightOptions
from train.photos.files import find_photos, read_photo
from train.photos.pack import LONG_SIDE_PX

WISHES = "wishes.json"
"""In the folder of the trainings."""
MINUTES = (0.5, 10_000.0)
"""Least and most for each painting."""
COUNT_S, TRIED_PHOTOS = 2.0, 10
"""How long the photos of a folder are counted while somebody waits, and how many are tried for one that is usable."""


Timing = Literal["minutes", "until"]


@dataclass(frozen=True)
class Wishes:
    """What was last asked for, and is offered again."""

    photos: str = ""
    """Folder of photos, as it was typed; empty for those of scikit-image."""
    timing: Timing = "minutes"
    minutes: float | None = 5.0
    """For each painting."""
    until: str = "07:00"

    def options(self, now: datetime) -> NightOptions:
        """The night that is wished for.

        Raises:
            ConfigError: its time is none, or is past.
        """
        if self.timing == "until":
            try:
                until = parse_until(self.until, now)
            except ConfigError as error:
                raise ConfigError(str(error).removeprefix("--until ")) from error  # there are no options on a page
            if (until - now).total_seconds() < LEAST_S + RESERVE_S:
                raise ConfigError(f"until {self.until.strip()} there is no time for even one; give a later time")
            return NightOptions(until=until)
        low, high = MINUTES
        if self.minutes is None or not low <= self.minutes <= high:
            raise ConfigError(f"the minutes for each painting must be a number from {low:g} to {high:g}")
        return NightOptions(minutes_per_style=self.minutes)


def read_wishes(folder: Path) -> Wishes:
    """Those of the last time, or what to begin with."""
    try:
        found = json.loads((folder / WISHES).read_bytes())
        return Wishes(**{field.name: found[field.name] for field in dataclasses.fields(Wishes)})
    except (OSError, ValueError, LookupError, TypeError):
        return Wishes()


def write_wishes(folder: Path, wishes: Wishes) -> None:
    """For the next time.

    Raises:
        NstError: the folder cannot be written to.
    """
    write_bytes(folder / WISHES, json.dumps(asdict(wishes), indent=1).encode())


def choose_photos(text: str) -> tuple[Path | None, int]:
    """The folder of photos that somebody typed into the page, and how many it holds; None for no text.

    The page may be open on another machine. So a path that does not exist, may not be read, is a file, or holds no
    usable photo is answered in one and the same way, and of a folder that will do only a number is told: nobody
    learns from here what else there is on this machine.

    Raises:
        ConfigError: it will not do.
    """
    if not text.strip():
        return None, len(find_photos(None)[1])
    try:
        folder = Path(text.strip()).expanduser()
        if folder.is_absolute() and (count := _count_photos(folder)):
            return folder, count
    except (OSError, ValueError, RuntimeError):  # a null character, or no home folder
        pass
    raise ConfigError("that is no folder of photos on this machine; give its full path, like /home/me/photos")


def _count_photos(folder: Path) -> int:
    """Pictures in a folder and its subfolders, as far as `COUNT_S` reach; 0 if none of the first few can be used."""
    end = time.monotonic() + COUNT_S
    count, tried, usable = 0, 0, False
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or Path(name).suffix.lower() not in READABLE_SUFFIXES:
                continue
            count += 1
            if not usable and tried < TRIED_PHOTOS:
                tried += 1
                usable = not isinstance(read_photo(Path(parent, name), LONG_SIDE_PX), str)
        if time.monotonic() > end:
            break
    return count if usable else 0
