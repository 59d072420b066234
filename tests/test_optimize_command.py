"""`impasto optimize` as people use it: what is painted, what is refused, and that nothing is lost."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from painting import WAVES, at_step, files, paint, photo_at_size, pixels
from PIL import Image

from impasto import optimize_work
from impasto.optimize import build_parser
from impasto.optimize_files import split_share
from nst_core.gatys_options import GatysOptions

pytestmark = pytest.mark.usefixtures("painting_folder")


def test_paints_a_photo_and_says_what_it_did(capsys):
    before = files()
    assert paint("cat.png", "--style", "waves.png", "-o", "new/out.png") == 0
    assert pixels("new/out.png").shape == (32, 48, 3)
    assert np.abs(pixels("new/out.png") - photo_at_size()).mean() > 0.5
    assert files() == before | {"new"} and files("new") == {"out.png"}
    output = capsys.readouterr().out
    assert output.startswith("48x32 px, scales 48 px, Adam")
    assert "loss network compact, CPU" in output
    assert "new/out.png: 48x32 px, " in output and "GB allowed" in output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adam", "history": 0}, "L-BFGS does not fit into the memory allowed: Adam takes its place"),
        ({"history": 5}, "the memory allowed has room for 5 of 12 corrections"),
    ],
)
def test_what_does_not_fit_is_said(changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch, capsys):
    real = optimize_work.make_plan
    monkeypatch.setattr(optimize_work, "make_plan", lambda *args: replace(real(*args), **changes))
    assert paint("cat.png", "--style", "waves.png", "--optimizer", "lbfgs", "-o", "out.png") == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(message)


def test_settings_are_in_the_picture_and_beside_it(network_file: Path):
    words = ["--style", "waves.png:3", "--style", "night.png", "--protect", "right.png", "--sidecar"]
    assert paint("cat.png", *words, "-o", "out.png") == 0
    with Image.open("out.png") as picture:
        texts = [text for text in picture.info.values() if isinstance(text, str) and text.startswith("{")]
    settings = json.loads(texts[0])
    assert settings == json.loads(Path("out.png.json").read_text())
    digests = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in files() if "." in name}
    assert settings["photo"] == {"file": "cat.png", "sha256": digests["cat.png"]}
    assert [(p["file"], p["share"], p["sha256"]) for p in settings["paintings"]] == [
        ("waves.png", 3.0, digests["waves.png"]),
        ("night.png", 1.0, digests["night.png"]),
    ]
    assert settings["protect"] == {"file": "right.png", "sha256": digests["right.png"]}
    assert settings["loss_network"]["sha256"] == hashlib.sha256(network_file.read_bytes()).hexdigest()
    assert settings["options"]["iterations"] == 4 and settings["options"]["seed"] == 0
    assert settings["versions"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert settings["finished"] is True and settings["loss"] > 0 and "relu5_1" in settings["losses"]
    assert str(Path.cwd()) not in json.dumps(settings)


def test_same_seed_same_picture_and_the_start_matters():
    for name in ("a.png", "b.png"):
        assert paint("cat.png", "--style", "waves.png", "--start", "noise", "--seed", "7", "-o", name) == 0
    assert paint("cat.png", "--style", "waves.png", "--start", "dog.png", "-o", "c.png") == 0
    assert np.array_equal(pixels("a.png"), pixels("b.png"))
    assert not np.array_equal(pixels("a.png"), pixels("c.png"))


def test_protected_part_stays_and_the_rest_is_painted():
    assert paint("cat.png", "--style", "waves.png", "--protect", "right.png", "--strength", "4", "-o", "a.png") == 0
    changed = np.abs(pixels("a.png") - photo_at_size()).mean(axis=2)
    assert changed[:, 26:].max() <= 2
    assert changed[:, :22].mean() > 2


def test_masks_belong_to_the_paintings_in_order():
    words = ["cat.png", "--style", "waves.png", "--style", "night.png"]
    assert paint(*words, "-o", "a.png") == 0
    assert paint(*words, "--style-mask", "-", "--style-mask", "right.png", "-o", "b.png", "--sidecar") == 0
    masks = [p["mask"] and p["mask"]["file"] for p in json.loads(Path("b.png.json").read_text())["paintings"]]
    assert masks == [None, "right.png"]
    assert not np.array_equal(pixels("a.png"), pixels("b.png"))


@pytest.mark.parametrize(
    ("text", "path", "share"),
    [
        ("a.jpg", "a.jpg", 1.0),
        ("a.jpg:0.7", "a.jpg", 0.7),
        ("a.jpg:.5", "a.jpg", 0.5),
        ("a:b.jpg", "a:b.jpg", 1.0),
        ("a:b.jpg:2", "a:b.jpg", 2.0),
        (r"C:\a.jpg", r"C:\a.jpg", 1.0),
        ("there:2", "there:2", 1.0),
        ("a.jpg:-1", "a.jpg:-1", 1.0),
    ],
)
def test_share_is_a_number_at_the_end(text: str, path: str, share: float):
    Path("there:2").touch()
    assert split_share(text) == (Path(path), share)


def test_options_are_those_of_the_optimizer():
    parsed = build_parser().parse_args(["a", "--style", "b", "-o", "c"])
    assert {name: parsed[name] for name in GatysOptions.__dataclass_fields__} == vars(GatysOptions())


def test_configuration_file_and_what_comes_later_wins():
    Path("a.yaml").write_text("size: original\nbrush_size: 2\nlayer_weights: [1, 0, 1, 1, 1]\nstyle: [x.png:0.5]\n")
    words = ["a.png", "--brush-size", "3", "--config", "a.yaml", "--strength", "2", "-o", "c"]
    parsed = build_parser().parse_args(words)
    assert (parsed.size, parsed.brush_size, parsed.strength) == (0, 2.0, 2.0)
    assert parsed.layer_weights == (1, 0, 1, 1, 1) and parsed.style == ["x.png:0.5"]
    assert build_parser().parse_args([*words, "--style", "y.png"]).style == ["x.png:0.5", "y.png"]


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "configs" / "optimize").glob("*.yaml")))
def test_configurations_that_come_with_the_program_are_taken(path: Path):
    parsed = build_parser().parse_args(["a.png", "--style", "b.png", "-o", "c.png", "--config", str(path)])
    assert parsed.iterations != GatysOptions.iterations


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: photo, out"),
        (["cat.png", "-o", "out.png"], "there is no painting; add --style PAINTING"),
        (["nope.png", *WAVES], "nope.png does not exist"),
        (["empty.png", *WAVES], "empty.png is empty (0 bytes)"),
        (["text.png", *WAVES], "text.png is not a picture"),
        (["cat.png", "--style", "nope.png", "-o", "out.png"], "nope.png does not exist"),
        (["cat.png", "--style", "waves.png:0", "-o", "out.png"], "share must be greater than 0"),
        (["cat.png", "--style", "waves.png", "-o", "out.bmp"], "-o out.bmp: end the name in .png"),
        (["cat.png", "--style", "waves.png", "-o", "out"], "or name a folder that exists"),
        (["cat.png", "--style", "waves.png", "-o", "out.jpg", "--bits", "16"], "JPEG holds 8 bits a channel"),
        (["cat.png", "--style", "waves.png", "-o", "./cat.png"], "would overwrite cat.png, which is read"),
        (["cat.png", "--style", "waves.png", "-o", "waves.png"], "would overwrite waves.png"),
        (["cat.png", *WAVES, "--protect", "right.png", "--plot", "right.png"], "would overwrite right.png"),
        (["cat.png", "--style", "waves.png", "-o", "text.png/out.png"], "a part of that path is a file"),
        (["cat.png", "dog.png", *WAVES], "-o out.png names one picture; for 2 pictures name a folder"),
        (["cat.png", *WAVES, "--style-mask", "-", "--style-mask", "right.png"], "2 --style-mask for 1 --style"),
        (["cat.png", *WAVES, "--protect", "empty.png"], "empty.png is empty"),
        (["cat.png", *WAVES, "--start", "nope.png"], "nope.png does not exist"),
        (["cat.png", *WAVES, "--plot", "a.doc"], "--plot a.doc: the name must end in .png, .svg, .pdf"),
        (
            ["cat.png", *WAVES, "--config", "small.yaml"],
            "--size must be a whole number of pixels, 32 or more, or original",
        ),
        (["cat.png", *WAVES, "--strength", "-1"], "--strength must be a number from 0 to 100, not -1"),
        (["cat.png", *WAVES, "--strength", "nan"], "--strength must be a number from 0 to 100, not nan"),
        (["cat.png", *WAVES, "--seed", "1.5"], "--seed must be a whole number from 0 to "),
        (["cat.png", *WAVES, "--layer-weights", "1,2"], "--layer-weights must be five numbers"),
        (["cat.png", *WAVES, "--layer-weights", "1,2,3,4,-1"], "--layer-weights must be a number from 0"),
        (["cat.png", *WAVES, "--color", "pink"], "argument --color: invalid choice: 'pink'"),
        (["cat.png", *WAVES, "--memory-limit", "1MB"], "raise --memory-limit"),
        (["cat.png", *WAVES, "--max-megapixels", "0.005"], "raise --max-megapixels"),
        (["cat.png", *WAVES, "--network", "vgg19"], "impasto weights get vgg19"),
        (["cat.png", *WAVES, "--config", "nope.yaml"], "nope.yaml"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_writes_nothing(words: list[str], message: str, capsys):
    before = files()
    assert paint(*words) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("impasto: ") and error.count("\n") == 1
    assert files() == before


def test_missing_graphics_card_is_said(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert paint("cat.png", *WAVES, "--device", "cuda") == 2
    assert "torch finds no graphics card" in capsys.readouterr().err


def test_many_photos_broken_ones_skipped_and_resume_skips_what_is_done(capsys):
    Path("more").mkdir()
    Image.open("dog.png").save("more/cat.jpg")
    words = ["cat.png", "empty.png", "more", "--style", "waves.png", "-o", "out", "--trace", "curves"]
    assert paint(*words) == 2
    assert files("out") == {"cat_waves.png", "cat_waves_2.png"}
    assert files("curves") == {"cat_waves.json", "cat_waves_2.json"}
    captured = capsys.readouterr()
    assert "impasto: empty.png is empty (0 bytes)" in captured.err
    assert captured.err.endswith("impasto: 1 of 3 photos could not be painted\n")
    (Path("out") / "cat_waves_2.png").unlink()
    kept = (Path("out") / "cat_waves.png").stat().st_mtime_ns
    assert paint(*words, "--resume") == 2
    assert (Path("out") / "cat_waves.png").stat().st_mtime_ns == kept
    assert files("out") == {"cat_waves.png", "cat_waves_2.png"}
    assert "cat_waves.png is done already" in capsys.readouterr().out


def test_results_among_the_photos_are_not_painted_again():
    Path("photos").mkdir()
    Path("cat.png").rename("photos/cat.png")
    for _ in range(2):
        assert paint("photos", "--style", "waves.png", "-o", "photos/painted/") == 0
    assert files("photos/painted") == {"cat_waves.png"}


@pytest.mark.parametrize("out", [".", "photos"])
@pytest.mark.parametrize("photos", ["photos", "photos/*.png"])
def test_photos_of_a_folder_are_painted_into_it_and_into_the_one_above(photos: str, out: str):
    Path("photos").mkdir()
    Path("cat.png").rename("photos/cat.png")
    assert paint(photos, "--style", "waves.png", "-o", out) == 0
    assert "cat_waves.png" in files(out)


def test_results_among_the_photos_of_a_pattern_are_not_painted_again():
    Path("photos/summer").mkdir(parents=True)
    Path("cat.png").rename("photos/summer/cat.png")
    for _ in range(2):
        assert paint("photos/**/*.png", "--style", "waves.png", "-o", "photos/painted/") == 0
    assert files("photos/painted") == {"cat_waves.png"}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "the memory ran out; lower --size"),
    ],
)
def test_what_torch_raises_is_one_line(error: Exception, message: str, capsys):
    def fail() -> None:
        raise error

    with at_step(2, fail):
        assert paint("cat.png", *WAVES) == 2
    assert capsys.readouterr().err.startswith(f"impasto: {message}")


def test_elsewhere_than_on_a_terminal_there_are_few_plain_lines(capsys):
    assert paint("cat.png", *WAVES) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[0].startswith("48 px, iteration 3 of 4") and "\x1b" not in "".join(lines)


def test_sixteen_bits_and_alpha_come_through():
    photo = Image.open("cat.png").convert("RGBA")
    photo.putalpha(Image.open("right.png"))
    photo.save("alpha.png")
    assert paint("alpha.png", "--style", "waves.png", "--bits", "16", "-o", "out.png") == 0
    raw = Path("out.png").read_bytes()
    assert raw[24] == 16 and raw[25] == 6  # PNG header: bit depth, RGB with alpha
