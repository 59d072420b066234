"""Model files: a small one made here enlarges; what is none, or would run something, is refused in one line."""

import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

pytest.importorskip("spandrel", reason="it comes with the extra upscale")
from safetensors.torch import save_file
from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

from nst_core.errors import BudgetError, ModelError
from nst_core.picture import Picture
from studio.upscale import model_file
from studio.upscale.enlarge import open_enlarger
from studio.upscale.model_file import ModelNetwork


def network(scale: int, channels: int = 3) -> SRVGGNetCompact:
    torch.manual_seed(scale)
    return SRVGGNetCompact(num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=2, upscale=scale).eval()


def saved(path: Path, scale: int, channels: int = 3) -> str:
    weights = network(scale, channels).state_dict()
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return str(path)


def photo(height: int = 90, width: int = 120) -> Picture:
    return Picture(np.ascontiguousarray(skimage.data.coffee()[:height, :width]), name="coffee.png")


def by_torch(picture: Picture, scale: int) -> np.ndarray:
    """(H, W, 3) in 0 to 255, as the network gives it without anything of ours."""
    with torch.inference_mode():
        large = network(scale)(torch.from_numpy(picture.as_float().transpose(2, 0, 1))[None])
    return large[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("scale", [2, 4])
def test_gives_what_the_network_gives(tmp_path: Path, suffix: str, scale: int):
    enlarger = open_enlarger(scale, saved(tmp_path / f"model{suffix}", scale))
    large = enlarger.enlarge(photo())
    assert np.abs(large.pixels - by_torch(photo(), scale)).max() <= 0.51
    assert enlarger.settings["model"] == f"model{suffix}" and len(enlarger.settings["sha256"]) == 64
    assert enlarger.settings["architecture"] == "RealESRGAN Compact"


def test_sixteen_bits_are_seen_and_kept(tmp_path: Path):
    deep = photo().with_bits(16)
    large = open_enlarger(2, saved(tmp_path / "model.safetensors", 2)).enlarge(deep)
    assert large.bit_depth == 16
    assert np.abs(large.pixels / 257 - by_torch(deep, 2)).max() < 0.01


def test_tiles_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model_file, "CROP_PIXELS", 90**2)
    large = open_enlarger(2, saved(tmp_path / "model.safetensors", 2)).enlarge(photo())
    assert np.abs(large.pixels - by_torch(photo(), 2)).max() <= 1


def test_four_times_by_a_model_of_two_is_its_work_twice(tmp_path: Path):
    path = saved(tmp_path / "model.safetensors", 2)
    twice = open_enlarger(2, path)
    assert np.array_equal(open_enlarger(4, path).enlarge(photo()).pixels, twice.enlarge(twice.enlarge(photo())).pixels)


def test_two_times_by_a_model_of_four_is_half_of_it(tmp_path: Path):
    large = open_enlarger(2, saved(tmp_path / "model.safetensors", 4)).enlarge(photo()).pixels
    half = by_torch(photo(), 4).reshape(180, 2, 240, 2, 3).mean((1, 3))
    assert large.shape == half.shape
    assert np.abs(large - half).mean() < 4


def test_the_memory_limit_makes_the_tiles_small(tmp_path: Path):
    model = ModelNetwork(Path(saved(tmp_path / "model.safetensors", 2)))
    sizes = [model.fit(room) for room in (20_000_000, 40_000_000, 1 << 40)]
    assert sizes[0] < sizes[1] < sizes[2] == model_file.CROP_PIXELS
    with pytest.raises(BudgetError, match=r"model\.safetensors takes 0\.0 GB beside the picture; raise --memory-limit"):
        model.fit(1_000_000)


class Touch:
    """What a file that is not to be trusted may do as it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["zip.pth", "zip.pt", "zip.ckpt", "plain.pth", "named.safetensors"])
def test_a_pickle_that_runs_something_is_refused_and_does_not_run(tmp_path: Path, name: str):
    path, proof = tmp_path / name, tmp_path / "proof"
    if name.startswith("zip"):
        torch.save({"params": Touch(proof)}, path)
    else:
        path.write_bytes(pickle.dumps({"params": Touch(proof)}))
    with pytest.raises(ModelError, match=f"{name} is no (file of weights alone|safetensors file)"):
        open_enlarger(2, str(path))
    assert not proof.exists()
    pickle.loads(pickle.dumps(Touch(proof)))  # it would have
    assert proof.exists()


def test_torchscript_which_is_a_program_is_refused(tmp_path: Path):
    torch.jit.script(torch.nn.Conv2d(3, 3, 1)).save(tmp_path / "script.pt")
    with pytest.raises(ModelError, match=r"script\.pt is no file of weights alone"):
        open_enlarger(2, str(tmp_path / "script.pt"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.safetensors", lambda whole: whole[: len(whole) // 2], "is no safetensors file, or a damaged one"),
        ("empty.safetensors", lambda whole: b"", "is no safetensors file, or a damaged one"),
        ("photo.safetensors", lambda whole: b"\x89PNG\r\n" * 99, "is no safetensors file, or a damaged one"),
        ("empty.pth", lambda whole: b"", "is no file of weights alone"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, content: Callable[[bytes], bytes], message: str):
    whole = Path(saved(tmp_path / "whole.safetensors", 2)).read_bytes()
    (tmp_path / name).write_bytes(content(whole))
    with pytest.raises(ModelError, match=f"{name} {message}"):
        open_enlarger(2, str(tmp_path / name))


def test_files_of_something_else(tmp_path: Path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    for name, message in {
        "other.safetensors": "is of no architecture that spandrel knows",
        "list.pth": "holds no weights",
        "gray.safetensors": "takes 1 channels; use a model for colors",
        "same.safetensors": "does not enlarge; use a model of scale 2 or 4",
        "nothing.safetensors": "does not exist; check the name",
    }.items():
        if name in ("gray.safetensors", "same.safetensors"):
            saved(tmp_path / name, 2 if name.startswith("gray") else 1, 1 if name.startswith("gray") else 3)
        with pytest.raises(ModelError, match=f"{name}.* {message}"):
            open_enlarger(2, str(tmp_path / name))


def test_a_model_that_gives_no_picture_is_told(tmp_path: Path):
    weights = {name: torch.full_like(values, torch.nan) for name, values in network(2).state_dict().items()}
    save_file(weights, tmp_path / "nan.safetensors")
    with pytest.raises(ModelError, match=r"nan\.safetensors makes no picture of it \(not a number\)"):
        open_enlarger(2, str(tmp_path / "nan.safetensors"))


@pytest.mark.parametrize(("package", "extra"), [("torch", "train"), ("spandrel", "upscale")])
def test_missing_packages_are_told(tmp_path: Path, package: str, extra: str, monkeypatch: pytest.MonkeyPatch):
    path, real = saved(tmp_path / "model.safetensors", 2), importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(ModelError, match=rf"model files need {package}; .* pip install '\.\[{extra}\]'"):
        open_enlarger(2, path)
