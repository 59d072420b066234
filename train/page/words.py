"""Times, numbers and notes of the Train tab, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from nst_core.duration import duration, rough_duration
from train.night.queue import LEAST_S, RESERVE_S, NightOptions
from train.page.trainings import State

GOOD_PHOTOS = 100
"""Fewer make poorer styles."""


def estimate(count: int, asked: NightOptions, now: datetime) -> str:
    """How long so many paintings will take, in words."""
    paintings = count_of(count, "painting")
    if not count:
        return ""
    if asked.until:
        each_s = (asked.until - now).total_seconds() / count - RESERVE_S
        if each_s >= LEAST_S:
            return f"{paintings} until {clock(asked.until, now)}: about {duration(each_s)} for each."
        begun = int((asked.until - now).total_seconds() // (LEAST_S + RESERVE_S))
        return f"Until {clock(asked.until, now)} there is time for about {begun} of {paintings}; the others will wait."
    minutes = asked.minutes_per_style or 0.0
    total_s = count * (minutes * 60 + RESERVE_S)
    ends = clock(now + timedelta(seconds=total_s), now)
    return f"{paintings}, {minutes:g} min for each: about {rough_duration(total_s)}, done at {ends} if started now."


def joining(state: State, now: datetime) -> str:
    """What becomes of paintings that are added while others are learned, in words."""
    asked = state.now.asked if state.now else NightOptions()
    if asked.until:
        return f"What you add now shares the time until {clock(asked.until, now)}."
    if asked.minutes_per_style is not None:
        return f"What you add now is learned after the others, {asked.minutes_per_style:g} min for each."
    return "What you add now is learned after the others."


def photos_note(folder: Path | None, count: int) -> str:
    """What is there to learn on, in words."""
    if folder is None:
        return f"The {count} photos that come with scikit-image: fine for a try; for good styles name a folder."
    return count_of(count, "photo") + ("." if count >= GOOD_PHOTOS else "; a hundred or more make better styles.")


def count_of(count: int, what: str) -> str:
    """A number of things: `1 painting`, `2 paintings`."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def clock(when: datetime, now: datetime) -> str:
    """A time of day, with the day where that is not today or tomorrow."""
    here = when.astimezone()
    return here.strftime("%H:%M" if when - now < timedelta(hours=24) else "%Y-%m-%d %H:%M")
