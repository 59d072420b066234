"""A ledger of three jobs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nst_core.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Of three jobs: a, b and c."""
    ledger = Ledger(tmp_path / "run" / "ledger.sqlite")
    for name in "abc":
        ledger.add(name, {"title": name.upper(), "steps": [1, 2]})
    return ledger


@pytest.fixture
def at_work(ledger: Ledger) -> Iterator[Ledger]:
    with ledger.working():
        yield ledger
