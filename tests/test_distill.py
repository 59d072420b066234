"""Distillation on a scale of seconds: it learns, survives a kill, and says where its network came from."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from impasto.main import main
from nst_core.compact import TEACHER_CHANNELS, CompactNetwork, CompactOptions, load_compact
from nst_core.errors import ConfigError, ModelError, WeightsError
from nst_core.files import sha256
from nst_core.vgg import HIDDEN, LAYERS, STRIDES
from train.distill import heads as distill_heads
from train.distill import pictures as distill_pictures
from train.distill.evaluate import measure_gram_errors
from train.distill.module import DistillOptions, HeadSolver, errors_through_head, relative_errors
from train.distill.run import distill
from train.distill.teachers import TwoPartTeacher

SHAPE = CompactOptions(widths=(4, 4, 6, 4, 6, 4, 4, 4, 6, 4, 4, 4, 8))
OPTIONS = DistillOptions(steps=5, batch=2, crop_px=64, replay_after=1, replay=1.0)
EACH_STEP = timedelta(0)


class RandomTeacher:
    """Blurs, shrinks and mixes colors: features that a network can learn, of VGG-19's sizes, and one hidden layer."""

    def __init__(self, folder: Path) -> None:
        generator = torch.Generator().manual_seed(0)
        self.mixing = {k: torch.randn(n, 3, 1, 1, generator=generator) for k, n in TEACHER_CHANNELS.items()}
        self.files = (folder / "teacher.bin",)
        self.files[0].write_bytes(b"weights")
        self.calls = 0

    def features(self, x: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        out = {k: F.conv2d(F.avg_pool2d(x, STRIDES[k]), self.mixing[k]).relu() for k in LAYERS}
        return out | {HIDDEN[0]: out["relu3_1"]}


class DyingTeacher(RandomTeacher):
    """Is asked once too often."""

    def features(self, x: Tensor) -> dict[str, Tensor]:
        if self.calls == 3:
            raise RuntimeError("killed")
        return super().features(x)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three smooth ones."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        small.resize((128, 96), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


@pytest.fixture(autouse=True)
def quick_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads are fitted for a moment only, to two photos and one on its way."""
    for module, name, few in [
        (distill_heads, "STEPS", 3), (distill_pictures, "PHOTOS", 2), (distill_pictures, "PAINTINGS", 1),
        (distill_pictures, "RUNS", 1), (distill_pictures, "STOPS", 1), (distill_pictures, "VISITS", 1),
    ]:  # fmt: skip
        monkeypatch.setattr(module, name, few)


@pytest.fixture
def teacher(tmp_path: Path) -> RandomTeacher:
    return RandomTeacher(tmp_path)


def weights_of(file: Path) -> dict[str, Tensor]:
    return load_compact(file).state_dict()


def test_card_tells_where_a_network_came_from(photos: Path, teacher: RandomTeacher, tmp_path: Path):
    output = tmp_path / "new" / "compact.safetensors"
    pictures = sorted(photos.iterdir())
    card = distill(OPTIONS, photos, teacher, output, evaluation=pictures[:1], shape=SHAPE)
    assert sorted(file.name for file in output.parent.iterdir()) == ["compact.json", "compact.safetensors"]
    beside = json.loads((output.parent / "compact.json").read_text())
    assert beside == {"file": output.name, "sha256": sha256(output), **card}
    assert card["options"] == asdict(OPTIONS)
    assert (card["seed"], card["steps"], card["widths"]) == (0, 5, list(SHAPE.widths))
    assert card["seconds"] > 0
    assert card["teacher"] == [{"name": "teacher.bin", "sha256": hashlib.sha256(b"weights").hexdigest()}]
    digests = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in pictures)
    assert card["photos"] == {"count": 3, "sha256": hashlib.sha256("\n".join(digests).encode()).hexdigest()}
    assert card["provenance"]["torch"] == importlib.metadata.version("torch")
    assert {"impasto", "python", "commit", "pytorch-lightning", "pytorch-optimizer"} <= card["provenance"].keys()
    assert card["hardware"]["processor"] and card["hardware"]["threads"] == torch.get_num_threads()
    measured = measure_gram_errors(load_compact(output), teacher, pictures[:1])
    assert card["gram_errors"]["pictures"] == 1
    assert card["gram_errors"]["median"] == pytest.approx(measured.median, rel=1e-5)
    assert list(measured.median) == list(LAYERS)
    assert str(tmp_path) not in json.dumps(beside)


def test_a_run_that_was_killed_goes_on_to_the_same_network(photos: Path, teacher: RandomTeacher, tmp_path: Path):
    at_once, in_two = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    distill(OPTIONS, photos, teacher, at_once, shape=SHAPE)
    with pytest.raises(RuntimeError, match="killed"):
        distill(OPTIONS, photos, DyingTeacher(tmp_path), in_two, shape=SHAPE, checkpoint_every=EACH_STEP)
    assert not in_two.exists()
    teacher.calls = 0
    steps: list[int] = []

    def progress(step: int, of: int, figures: Mapping[str, float]) -> None:
        assert of == 5 + 3 + 4, "pictures and layers of the heads"
        assert step > 5 or {"loss", *(f"gram_{layer}" for layer in LAYERS)} <= figures.keys()
        steps.append(step)

    distill(OPTIONS, photos, teacher, in_two, shape=SHAPE, resume=True, progress=progress)
    assert teacher.calls == 2 + 3  # the latter for the heads
    assert steps == [4, *range(5, 13)]
    assert not in_two.with_suffix(".ckpt").exists()
    for key, value in weights_of(at_once).items():
        assert value.equal(weights_of(in_two)[key]), key


def test_heads_are_fitted_to_gram_matrices(monkeypatch: pytest.MonkeyPatch):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(24, 4, 50, generator=generator) + 1
    grams, truth = features @ features.mT / 50, torch.randn(9, 4, generator=generator)
    start = truth + 0.5 * torch.randn(9, 4, generator=generator)

    def error(head: Tensor) -> float:
        wanted = truth @ grams @ truth.mT
        return float(((head @ grams @ head.mT - wanted).square().sum((1, 2)) / wanted.square().sum((1, 2))).mean())

    monkeypatch.setattr(distill_heads, "STEPS", 1500)
    truths = truth @ grams @ truth.mT
    size = torch.linalg.matrix_norm(truths)[:, None, None]
    fit = distill_heads.HeadFit(start, grams / size, truths / size, generator)
    for step in range(distill_heads.STEPS):
        fit.step(step)
    assert error(start) > 0.05
    assert error(fit.head) < 0.02 * error(start)


def test_without_steps_heads_alone_are_fitted(photos: Path, teacher: RandomTeacher, tmp_path: Path):
    begun = tmp_path / "begun.safetensors"
    distill(OPTIONS, photos, teacher, begun, shape=SHAPE)
    output = tmp_path / "anew.safetensors"
    card = distill(replace(OPTIONS, steps=0, seed=1), photos, teacher, output, start=begun)
    assert (card["steps"], card["start"]) == (0, {"name": begun.name, "sha256": sha256(begun)})
    before, after = weights_of(begun), weights_of(output)
    changed = {key.removeprefix("teacher_heads.") for key in before if not after[key].equal(before[key])}
    assert changed == {f"{layer}.weight" for layer in LAYERS if layer != "relu4_1"}
    with pytest.raises(ConfigError, match=r"only heads are fitted; .* --start FILE"):
        distill(replace(OPTIONS, steps=0), photos, teacher, output, shape=SHAPE)


def test_features_of_any_size_have_heads(teacher: RandomTeacher):
    student = CompactNetwork(SHAPE)
    last = student.convs[-1]
    assert isinstance(last, torch.nn.Conv2d)
    last.weight.data *= 1e6  # squared, more than fp16 holds
    student.teacher_heads["relu5_1"].weight.data /= 1e6  # type: ignore[union-attr, operator]
    list(distill_heads.fit_style_heads(student, teacher, [torch.rand(1, 3, 64, 64) for _ in range(2)]))
    assert all(bool(weight.isfinite().all()) for weight in student.teacher_heads.state_dict().values())


def test_layer_of_the_content_keeps_its_head(teacher: RandomTeacher):
    student = CompactNetwork(SHAPE)
    before = {name: weight.clone() for name, weight in student.teacher_heads.state_dict().items()}
    pictures = [torch.rand(1, 3, 64, 64), torch.rand(1, 3, 48, 80)]
    assert len(list(distill_heads.fit_style_heads(student, teacher, pictures))) == distill_heads.ticks(2) == 6
    kept = [name for name, weight in student.teacher_heads.state_dict().items() if weight.equal(before[name])]
    assert kept == ["relu4_1.weight"]


def test_an_unfinished_run_is_neither_overwritten_nor_mixed_with_another(photos: Path, tmp_path: Path):
    output = tmp_path / "compact.safetensors"
    teacher = DyingTeacher(tmp_path)

    def again(options: DistillOptions = OPTIONS, resume: bool = True) -> None:
        distill(options, photos, teacher, output, shape=SHAPE, resume=resume, checkpoint_every=EACH_STEP)

    with pytest.raises(ConfigError, match="nothing to resume"):
        again()
    with pytest.raises(RuntimeError, match="killed"):
        again(resume=False)
    kept = output.with_suffix(".ckpt").read_bytes()
    with pytest.raises(ConfigError, match="go on with --resume"):
        again(resume=False)
    with pytest.raises(ConfigError, match="was begun with batch 2, not 3"):
        again(replace(OPTIONS, batch=3))
    next(photos.iterdir()).unlink()
    with pytest.raises(ConfigError, match="was begun with photos"):
        again()
    assert output.with_suffix(".ckpt").read_bytes() == kept
    output.with_suffix(".ckpt").write_bytes(kept[:1000])
    with pytest.raises(ConfigError, match=r"compact\.ckpt cannot be read"):
        again()


def test_the_error_falls(photos: Path, teacher: RandomTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By e^3 over the ten errors; by none without a learning rate, as the heads are at their best from the start."""
    monkeypatch.setattr("train.distill.module.augment", lambda batch, generator: batch)
    for file in sorted(photos.iterdir())[1:]:
        file.unlink()
    losses: list[float] = []

    def progress(step: int, of: int, figures: Mapping[str, float]) -> None:
        losses.extend(figures[name] for name in figures if name == "loss")

    options = DistillOptions(steps=16, batch=2, crop_px=64, replay=0.0, hint_weight=0.0, learning_rate=5e-3)
    distill(options, photos, teacher, tmp_path / "c.safetensors", shape=SHAPE, progress=progress)
    assert np.mean(losses[-8:]) < np.mean(losses[:4]) - 2


def test_a_loss_that_is_no_number_stops_the_run(photos: Path, teacher: RandomTeacher, tmp_path: Path):
    teacher.mixing["relu3_1"][:] = torch.nan
    with pytest.raises(ModelError, match="--learning-rate"):
        distill(OPTIONS, photos, teacher, tmp_path / "c.safetensors", shape=SHAPE)


def test_ctrl_c_is_ctrl_c(photos: Path, teacher: RandomTeacher, tmp_path: Path):
    def progress(step: int, of: int, figures: Mapping[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distill(OPTIONS, photos, teacher, tmp_path / "c.safetensors", shape=SHAPE, progress=progress)


def test_heads_are_solved_by_least_squares():
    generator = torch.Generator().manual_seed(0)
    raw, true_head = torch.randn(2, 6, 5, 7, generator=generator), torch.randn(256, 6, generator=generator)
    truth = torch.einsum("kc,bchw->bkhw", true_head, raw) + 0.1 * torch.randn(2, 256, 5, 7, generator=generator)
    solved = HeadSolver().solve("relu3_1", raw, truth, late=False)
    f, t = (v.transpose(0, 1).flatten(1).numpy() for v in (raw, truth))
    expected = np.linalg.lstsq(f.T, t.T, rcond=None)[0].T
    np.testing.assert_allclose(solved, expected, atol=2e-3)


def test_errors_through_a_head_are_those_of_running_it():
    generator = torch.Generator().manual_seed(0)
    f, truth = (torch.randn(2, c, 5, 6, generator=generator, dtype=torch.float64) for c in (4, 9))
    head = torch.randn(9, 4, generator=generator, dtype=torch.float64)
    f.requires_grad_(True)
    through = errors_through_head(f, head, truth)
    run = relative_errors(torch.einsum("kc,bchw->bkhw", head, f), truth)
    for a, b in zip(through, run, strict=True):
        torch.testing.assert_close(a, b)
        slopes = [torch.autograd.grad(error.sum(), f, retain_graph=True) for error in (a, b)]
        torch.testing.assert_close(*slopes)


def test_relative_errors_are_those_of_the_formula():
    generator = torch.Generator().manual_seed(0)
    guess, truth = (torch.randn(2, 3, 4, 5, generator=generator) for _ in range(2))
    feature, gram = relative_errors(guess, truth)
    for b in range(2):
        g, t = (v[b].flatten(1).numpy() for v in (guess, truth))
        assert float(feature[b]) == pytest.approx(((g - t) ** 2).sum() / (t**2).sum(), rel=1e-5)
        difference = (g @ g.T - t @ t.T) ** 2
        assert float(gram[b]) == pytest.approx(difference.sum() / ((t @ t.T) ** 2).sum(), rel=1e-5)


def test_pictures_that_cannot_be_measured_are_skipped(photos: Path, teacher: RandomTeacher):
    broken = photos / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    student = CompactNetwork(SHAPE)
    assert measure_gram_errors(student, teacher, [broken, photos / "0.png"]).pictures == 1
    with pytest.raises(ConfigError, match="none of the pictures"):
        measure_gram_errors(student, teacher, [broken])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "photos, out"),
        (["--photos", "p", "-o", "net.onnx"], "must end in .safetensors"),
        (["--photos", "p", "-o", "a.safetensors"], "impasto weights get vgg19"),
        (["--photos", "p", "-o", "a.safetensors", "--teacher-deep", "d.safetensors"], "--teacher-shallow"),
        (["--photos", "p", "-o", "a.safetensors", "--evaluate", "none"], "none does not exist"),
        (["--photos", "p", "-o", "a.safetensors", "--steps", "-1"], "--steps must be a whole number from 0"),
    ],
)
def test_command_says_what_to_mend(words: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main(["distill", *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_the_shipped_networks_options_are_the_defaults():
    written = yaml.safe_load((Path(__file__).parents[1] / "configs/distill/compact.yaml").read_text())
    assert written == asdict(DistillOptions())


@pytest.fixture
def two_parts(tmp_path: Path) -> tuple[Path, Path]:
    """Random weights of a `TwoPartTeacher`, the deep part narrow."""
    torch.manual_seed(0)

    def conv(name: str, inner: int, outer: int, size: int = 3) -> dict[str, Tensor]:
        weight = torch.randn(outer, inner, size, size) * (2 / (inner * size**2)) ** 0.5
        return {f"{name}.weight": weight, f"{name}.bias": torch.zeros(outer)}

    shallow, deep = {}, conv("conv0", 3, 3, 1)
    for index, inner, outer in ((0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256)):
        shallow |= conv(f"features.{index}", inner, outer)
    width = 3
    for stage, depth in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1)):
        for i in range(1, depth + 1):
            deep |= conv(f"conv{stage}{i}", width, 4)
            width = 4
    deep |= conv("conv41_aux", 4, 512, 1) | conv("conv51_aux", 4, 512, 1)
    files = tmp_path / "shallow.safetensors", tmp_path / "deep.safetensors"
    for tensors, file in zip((shallow, deep), files, strict=True):
        save_file(tensors, file)
    return files


def test_a_teacher_in_two_parts_has_vgg_sizes_and_moves_as_one(two_parts: tuple[Path, Path]):
    teacher = TwoPartTeacher(*two_parts)
    assert teacher.files == two_parts
    x = torch.rand(1, 3, 64, 96)
    features = teacher.features(x)
    shapes = {k: tuple(f.shape) for k, f in features.items()}
    hidden = {k: shapes.pop(k) for k in HIDDEN}
    assert shapes == {k: (1, TEACHER_CHANNELS[k], 64 // STRIDES[k], 96 // STRIDES[k]) for k in LAYERS}
    assert hidden == {k: (1, 4, 16, 24) if k < "relu4" else (1, 4, 8, 12) for k in HIDDEN}
    for k, f in teacher.double().features(x.double()).items():
        torch.testing.assert_close(f.float(), features[k], rtol=1e-3, atol=1e-4)
    with pytest.raises(WeightsError, match=r"conv41_aux\.weight is missing"):
        TwoPartTeacher(two_parts[1], two_parts[0])


def test_command_trains_from_a_teacher_in_two_parts(
    photos: Path, two_parts: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "compact.safetensors"
    shallow, deep = map(str, two_parts)
    words = ["--photos", str(photos), "--evaluate", str(photos / "0.png"), "-o", str(output)]
    words += ["--teacher-shallow", shallow, "--teacher-deep", deep, "--steps", "1", "--batch", "1", "--crop-px", "64"]
    assert main(["distill", *words]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{output}: 1 steps in ")
    assert "relu5_1" in said.out
    assert [line.partition(",")[0] for line in said.err.splitlines()] == ["step 1 of 8"]
    card = json.loads(output.with_suffix(".json").read_text())
    assert [file["name"] for file in card["teacher"]] == ["shallow.safetensors", "deep.safetensors"]
    assert card["gram_errors"]["pictures"] == 1
    assert load_compact(output).options == CompactOptions()
