"""Fixtures of all tests of the Layers tab: a photo with its renders, and their stack."""

from pathlib import Path

import pytest
from layered_photo import write_pictures

from nst_core.picture import read_picture
from studio.layers.build import build_stack
from studio.layers.options import LayersOptions
from studio.layers.stack import Stack


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def built(pictures: tuple[Path, list[Path]]) -> Stack:
    """As the command builds it."""
    return build_stack(read_picture(pictures[0]), pictures[1], LayersOptions())
