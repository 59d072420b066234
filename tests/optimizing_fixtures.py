"""The fixtures of the optimizer's tests."""

import pytest
import torch
from optimizing import FaintNetwork
from random_pictures import random_picture

from nst_core import budget
from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.sources import Sources, Style


@pytest.fixture
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return FaintNetwork(CompactOptions(widths=(8, 8, 12, 8, 12, 8, 8, 8, 12, 8, 8, 8, 16))).freeze()


@pytest.fixture
def sources() -> Sources:
    return Sources(random_picture(72, 96, 0), (Style(random_picture(80, 64, 1)),))


@pytest.fixture
def two_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of 96 pixels have two scales, 48 and 96."""
    monkeypatch.setattr(budget, "COARSEST_PX", 48)
