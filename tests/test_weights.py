"""The VGG weights: recognized by what they hold, converted once, loaded without running anything."""

import hashlib
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision

from impasto.main import main
from nst_core import weights
from nst_core.errors import WeightsError


def state_dict(name: str) -> dict[str, torch.Tensor]:
    """Tensors of the right shapes, each of a value of its own, that a .pth file holds but once."""
    tensors = {
        key: torch.tensor(float(index)).expand(shape)
        for index, (key, shape) in enumerate(weights.LOSS_WEIGHTS[name].shapes().items())
    }
    return {**tensors, "classifier.0.weight": torch.zeros(1).expand(4096, 25088)}


@pytest.fixture
def vgg16_file(tmp_path: Path) -> Path:
    file = tmp_path / "vgg16-by-hand.pth"
    torch.save(state_dict("vgg16"), file)
    return file


def publish(name: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `file` what is published as `name`."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(
        weights.LOSS_WEIGHTS,
        name,
        replace(weights.LOSS_WEIGHTS[name], url=file.as_uri(), sha256=digest),
    )


@pytest.mark.parametrize(("name", "relu5_1"), [("vgg19", 29), ("vgg16", 25)])
def test_shapes_are_those_of_torchvision(name: str, relu5_1: int):
    with torch.device("meta"):
        features = getattr(torchvision.models, name)(weights=None).features
    assert isinstance(features[relu5_1], torch.nn.ReLU)
    expected = {f"features.{key}": tuple(value.shape) for key, value in features[:relu5_1].state_dict().items()}
    assert weights.LOSS_WEIGHTS[name].shapes() == expected


@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
def test_address_and_digest_are_those_of_torchvision(name: str):
    published = getattr(torchvision.models, f"{name.upper()}_Weights").IMAGENET1K_V1
    assert weights.LOSS_WEIGHTS[name].url == published.url
    # torch hub puts the first eight digits of the SHA-256 into the name
    assert weights.LOSS_WEIGHTS[name].sha256.startswith(published.url[-12:-4])


@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
def test_added_file_is_recognized_and_loads(name: str, tmp_path: Path, weights_folder: Path):
    torch.save(state_dict(name), tmp_path / "some.pth")
    assert weights.add(tmp_path / "some.pth") == name
    assert os.listdir(weights_folder) == [f"{name}.safetensors"]
    loaded = weights.load(name)
    expected = state_dict(name)
    assert loaded.keys() == weights.LOSS_WEIGHTS[name].shapes().keys()
    assert all(torch.equal(loaded[key], expected[key]) for key in loaded)


def test_safetensors_in_half_precision_load_as_float32(tmp_path: Path):
    half = {key: value.half().contiguous() for key, value in state_dict("vgg16").items() if "features" in key}
    safetensors.torch.save_file(half, tmp_path / "some.safetensors")
    weights.add(tmp_path / "some.safetensors")
    loaded = weights.load("vgg16")
    assert {tensor.dtype for tensor in loaded.values()} == {torch.float32}
    assert torch.equal(loaded["features.2.bias"], torch.full((64,), 3.0))


def test_unpublished_file_is_taken_with_a_warning(vgg16_file: Path, caplog, monkeypatch: pytest.MonkeyPatch):
    weights.add(vgg16_file)
    assert "is not the published file" in caplog.text
    caplog.clear()
    publish("vgg16", vgg16_file, monkeypatch)
    weights.add(vgg16_file)
    assert caplog.text == ""


def test_code_in_a_pickle_is_not_run(tmp_path: Path):
    class Attack:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "was-run",))

    (tmp_path / "attack.pth").write_bytes(pickle.dumps({"features.0.weight": Attack()}, protocol=2))
    torch.save({"features.0.weight": Attack()}, tmp_path / "attack2.pth")
    for name in ("attack.pth", "attack2.pth"):
        with pytest.raises(WeightsError, match="cannot be read as weights"):
            weights.add(tmp_path / name)
    assert not (tmp_path / "was-run").exists()


def test_wrong_files_are_refused(tmp_path: Path, vgg16_file: Path, weights_folder: Path):
    def refused(words: str, name: str | None = None, **contents: bytes | object) -> None:
        ((stem, content),) = contents.items()
        file = tmp_path / f"{stem}.pth"
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            torch.save(content, file)
        with pytest.raises(WeightsError, match=words) as caught:
            weights.add(file, name)
        assert str(file) in str(caught.value)

    refused("cannot be read as weights", empty=b"")
    refused("cannot be read as weights", text=b"<html>404</html>")
    refused("cannot be read as weights", cut=vgg16_file.read_bytes()[:-2000])
    refused("no table of weights", single=torch.zeros(3))
    refused("neither VGG-19 nor VGG-16", other={"features.0.weight": torch.zeros(64, 3, 3, 3)})
    refused("holds vgg16, not vgg19", "vgg19", mixed_up=state_dict("vgg16"))
    refused("not finite", nan=state_dict("vgg16") | {"features.0.bias": torch.full((64,), torch.nan)})
    with pytest.raises(WeightsError, match="there is no file"):
        weights.add(tmp_path / "missing.pth")
    assert not weights_folder.exists()


def test_missing_weights_say_what_to_run():
    for name in ("vgg19", "vgg16"):
        assert weights.find(name) is None
        with pytest.raises(WeightsError, match=f"impasto weights get {name}"):
            weights.load(name)
    with pytest.raises(WeightsError, match="there are: vgg19, vgg16"):
        weights.load("vgg11")


def test_torch_hub_cache_is_used_in_place_and_ours_comes_first(tmp_path: Path, weights_folder: Path):
    cached = tmp_path / "torch" / "hub" / "checkpoints" / "vgg16-397923af.pth"
    cached.parent.mkdir(parents=True)
    torch.save(state_dict("vgg16"), cached)
    assert weights.find("vgg16") == cached
    assert weights.load("vgg16")["features.24.bias"].shape == (512,)
    assert weights.get("vgg16", url="http://127.0.0.1:1/nobody-is-asked") == cached
    assert not weights_folder.exists()

    weights.add(cached)
    assert weights.find("vgg16") == weights_folder / "vgg16.safetensors"


def test_broken_file_of_ours_is_told(weights_folder: Path):
    weights_folder.mkdir()
    (weights_folder / "vgg19.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(WeightsError, match=r"vgg19\.safetensors cannot be read"):
        weights.load("vgg19")


def test_get_by_command_after_a_cut(vgg16_file: Path, file_server, monkeypatch, capsys, weights_folder: Path):
    publish("vgg16", vgg16_file, monkeypatch)
    command = ["weights", "get", "vgg16", "--url", file_server.url]
    file_server.content = vgg16_file.read_bytes()
    file_server.cut_after_bytes = 1000
    assert main(command) == 2
    assert "run the same command again" in capsys.readouterr().err

    file_server.cut_after_bytes = None
    assert main(command) == 0
    assert file_server.ranges_asked == [None, "bytes=1000-"]
    assert os.listdir(weights_folder) == ["vgg16.safetensors"]
    assert str(weights_folder / "vgg16.safetensors") in capsys.readouterr().out.replace("\n", "")
    assert torch.equal(weights.load("vgg16")["features.24.bias"], torch.full((512,), 21.0))


def test_get_without_network_is_one_line(capsys):
    assert main(["weights", "get", "vgg19"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "check the network" in error
    assert "impasto weights add" in error


def test_list_path_and_add_by_command(vgg16_file: Path, capsys, weights_folder: Path):
    assert main(["weights", "add", str(vgg16_file), "--network", "vgg16"]) == 0
    assert main(["weights", "list"]) == 0
    assert main(["weights", "path"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"vgg16 is in {weights_folder / 'vgg16.safetensors'}",
        "vgg19  not here; run: impasto weights get vgg19",
        f"vgg16  {weights_folder / 'vgg16.safetensors'}",
        str(weights_folder),
    ]
