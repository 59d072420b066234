"""`impasto upscale`, and `--upscale` of `impasto paint`, as people use them."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from sample_pictures import camera_exif
from toy_style import write_toy_style

from impasto.main import main
from models import catalog
from nst_core import picture as picture_module
from nst_core.memory import PeakMemory
from nst_core.picture import Picture, read_picture, read_settings, write_picture
from studio.upscale import waifu2x
from studio.upscale.enlarge import Enlarger

LANCZOS = ("--method", "lanczos")
runs_here = pytest.mark.skipif(bool(waifu2x.why_not()), reason=waifu2x.why_not() or "it runs")


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder with two pictures, and one that is none; the style `waves`."""
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    write_toy_style(tmp_path / "shipped" / "waves.onnx")
    folder = tmp_path / "work"
    (folder / "pictures" / "more").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for top, name in enumerate(("cat.png", "pictures/dog.png", "pictures/more/fox.png")):
        write_picture(Picture(np.ascontiguousarray(skimage.data.coffee()[top * 50 : top * 50 + 40, :60])), name)
    Path("empty.png").touch()
    return folder


def upscale(*words: str) -> int:
    return main(["upscale", *words])


def paint(*words: str) -> int:
    return main(["paint", *words, "--style", "waves"])


def files(folder: Path | str = ".") -> set[str]:
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}


def settings(path: str) -> dict[str, Any]:
    return dict(read_settings(path).settings or {})


def without_waifu2x(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waifu2x, "why_not", lambda: "it is not installed; run: pip install '.[upscale]'")


def count_work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the pictures that are enlarged from now on."""
    done, real = [], Enlarger.enlarge

    def enlarge(self: Enlarger, picture: Picture, *more: Any) -> Picture:
        done.append(picture.name)
        return real(self, picture, *more)

    monkeypatch.setattr(Enlarger, "enlarge", enlarge)
    return done


def test_enlarges_into_the_current_folder_and_says_so(capsys: pytest.CaptureFixture[str]):
    before = files()
    assert upscale("cat.png", *LANCZOS) == 0
    assert files() == before | {"cat-x2.png"}
    wanted = read_picture("cat.png").resized(120, 80)
    assert np.array_equal(read_picture("cat-x2.png").pixels, wanted.pixels)
    captured = capsys.readouterr()
    assert captured.out.startswith("cat-x2.png: 120x80 px, ") and captured.out.count("\n") == 1
    assert captured.err == ""


@runs_here
def test_waifu2x_is_the_default():
    assert upscale("cat.png", "--factor", "4", "-o", "large.png") == 0
    assert (read_picture("large.png").width, read_picture("large.png").height) == (240, 160)
    made = settings("large.png")["upscale"]
    assert (made["method"], made["model"], made["noise"], made["factor"]) == ("waifu2x", "upconv_7_photo", 1, 4)


def test_without_waifu2x_lanczos_does_it_and_one_line_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    without_waifu2x(monkeypatch)
    assert upscale("cat.png", "pictures", "-o", "large/") == 0
    said = capsys.readouterr().err
    assert said == (
        "impasto: enlarging by Lanczos only, as Waifu2x cannot be used: "
        "it is not installed; run: pip install '.[upscale]'\n"
    )
    assert settings("large/cat-x2.png")["upscale"]["method"] == "lanczos"
    assert upscale("cat.png", "--method", "waifu2x") == 2
    assert "Waifu2x cannot be used: it is not installed; run: pip" in capsys.readouterr().err


def test_settings_and_exif_of_the_picture_are_kept_and_how_it_was_enlarged_is_added():
    assert paint("cat.png", "--strength", "0.5") == 0
    before = settings("cat-waves.png")
    assert upscale("cat-waves.png", *LANCZOS) == 0
    after = settings("cat-waves-x2.png")
    made = after.pop("upscale")
    assert after == before
    assert made.pop("seconds") >= 0
    assert made == {
        "picture": {"file": "cat-waves.png", "sha256": read_picture("cat-waves.png").sha256},
        "factor": 2,
        "method": "lanczos",
    }
    assert upscale("cat-waves-x2.png", *LANCZOS) == 0
    assert settings("cat-waves-x2-x2.png")["upscale"]["earlier"]["picture"] == made["picture"]

    Image.fromarray(read_picture("cat.png").pixels).save("camera.jpg", exif=camera_exif())
    assert upscale("camera.jpg", *LANCZOS) == 0
    assert settings("camera-x2.png")["command"] == "upscale"
    assert "impasto" in settings("camera-x2.png")["versions"]
    with Image.open("camera-x2.png") as large:
        assert large.getexif()[0x010F] == "Camera & Co"


def test_of_a_painted_picture_the_command_that_paints_it_large_is_told(capsys: pytest.CaptureFixture[str]):
    words = ["--strength", "0.5", "--brush-size", "2", "--color", "photo"]
    assert paint("cat.png", "--size", "48", *words) == 0
    capsys.readouterr()
    assert upscale("cat-waves.png", "--factor", "4", *LANCZOS) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    command = "impasto paint cat.png --style waves --size 192 --strength 0.5 --brush-size 2.0 --color photo"
    assert told == f"to paint it as large instead: {command}"
    assert main([*command.split()[1:], "-o", "repainted.png"]) == 0
    assert read_picture("repainted.png").width == read_picture("cat-waves-x4.png").width


def test_a_picture_that_lies_about_itself_is_enlarged_all_the_same(capsys: pytest.CaptureFixture[str]):
    for number, lie in enumerate(({"photo": 3}, {"photo": {"file": "\x1b[31m"}, "style": {}, "options": {}})):
        write_picture(read_picture("cat.png"), f"{number}.png", settings={"command": "paint", **lie})
        assert upscale(f"{number}.png", *LANCZOS) == 0
        assert "\x1b" not in (said := capsys.readouterr().out) and said.startswith(f"{number}-x2.png")


def test_folders_are_kept_what_is_done_is_left_alone_and_what_is_broken_is_skipped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    done = count_work(monkeypatch)
    words = ["pictures", "cat.png", "empty.png", "-o", "large", *LANCZOS]
    assert upscale(*words) == 2
    assert files("large") == {"cat-x2.png", "dog-x2.png", "more/fox-x2.png"}
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("impasto: empty.png ") and said[0].endswith("; skipped")
    assert said[1:] == ["impasto: 1 of 4 pictures could not be enlarged"]
    assert sorted(done) == ["cat.png", "dog.png", "fox.png"]

    done.clear()
    write_picture(Picture(read_picture("cat.png").pixels[::-1].copy()), "cat.png")
    Path("large/dog-x2.png").write_bytes(Path("large/dog-x2.png").read_bytes()[:100])
    assert upscale(*words) == 2
    assert "1 of 4 were there already, enlarged with the same options" in capsys.readouterr().out
    assert sorted(done) == ["cat.png", "dog.png"]


@runs_here
def test_other_options_are_other_results(capsys: pytest.CaptureFixture[str]):
    said = []
    for words in (["--noise", "1"], [], ["--noise", "3"], [*LANCZOS]):
        assert upscale("pictures", "-o", "large", *words) == 0
        said.append("2 of 2 were there already" in capsys.readouterr().out)
    assert said == [False, True, False, False]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cat.png", "--factor", "3"], "argument --factor: invalid choice: 3"),
        (["cat.png", "--method", "nearest"], "--method must be auto, waifu2x, lanczos or a model file, not nearest"),
        (["cat.png", "--method", "none.safetensors"], "none.safetensors does not exist"),
        (["cat.png", "--method", "cat.png"], "cat.png is no file of weights alone"),
        (["cat.png", "--noise", "4"], "--noise must be a whole number from 0 to 3, not 4"),
        (["cat.png", "--noise", "1", *LANCZOS], "--noise is for Waifu2x"),
        (["cat.png", "--memory-limit", "much"], "--memory-limit must be a size"),
        (["cat.png", "--memory-limit", "1MB", *LANCZOS], "raise --memory-limit"),
        (["bird.png"], "bird.png does not exist"),
        (["empty.png", *LANCZOS], "empty.png"),
        (["cat.png", "-o", "cat.png", *LANCZOS], "cat.png would overwrite cat.png"),
        (["cat.png", "-o", "large.psd", *LANCZOS], "end the name in"),
        (["cat.png", "pictures", "-o", "large.png"], "-o large.png names one picture; for 3 pictures name a folder"),
        (["cat.png", "-o", "empty.png/large.png", *LANCZOS], "is a file, not a folder"),
    ],
)
def test_wrong_input_is_one_clear_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    before = files()
    assert upscale(*words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("impasto: ")
    assert files() == before


def test_a_full_disk_ends_the_run_in_one_line_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(picture_module, "encode", full)
    assert upscale("pictures", "cat.png", "-o", "large", *LANCZOS) == 2
    said = capsys.readouterr().err
    assert "the disk is full" in said and said.count("\n") == 1
    assert files("large") == set()


@runs_here
def test_sixteen_bits_become_eight_by_waifu2x_and_it_is_said(capsys: pytest.CaptureFixture[str]):
    write_picture(read_picture("cat.png").with_bits(16), "deep.tif")
    assert upscale("deep.tif") == upscale("deep.tif", *LANCZOS, "-o", "lanczos.tif") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("deep-x2.png: 120x80 px, 8 bits, as Waifu2x knows no more, ")
    assert second.startswith("lanczos.tif: 120x80 px, ") and "bits" not in second
    assert read_picture("deep-x2.png").bit_depth == 8 and read_picture("lanczos.tif").bit_depth == 16


@runs_here
def test_memory_stays_over_a_batch(monkeypatch: pytest.MonkeyPatch):
    for number in range(10):
        write_picture(
            Picture(np.ascontiguousarray(skimage.data.coffee()[number : number + 100, :150])), f"many/{number}.png"
        )
    peaks, real = [], Enlarger.enlarge

    def enlarge(self: Enlarger, *arguments: Any) -> Picture:
        with PeakMemory() as peak:
            large = real(self, *arguments)
        peaks.append(peak.bytes)
        return large

    monkeypatch.setattr(Enlarger, "enlarge", enlarge)
    with PeakMemory() as whole:
        assert upscale("many", "-o", "large") == 0
    assert len(peaks) == 10
    assert max(peaks) < 30_000_000 and whole.bytes < 60_000_000  # a result is 0.2 MB


@runs_here
@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_is_one_line_and_leaves_nothing_half_done():
    write_picture(Picture(np.ascontiguousarray(np.tile(skimage.data.coffee(), (4, 4, 1)))), "zoo.png")
    command = [sys.executable, "-m", "impasto.main", "upscale", "pictures", "zoo.png", "-o", "out"]
    root = str(Path(__file__).parents[1])
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": root})
    until = time.monotonic() + 180
    while not Path("out/more/fox-x2.png").exists():
        assert process.poll() is None and time.monotonic() < until, process.communicate()[1]
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and said.strip() == "impasto: stopped"
    assert "zoo-x2.png" not in files("out") and not [name for name in files("out") if ".impasto" in name]


def test_paint_enlarges_what_it_painted_and_says_both(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    without_waifu2x(monkeypatch)
    assert paint("cat.png", "--size", "48", "-o", "plain.png") == 0
    capsys.readouterr()
    assert paint("cat.png", "--size", "48", "--upscale", "4") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("cat-waves.png: 192x128 px, ")
    assert captured.err.startswith("impasto: enlarging by Lanczos only") and captured.err.count("\n") == 1
    wanted = read_picture("plain.png").resized(192, 128)
    assert np.array_equal(read_picture("cat-waves.png").pixels, wanted.pixels)
    made = settings("cat-waves.png")
    assert made["upscale"] == {"factor": 4, "method": "lanczos"}
    assert made["command"] == "paint" and made["options"]["size"] == 48
    assert "upscale" not in settings("plain.png")


def test_paint_leaves_alone_only_what_was_enlarged_in_the_same_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    without_waifu2x(monkeypatch)
    said = []
    for more in ([], ["--upscale", "2"], ["--upscale", "2"], ["--upscale", "4"], []):
        assert paint("cat.png", "pictures", "-o", "painted", *more) == 0
        said.append("3 of 3 were there already" in capsys.readouterr().out)
    assert said == [False, False, True, False, False]


def test_paint_cannot_give_sixteen_bits_by_waifu2x(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waifu2x, "why_not", str)
    assert paint("cat.png", "--bits", "16", "--upscale", "2") == 2
    assert "--upscale gives 8 bits a channel, as Waifu2x does" in capsys.readouterr().err
    without_waifu2x(monkeypatch)
    assert paint("cat.png", "--bits", "16", "--upscale", "2", "-o", "deep.png") == 0
    assert read_picture("deep.png").bit_depth == 16


@pytest.mark.parametrize("factor", ["3", "two"])
def test_paint_refuses_other_factors(factor: str, capsys: pytest.CaptureFixture[str]):
    assert paint("cat.png", "--upscale", factor) == 2
    assert "--upscale" in capsys.readouterr().err
