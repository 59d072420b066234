"""The end of a night's work, as it is typed."""

import contextlib
from datetime import datetime, timedelta

from nst_core.errors import ConfigError


def parse_until(text: str, now: datetime) -> datetime:
    """The end of a night, in local time: `07:00` is the next one, `2026-11-24 07:00` is that.

    Raises:
        ConfigError: it is no time, or is past.
    """
    here = now.astimezone().replace(tzinfo=None)
    with contextlib.suppress(ValueError):
        at = datetime.combine(here, datetime.strptime(text.strip(), "%H:%M").time())
        return (at if at > here else at + timedelta(days=1)).astimezone()  # by that day's own offset from UTC
    try:
        until = datetime.strptime(text.strip().replace("T", " "), "%Y-%m-%d %H:%M")
    except ValueError as error:
        raise ConfigError(f"--until {text!r} is no time; give one like 07:00, or like 2026-11-24 07:00") from error
    if until <= here:
        raise ConfigError(f"--until {text} is past, it is {here:%Y-%m-%d %H:%M} now; give a later time")
    return until.astimezone()
