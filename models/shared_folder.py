"""A folder of styles in a store that many machines share, as a local copy that follows it."""

import functools
import logging
import threading
import time
from pathlib import Path

from nst_core.copies import copy_path
from nst_core.errors import NstError
from nst_core.fetch import bring
from nst_core.storage import check_url

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
"""Between two looks into the store, at least."""


def shared_folder(url: str, suffix: str) -> Path:
    """The local copy of a folder, which holds the files of this suffix.

    The first look into the store is waited for; later ones go on beside whoever asks, and where one fails, what is
    there stays.

    Raises:
        ConfigError: The URL holds what might be a key.
    """
    return _follower(check_url(url), suffix).folder()


class _Follower:
    """Looks into the store from time to time; may be shared among threads."""

    def __init__(self, url: str, suffix: str) -> None:
        self._url, self._suffix = url, suffix
        self._looking, self._seen = threading.Lock(), threading.Event()
        self._next = 0.0
        self._said = ""

    def folder(self) -> Path:
        if time.monotonic() >= self._next and self._looking.acquire(blocking=False):
            threading.Thread(target=self._follow, daemon=True).start()
        self._seen.wait()
        return copy_path(self._url)

    def _follow(self) -> None:
        said = ""
        try:
            bring(self._url, {self._suffix})
        except NstError as error:
            said = str(error)
            if said != self._said:
                logger.warning("%s; the styles that came before are used meanwhile", said)
        finally:
            self._said = said
            self._next = time.monotonic() + LOOK_EVERY_S
            self._seen.set()
            self._looking.release()


_follower = functools.cache(_Follower)
