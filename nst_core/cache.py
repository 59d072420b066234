"""Where this program keeps what it can make again."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The user's cache folder; the environment variable IMPASTO_CACHE_DIR names another."""
    chosen = os.environ.get("IMPASTO_CACHE_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("impasto", appauthor=False)
