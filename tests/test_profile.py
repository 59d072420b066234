"""Profiles of machines: those that there are can be read, and what is wrong with others is said."""

from pathlib import Path

import pytest

from nst_core.errors import ConfigError
from serve import profile
from serve.profile import profile_names, read_profile


@pytest.mark.parametrize("name", profile_names())
def test_profile_can_be_read(name: str):
    found = read_profile(name)
    assert found.title and 0 < found.card_memory <= found.memory_limit


def test_the_gtx_970_stays_within_its_fast_memory():
    found = read_profile("gtx970")
    assert found.card_memory <= 3.5e9 and found.compute_capability == "5.2"


def test_unknown_profile_is_said():
    with pytest.raises(ConfigError, match=r"there is no profile 'gtx480'; take one of .*gtx970"):
        read_profile("gtx480")
    with pytest.raises(ConfigError, match="there is no profile"):
        read_profile("../optimize/draft")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title:", "name:"), "'title'"),
        (("newest_driver: 580", "newest_driver: new"), "newest_driver is 'new'"),
        (("auto", "none"), "provider is 'none'"),
    ],
)
def test_broken_profile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, message: str):
    (tmp_path / "mine.yaml").write_text((profile.FOLDER / "gtx970.yaml").read_text().replace(*change))
    monkeypatch.setattr(profile, "FOLDER", tmp_path)
    with pytest.raises(ConfigError, match=rf"mine\.yaml.*{message}"):
        read_profile("mine")
