"""`impasto paint --refine`: finer strokes, by the optimizer."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_styles import digest, fast, loss, pixels, settings

from impasto import refine
from impasto.main import main
from models.catalog import find_style
from nst_core.picture import read_picture
from serve.engine import Engine
from serve.paint_options import PaintOptions

pytest_plugins = ["known_styles_fixtures"]
pytestmark = pytest.mark.usefixtures("known_styles")


def paint(*words: str) -> int:
    return main(["paint", *words])


@pytest.mark.parametrize(("style", "weights"), [("sky", ()), ("pair", (1, 3))])
def test_paint_refines_the_strokes(style: str, weights: tuple[float, ...]):
    shares = tuple(weight / sum(weights) for weight in weights) or (1.0,)
    words = ["cat.png", "--style", style, *(["--weights", ",".join(map(str, weights))] if weights else [])]
    losses = []
    for count in (0, 10, 20):
        assert paint(*words, "--refine", str(count), "-o", f"{count}.png") == 0
        losses.append(loss(f"{count}.png", style, shares))
    assert losses == sorted(losses, reverse=True) and losses[2] < 0.9 * losses[0]
    assert "refinement" not in settings("0.png")


def test_refinement_is_of_the_strokes_at_any_size(capsys):
    words = ["cat.png", "--style", "sky", "--size", "192", "--refine", "12"]
    assert paint(*words, "-o", "large.png") == 0
    assert paint("cat.png", "--style", "sky", "--refine", "12", "-o", "small.png") == 0
    large = read_picture("large.png")
    assert (large.width, large.height) == (192, 128)
    plain = Engine().stylize(read_picture("cat.png"), find_style("sky"), PaintOptions(size=192))
    refined = large.resized(96, 64).as_float() - plain.resized(96, 64).as_float()
    wanted = read_picture("small.png").as_float() - fast("sky") / 255
    assert np.corrcoef(refined.ravel(), wanted.ravel())[0, 1] > 0.7


@pytest.mark.parametrize(("size", "edge"), [(96, 0), (192, 16)])
def test_outside_of_its_mask_the_fast_picture_stays(size: int, edge: int):
    words = ["cat.png", "--style", "sky", "--size", str(size), "--refine", "6", "--refine-mask", "right.png"]
    assert paint(*words, "-o", "out.png") == 0
    changed = pixels("out.png") != fast("sky", PaintOptions(size=size))
    assert not changed[:, : size // 2 - edge].any() and changed[:, size // 2 :].mean() > 0.5


def test_strength_is_the_optimizers_too():
    words = ["cat.png", "--style", "sky", "--refine", "8"]
    away = []
    for strength in ("0", "0.2", "1"):
        assert paint(*words, "--strength", strength, "-o", "out.png") == 0
        away.append(np.abs(pixels("out.png") - pixels("cat.png")).mean())
    assert away[0] == 0 < away[1] < away[2]


def test_how_it_was_refined_is_kept_and_what_is_done_is_left_alone(network_file: Path, capsys):
    words = ["cat.png", "dog.png", "--style", "sky", "-o", "out/", "--refine", "3"]
    assert paint(*words, "--refine-mask", "right.png") == 0
    assert settings("out/cat-sky.png")["refinement"] == {
        "iterations": 3,
        "mask": {"file": "right.png", "sha256": digest(Path("right.png"))},
        "loss_network": {"name": "compact", "sha256": digest(network_file)},
    }
    capsys.readouterr()
    assert paint(*words, "--refine-mask", "right.png") == 0
    assert capsys.readouterr().out == "2 of 2 were there already, painted with the same options\n"
    for others in (words, words[:-2]):  # without the mask, and then not refined at all
        assert paint(*others) == 0
        assert "were there already" not in capsys.readouterr().out


def test_progress_ends_a_refinement_when_asked_to_stop():
    done: list[float] = []

    def tell(share: float) -> None:
        done.append(share)
        if len(done) == 4:
            raise KeyboardInterrupt

    class Options:
        provider, memory_limit, refine, refine_mask = "cpu", 10**9, 6, None

    style = find_style("sky")
    options: Any = Options
    retouch = refine.open_refinement(options).retouch(style, PaintOptions())
    with pytest.raises(KeyboardInterrupt):
        Engine().stylize(read_picture("cat.png"), style, progress=tell, retouch=retouch)
    assert done == sorted(done) and 0 < done[0] < done[-1] < 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--refine", "-1"], "--refine must be a whole number from 0"),
        (["--refine-mask", "right.png"], "--refine-mask says where to refine; say how much, too: --refine N"),
        (["--refine", "2", "--refine-mask", "nope.png"], "nope.png does not exist"),
        (["--refine", "2", "--refine-mask", "empty.png"], "empty.png is empty"),
        (["--refine", "2", "--refine-mask", "out.png"], "out.png would overwrite out.png, which is read"),
    ],
)
def test_what_makes_no_sense_to_paint_is_one_line(words: list[str], message: str, capsys):
    assert paint("cat.png", "--style", "sky", *words, "-o", "out.png") == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("impasto: ") and error.count("\n") == 1
    assert not Path("out.png").exists()


def test_without_torch_it_is_said():
    code = (
        "import sys; from impasto.main import main; sys.modules['torch'] = None\n"
        "sys.exit(main(['paint', 'cat.png', '--style', 'sky', '--refine', '2', '-o', 'out.png']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "impasto: this needs torch; in the folder of Impasto, run: pip install '.[train]'\n"
