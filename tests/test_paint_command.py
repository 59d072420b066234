"""`impasto paint` as people use it: what is painted and where it goes, and what is refused in one line."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from toy_style import expected, write_model, write_toy_style

from impasto import paint_work
from impasto.main import main
from impasto.paint import build_parser
from models import catalog
from nst_core.errors import BudgetError
from nst_core.picture import Picture, read_picture, write_picture
from serve.engine import Engine
from serve.paint_options import PaintOptions


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder with two photos and what is none; the styles `waves` and `night`, and `six` with three."""
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    write_toy_style(tmp_path / "shipped" / "waves.onnx")
    write_toy_style(tmp_path / "shipped" / "night.onnx", 2)
    write_toy_style(tmp_path / "styles" / "six.onnx", 3)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for seed, name in enumerate(("cat.png", "dog.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)
        write_picture(Picture(pixels), name)
    Path("empty.png").touch()
    write_picture(Picture(np.zeros((40, 20, 3), np.uint8)), "narrow.png")
    write_model(Path("plain.onnx"), 1, {})
    return folder


def paint(*words: str) -> int:
    return main(["paint", *words])


def files(folder: Path | str = ".") -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def is_painted(path: str, photo: str = "cat.png", strength: float = 1.0, weights: tuple[float, ...] = (1.0,)) -> bool:
    wanted = expected(read_picture(photo).as_float(), strength, weights)
    return bool(np.abs(read_picture(path).as_float() - wanted).max() < 0.51 / 255)


def test_paints_into_the_current_folder_and_says_so(capsys):
    before = files()
    assert paint("cat.png", "--style", "waves") == 0
    assert files() == before | {"cat-waves.png"}
    assert is_painted("cat-waves.png")
    captured = capsys.readouterr()
    assert captured.out.startswith("cat-waves.png: 60x40 px, ") and captured.out.count("\n") == 1
    assert captured.err == ""


def test_settings_are_in_the_picture(tmp_path: Path):
    words = [
        "--style",
        "six",
        "--strength",
        "0.5",
        "--weights",
        "1,0,3",
        "--color",
        "photo",
        "--size",
        "48",
        "--brush-size",
        "2",
    ]
    assert paint("cat.png", *words, "-o", "out.png") == 0
    settings = read_picture("out.png").settings
    assert settings is not None
    assert settings["command"] == "paint"
    assert settings["photo"] == {"file": "cat.png", "sha256": hashlib.sha256(Path("cat.png").read_bytes()).hexdigest()}
    digest = hashlib.sha256((tmp_path / "styles" / "six.onnx").read_bytes()).hexdigest()
    assert settings["style"] == {"name": "six", "sha256": digest}
    asked = {"size": 48, "strength": 0.5, "brush_size": 2, "weights": [1, 0, 3], "color": "photo"}
    assert settings["options"] == asked
    assert {"impasto", "numpy", "python", "commit"} <= set(settings["versions"])
    assert onnxruntime.__version__ in {settings["versions"].get(name) for name in ("onnxruntime", "onnxruntime-gpu")}
    again = PaintOptions(**{**settings["options"], "weights": tuple(settings["options"]["weights"])})
    repainted = Engine().stylize(read_picture("cat.png"), catalog.find_style(settings["style"]["name"]), again)
    assert np.array_equal(repainted.pixels, read_picture("out.png").pixels)


def test_options_reach_the_network():
    assert paint("cat.png", "--style", "six", "--strength", "0.5", "--weights", "1,0,3", "-o", "out.png") == 0
    assert is_painted("out.png", strength=0.5, weights=(1, 0, 3))
    assert paint("cat.png", "--style", "waves", "--size", "48", "-o", "small.png") == 0
    assert read_picture("small.png").pixels.shape == (32, 48, 3)


def test_each_photo_is_painted_in_each_style_and_a_style_by_its_path(tmp_path: Path):
    Path("more").mkdir()
    write_picture(read_picture("dog.png"), "more/cat.jpg")
    path = str(tmp_path / "styles" / "six.onnx")
    assert paint("cat.png", "more", "--style", "waves", "--style", path, "--style", "waves", "-o", "out") == 0
    assert files("out") == {"cat-waves.png", "cat-six.png", "cat-waves_2.png", "cat-six_2.png"}
    assert is_painted("out/cat-waves.png") and is_painted("out/cat-six.png", weights=(1, 1, 1))
    assert is_painted("out/cat-waves_2.png", "more/cat.jpg")


def test_photos_of_a_folder_are_painted_into_the_one_above():
    Path("photos").mkdir()
    for name in ("cat.png", "dog.png"):
        Path(name).rename(f"photos/{name}")
    for words in ([], ["-o", "."]):
        assert paint("photos", "--style", "waves", *words) == 0
        assert {"cat-waves.png", "dog-waves.png"} < files()


def test_results_among_the_photos_are_not_painted_again():
    Path("photos").mkdir()
    Path("cat.png").rename("photos/cat.png")
    for _ in range(2):
        assert paint("photos", "--style", "waves", "-o", "photos/painted/") == 0
    assert files("photos/painted") == {"cat-waves.png"}


def test_format_quality_and_bits(work: Path):
    words = ["cat.png", "--style", "waves"]
    for quality in ("20", "95"):
        assert paint(*words, "--quality", quality, "-o", f"{quality}.jpg") == 0
    assert Path("20.jpg").stat().st_size * 2 < Path("95.jpg").stat().st_size
    assert paint(*words, "--bits", "16", "-o", "deep.tif") == 0
    deep = read_picture("deep.tif")
    assert deep.bit_depth == 16 and len(np.unique(deep.pixels % 257)) > 1  # more than 8 bits, widened
    assert paint("deep.tif", "--style", "waves", "-o", "kept.png") == 0
    assert read_picture("kept.png").bit_depth == 16
    assert paint("deep.tif", "--style", "waves", "--bits", "8", "-o", "flat.png") == 0
    assert read_picture("flat.png").bit_depth == 8
    alpha = np.arange(40 * 60).reshape(40, 60).astype(np.uint8)
    write_picture(replace(read_picture("cat.png"), alpha=alpha), "alpha.png")
    assert paint("alpha.png", "--style", "waves", "-o", "out.webp", "--quality", "100") == 0
    found = read_picture("out.webp").alpha
    assert found is not None and np.array_equal(found, alpha)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: photo, style"),
        (["cat.png"], "the following arguments are required: style"),
        (["cat.png", "--style", "wave"], "there is no style 'wave'; did you mean waves? see impasto styles"),
        (["cat.png", "--style", "nope.onnx"], "nope.onnx does not exist"),
        (["cat.png", "--style", "plain.onnx"], "plain.onnx is no style: it has no card"),
        (["cat.png", "--style", "cat.png"], "there is no style 'cat.png'"),
        (["nope.png", "--style", "waves"], "nope.png does not exist"),
        (["empty.png", "--style", "waves"], "empty.png is empty (0 bytes)"),
        (["narrow.png", "--style", "waves"], "narrow.png would be painted at 20x40 px"),
        (["cat.png", "--style", "waves", "-o", "out.bmp"], "-o out.bmp: end the name in .png"),
        (["cat.png", "--style", "waves", "-o", "out"], "or name a folder that exists"),
        (["cat.png", "--style", "waves", "-o", "out.jpg", "--bits", "16"], "JPEG holds 8 bits a channel"),
        (["cat.png", "--style", "waves", "-o", "./cat.png"], "cat.png would overwrite cat.png, which is read"),
        (["cat.png", "--style", "waves", "-o", "empty.png/out.png"], "a part of that path is a file"),
        (
            ["cat.png", "dog.png", "--style", "waves", "-o", "out.png"],
            "names one picture; for 2 pictures name a folder",
        ),
        (["cat.png", "--style", "waves", "--style", "six", "-o", "out.png"], "names one picture; for 2 pictures"),
        (["cat.png", "dog.png", "--style", "waves", "-o", "empty.png"], "names one picture"),
        (["cat.png", "--style", "waves", "--strength", "1.6"], "--strength must be a number from 0 to 1.5, not 1.6"),
        (["cat.png", "--style", "waves", "--weights", "1"], "waves holds one painting only"),
        (["cat.png", "--style", "six", "--weights", "1,2"], "six holds 3 paintings (six_1, six_2, six_3), not 2"),
        (["cat.png", "--style", "six", "--weights", "0,0,0"], "weights must be 0 or more, and not all 0"),
        (["cat.png", "--style", "six", "--weights", "1,x,0"], "--weights must be a number from 0"),
        (["cat.png", "--style", "six", "--weights", "1,-1,0"], "--weights must be a number from 0"),
        (["cat.png", "--style", "waves", "--size", "31"], "--size must be a whole number of pixels, 32 or more"),
        (["cat.png", "--style", "waves", "--color", "mine"], "argument --color: invalid choice: 'mine'"),
        (["cat.png", "--style", "waves", "--brush-size", "5"], "--brush-size must be a number from 0.25 to 4, not 5"),
        (["cat.png", "--style", "waves", "--provider", "quantum"], "argument --provider: invalid choice: 'quantum'"),
        (["cat.png", "--style", "waves", "--memory-limit", "1"], "--memory-limit must be a size like 3.5GB"),
        (["cat.png", "--style", "waves", "--memory-limit", "1MB"], "choose a smaller size, or raise --memory-limit"),
        (["cat.png", "--style", "waves", "--bits", "12"], "--bits must be 8 or 16"),
        (["cat.png", "--style", "waves", "--max-megapixels", "0.002"], "raise --max-megapixels"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_writes_nothing(words: list[str], message: str, capsys):
    before = files()
    assert paint(*words) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.startswith("impasto: ") and captured.err.count("\n") == 1
    assert captured.out == "" and files() == before


def test_results_of_an_earlier_run_are_never_written_over_as_photos(capsys):
    Path("empty.png").unlink()
    Path("narrow.png").unlink()
    assert paint(".", "--style", "waves", "--style", "six") == 0
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert paint(".", "--style", "waves", "--style", "six") == 2
    assert "would overwrite cat-" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_broken_photos_are_skipped_and_said_once(capsys):
    words = ["cat.png", "empty.png", "narrow.png", "dog.png", "--style", "waves", "--style", "six", "-o", "out"]
    assert paint(*words) == 2
    assert files("out") == {"cat-waves.png", "cat-six.png", "dog-waves.png", "dog-six.png"}
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 3 and captured.out.count("\n") == 4
    assert lines[0].startswith("impasto: empty.png is empty") and lines[0].endswith("; skipped")
    assert lines[1].startswith("impasto: narrow.png would be painted at 20x40 px")
    assert lines[2] == "impasto: 4 of 8 pictures could not be painted"


def test_broken_style_is_skipped(capsys):
    card = catalog.find_style("waves").card
    write_model(Path("broken.onnx"), 1, {"impasto_card": card.to_json()}, cut="strength")
    assert paint("cat.png", "dog.png", "--style", "broken.onnx", "--style", "waves", "-o", "out") == 2
    assert files("out") == {"cat-waves.png", "dog-waves.png"}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "broken.onnx cannot be painted with" in lines[0]


def test_full_memory_skips_one_picture_of_several(monkeypatch: pytest.MonkeyPatch, capsys):
    real = Engine.stylize

    def stylize(self, picture, *args):
        if picture.name == "cat.png":
            raise BudgetError("60x40 px do not fit into the memory")
        return real(self, picture, *args)

    monkeypatch.setattr(Engine, "stylize", stylize)
    assert paint("cat.png", "dog.png", "--style", "waves") == 2
    assert "dog-waves.png" in files() and "cat-waves.png" not in files()
    assert paint("cat.png", "--style", "waves") == 2
    assert capsys.readouterr().err.endswith("impasto: 60x40 px do not fit into the memory\n")


def test_stopped_by_ctrl_c_what_is_done_is_kept_whole(monkeypatch: pytest.MonkeyPatch, capsys):
    real, before = paint_work.write_picture, files()

    def write(picture, path, **settings):
        if path.name == "dog-waves.png":
            raise KeyboardInterrupt
        real(picture, path, **settings)

    monkeypatch.setattr(paint_work, "write_picture", write)
    assert paint("cat.png", "dog.png", "--style", "waves") == 130
    assert files() == before | {"cat-waves.png"} and is_painted("cat-waves.png")
    assert capsys.readouterr().err == "impasto: stopped\n"


def test_bar_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys):
    assert paint("cat.png", "--style", "waves") == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert paint("cat.png", "dog.png", "--style", "waves") == 0
    captured = capsys.readouterr()
    assert "painting" in captured.err and "100%" in captured.err and captured.out.count("\n") == 2


def test_folders_of_a_folder_are_kept():
    for name in ("a/cat.png", "a/b/cat.png"):
        Path("photos", name).parent.mkdir(parents=True)
        write_picture(read_picture("cat.png"), Path("photos", name))
    assert paint("photos", "--style", "waves", "-o", "out/") == 0
    assert {str(path.relative_to("out")) for path in Path("out").rglob("*.png")} == {
        "a/cat-waves.png",
        "a/b/cat-waves.png",
    }


def test_what_an_earlier_run_painted_so_is_not_painted_again(capsys):
    words = ["cat.png", "dog.png", "--style", "waves", "-o", "out/"]
    assert paint(*words) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    capsys.readouterr()
    assert paint(*words) == 0
    assert capsys.readouterr().out == "2 of 2 were there already, painted with the same options\n"
    assert {path: path.stat().st_mtime_ns for path in Path("out").iterdir()} == before
    write_picture(read_picture("narrow.png").resized(60, 40), "cat.png")  # another photo of that name
    assert paint(*words) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 of 2 were there already")
    assert paint(*words, "--strength", "0.5") == 0
    assert is_painted("out/cat-waves.png", strength=0.5) and is_painted("out/dog-waves.png", "dog.png", 0.5)


def test_how_a_large_picture_will_be_painted_is_said_first(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(paint_work, "SAID_FROM_BYTES", 0)
    assert paint("cat.png", "--style", "waves", "--size", "90") == 0
    said = "cat-waves.png: 90x60 px, strokes painted at 60x40 px, detail at 120x80 px, in about 0.6 GB\n"
    assert capsys.readouterr().err == said


def test_options_are_those_of_the_engine():
    parsed = build_parser().parse_args(["a", "--style", "b"])
    assert PaintOptions(**{name: parsed[name] for name in PaintOptions.__dataclass_fields__}) == PaintOptions()


def test_paints_without_torch():
    code = (
        "import sys; from impasto.main import main\n"
        "assert main(['paint', 'cat.png', '--style', 'waves.onnx', '--color', 'photo']) == 0\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    write_toy_style(Path("waves.onnx"))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "cat-waves.png" in files() and "onnxruntime" in result.stdout.split()
    assert not {"torch", "torchvision", "pytorch_lightning", "onnx", "gradio"} & set(result.stdout.split())
