"""Snapshots: what goes on from one ends as if it had never been stopped, and nothing else is taken for one."""

import json
from pathlib import Path

import pytest
import torch
from random_pictures import random_picture
from safetensors.torch import load_file, save_file

from nst_core import budget, snapshot
from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.errors import ConfigError, NstError
from nst_core.gatys import Progress, Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.optimizers import Adam, Lbfgs
from nst_core.sources import Sources, Style

FINGERPRINT = {"size": 64, "photo": "a" * 64, "layer_weights": (1.0, 2.0)}


@pytest.fixture(scope="module")
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(CompactOptions(widths=(3,) * 13)).freeze()


@pytest.fixture
def sources() -> Sources:
    return Sources(random_picture(64, 96, 0, cell=1), (Style(random_picture(80, 96, 1, cell=1)),))


def paint(
    network: CompactNetwork, sources: Sources, options: GatysOptions, resume: Progress | None = None
) -> list[Step]:
    plan = make_plan(sources, options, network, 10**9)
    return list(optimize(sources, options, network, plan, "cpu", resume))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("stop_after", [1, 4, 5, 7])
def test_going_on_ends_as_if_never_stopped(
    optimizer: str, stop_after: int, network, sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(budget, "COARSEST_PX", 48)  # two scales even at 96 px
    options = GatysOptions(size=96, iterations=4, optimizer=optimizer, history=4)  # type: ignore[arg-type]
    whole = paint(network, sources, options)
    assert [step.scale for step in whole] == [0] * 4 + [1] * 4
    plan = make_plan(sources, options, network, 10**9)
    for done, step in enumerate(optimize(sources, options, network, plan), 1):
        if done == stop_after:
            snapshot.save(tmp_path / "a.snapshot", step.progress, FINGERPRINT)
            break
    found = snapshot.load(tmp_path / "a.snapshot", FINGERPRINT)
    assert isinstance(found.progress.optimizer, Lbfgs if optimizer == "lbfgs" else Adam)
    rest = paint(network, sources, options, found.progress)
    assert [step.loss for step in rest] == [step.loss for step in whole[stop_after:]]
    assert torch.equal(rest[-1].progress.best, whole[-1].progress.best)
    assert torch.equal(rest[-1].progress.x, whole[-1].progress.x)


def one_step(network, sources) -> Step:
    return paint(network, sources, GatysOptions(size=64, iterations=1, optimizer="lbfgs"))[-1]


def test_holds_what_was_put_in(network, sources, tmp_path: Path):
    progress = one_step(network, sources).progress
    progress.seconds = 12.5
    curve = [{"loss": 1.5, "parts": {"tv": 0.1}}]
    snapshot.save(tmp_path / "a", progress, FINGERPRINT, curve)
    found = snapshot.load(tmp_path / "a", FINGERPRINT)
    assert (found.progress.scale, found.progress.iteration, found.progress.seconds) == (0, 1, 12.5)
    assert found.curve == curve
    assert isinstance(found.progress.optimizer, Lbfgs) and found.progress.optimizer.history == 12


def test_one_picture_under_two_names_is_kept_once(tmp_path: Path):
    x, gradient = torch.rand(2, 1, 3, 40, 40)
    optimizer = Lbfgs(4)
    optimizer.last, optimizer.best = (x, gradient), (0.5, x, gradient)
    snapshot.save(tmp_path / "a", Progress(0, 1, x, optimizer), FINGERPRINT)
    assert sum(t.numel() == x.numel() for t in load_file(tmp_path / "a").values()) == 2
    found = snapshot.load(tmp_path / "a", FINGERPRINT).progress.optimizer
    assert isinstance(found, Lbfgs) and found.best and found.last
    assert found.best[0] == 0.5 and torch.equal(found.best[1], x) and torch.equal(found.last[1], gradient)


def test_strided_tensors_keep_their_values(tmp_path: Path):
    x = torch.rand(1, 40, 30, 3).permute(0, 3, 1, 2)
    snapshot.save(tmp_path / "a", Progress(0, 1, x, Adam()), FINGERPRINT)
    assert torch.equal(snapshot.load(tmp_path / "a", FINGERPRINT).progress.x, x)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": 128}, "size was 64, now it is 128"),
        ({"photo": "b" * 64}, "photo was aaaaaaaa…, now it is bbbbbbbb…"),
        ({"layer_weights": (1.0, 3.0)}, r"layer_weights was \[1.0, 2.0\], now it is \[1.0, 3.0\]"),
        ({"mask 1": "c" * 64}, "mask 1 was None, now it is cccccccc…"),
    ],
)
def test_other_settings_are_refused_by_name(changed: dict, message: str, network, sources, tmp_path: Path):
    snapshot.save(tmp_path / "a", one_step(network, sources).progress, FINGERPRINT)
    with pytest.raises(ConfigError, match=message):
        snapshot.load(tmp_path / "a", FINGERPRINT | changed)


def test_setting_that_is_gone_is_refused(network, sources, tmp_path: Path):
    snapshot.save(tmp_path / "a", one_step(network, sources).progress, FINGERPRINT | {"mask 1": "c" * 64})
    with pytest.raises(ConfigError, match="mask 1 was cccccccc…, now it is None"):
        snapshot.load(tmp_path / "a", FINGERPRINT)


@pytest.mark.parametrize("kept", [0, 7, 200, -1])
def test_cut_file_is_one_clear_error(kept: int, network, sources, tmp_path: Path):
    path = tmp_path / "a.snapshot"
    snapshot.save(path, one_step(network, sources).progress, FINGERPRINT)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(NstError, match=r"a\.snapshot cannot be gone on from.*leave out --resume"):
        snapshot.load(path, FINGERPRINT)


@pytest.mark.parametrize("metadata", [None, {"format": "99", "about": "{}"}, {"format": "1", "about": "no json"}])
def test_other_safetensors_file_is_one_clear_error(metadata: dict[str, str] | None, tmp_path: Path):
    save_file({"x": torch.zeros(1)}, tmp_path / "a", metadata)
    with pytest.raises(NstError, match="cannot be gone on from"):
        snapshot.load(tmp_path / "a", FINGERPRINT)


def test_lacking_tensor_is_one_clear_error(network, sources, tmp_path: Path):
    snapshot.save(tmp_path / "a", one_step(network, sources).progress, FINGERPRINT)
    about = {"format": "1", "about": json.dumps(_about(tmp_path / "a"))}
    save_file({"y": torch.zeros(1)}, tmp_path / "b", about)
    with pytest.raises(NstError, match="cannot be gone on from"):
        snapshot.load(tmp_path / "b", FINGERPRINT)


def _about(path: Path) -> dict:
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    return json.loads(header["__metadata__"]["about"])


def test_missing_folder_is_made_and_a_file_in_the_way_is_named(network, sources, tmp_path: Path):
    progress = one_step(network, sources).progress
    snapshot.save(tmp_path / "new" / "a", progress, FINGERPRINT)
    assert (tmp_path / "new" / "a").exists()
    with pytest.raises(NstError, match="cannot write b"):
        snapshot.save(tmp_path / "new" / "a" / "b", progress, FINGERPRINT)
