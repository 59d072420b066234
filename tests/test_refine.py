"""The optimizer and the fast networks together: a style's painting, its fast picture as a draft, finer strokes."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_style import painting_card, toy_card, write_toy_style

from impasto import refine
from impasto.main import main
from models import catalog
from models.card import LAYERS, pack_gram
from models.catalog import find_style
from nst_core.evaluate import Yardstick
from nst_core.features import load_network
from nst_core.losses import gram_matrix
from nst_core.picture import read_picture
from nst_core.sources import Sources, Style
from nst_core.tensor import to_tensor
from serve.engine import Engine
from serve.paint_options import PaintOptions

SIZE = ["--size", "96", "--iterations", "6"]


@pytest.fixture(autouse=True)
def styles(painting_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the styles: `sky` knows waves.png, `pair` that and night.png, both at 96 pixels."""
    folder = tmp_path / "styles"
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(folder))
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    write_style(folder / "sky.onnx", ["waves.png"])
    write_style(folder / "pair.onnx", ["waves.png", "night.png"])
    return folder


def write_style(path: Path, paintings: Sequence[str]) -> None:
    """A toy style whose card holds the statistics of real paintings."""
    network = load_network("compact")
    cards = []
    for name in paintings:
        features = network.features(to_tensor(read_picture(name)), LAYERS)
        gram = {layer: pack_gram(gram_matrix(f)[0].numpy()) for layer, f in features.items()}
        cards.append(replace(painting_card(Path(name).stem), gram=gram))
    losses = {"content": 1.0, "tv": 0.5} | {f"style.{layer}": 1.0 for layer in LAYERS}
    card = replace(toy_card(path.stem, size_px=96, losses=losses), paintings=tuple(cards))
    write_toy_style(path, len(cards), card)


def optimize(*words: str) -> int:
    return main(["optimize", *SIZE, *words])


def paint(*words: str) -> int:
    return main(["paint", *words])


def pixels(path: str | Path) -> np.ndarray:
    return read_picture(path).pixels.astype(int)


def settings(path: str) -> Any:
    return read_picture(path).settings


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fast(name: str, options: PaintOptions = PaintOptions()) -> np.ndarray:
    return Engine().stylize(read_picture("cat.png"), find_style(name), options).pixels.astype(int)


def loss(path: str, style: str, shares: Sequence[float] = (1.0,)) -> float:
    """Of a picture of the cat, by the loss that the style was trained to."""
    card = find_style(style).card
    sources = Sources(read_picture("cat.png"), (Style(card.painting(shares)),))
    return Yardstick(sources, card.gatys_options(), load_network("compact")).losses(read_picture(path)).total


def test_a_styles_name_is_its_painting(styles: Path, capsys):
    assert optimize("cat.png", "--style", "sky", "-o", "named.png") == 0
    assert "times as large" not in capsys.readouterr().out
    assert optimize("cat.png", "--style", "waves.png", "--start", "cat.png", "-o", "pictured.png") == 0
    apart, painted = (np.abs(pixels("named.png") - pixels(name)).mean() for name in ("pictured.png", "cat.png"))
    assert apart < 0.1 * painted and painted > 2
    (painting,) = settings("named.png")["paintings"]
    assert painting == {"file": "sky.onnx", "sha256": digest(styles / "sky.onnx"), "share": 1.0, "mask": None}


def test_shares_and_palettes_of_styles_are_mixed(styles: Path):
    assert optimize("cat.png", "--style", "pair", "-o", "pair.png") == 0
    assert (
        optimize("cat.png", "--style", "sky:0.3", "--style", "night.png:0.7", "--start", "cat.png", "-o", "b.png") == 0
    )
    assert (
        loss("pair.png", "pair", (0.5, 0.5)) < loss("b.png", "pair", (0.5, 0.5)) < loss("cat.png", "pair", (0.5, 0.5))
    )
    assert [p["share"] for p in settings("b.png")["paintings"]] == [0.3, 0.7]


def test_a_file_goes_before_a_style_of_its_name():
    shutil.copy("night.png", "sky")
    assert optimize("cat.png", "--style", "sky", "-o", "out.png") == 0
    assert settings("out.png")["paintings"][0] == {
        "file": "sky",
        "sha256": digest(Path("night.png")),
        "share": 1.0,
        "mask": None,
    }


def test_strokes_of_another_size_are_said(capsys):
    assert optimize("cat.png", "--style", "sky", "-o", "out.png", "--size", "48", "--iterations", "1") == 0
    said = "sky is known as it is at 96 px: its strokes come out 2 times as large; its painting's file keeps their size"
    assert said in capsys.readouterr().out.splitlines()


def test_the_fast_picture_is_what_is_started_from(styles: Path):
    assert optimize("cat.png", "--from-style", "sky", "-o", "draft.png", "--iterations", "1") == 0
    np.testing.assert_array_equal(pixels("draft.png"), fast("sky"))
    assert settings("draft.png")["start_picture"] == {"file": "sky.onnx", "sha256": digest(styles / "sky.onnx")}
    assert optimize("cat.png", "--from-style", "sky", "-o", "better.png") == 0
    assert loss("better.png", "sky") < 0.9 * loss("draft.png", "sky")
    assert optimize("cat.png", "--from-style", "sky", "--style", "night.png", "-o", "night.png.png") == 0
    assert [p["file"] for p in settings("night.png.png")["paintings"]] == ["night.png"]


def test_only_inside_a_mask_the_fast_picture_changes():
    words = ["cat.png", "--from-style", "sky", "--only", "right.png"]
    assert optimize(*words, "-o", "out.png") == 0
    changed = pixels("out.png") != fast("sky")
    assert not changed[:, :48].any() and changed[:, 48:].mean() > 0.5
    assert settings("out.png")["only"] == {"file": "right.png", "sha256": digest(Path("right.png"))}


def test_a_style_changed_since_is_noticed_by_resume(styles: Path, capsys):
    words = ["cat.png", "--from-style", "sky", "-o", "out.png", "--resume"]
    for _ in range(2):
        assert optimize(*words) == 0
    assert "out.png is done already" in capsys.readouterr().out
    write_style(styles / "sky.onnx", ["night.png"])
    assert optimize(*words) == 0
    assert "is done already" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--style", "sk"], "sk does not exist, and there is no style 'sk'; did you mean sky? see impasto styles"),
        (["--style", "nope.onnx"], "nope.onnx does not exist"),
        (["--style", "more/sky"], "more/sky does not exist; check the name"),
        (["--from-style", "sk"], "there is no style 'sk'; did you mean sky?"),
        (["--from-style", "sky", "--start", "noise"], "--from-style and --start each say what to start from"),
        (["--style", "sky", "--brush-size", "2"], "brush_size=2 needs the painting itself, and the card of sky"),
        (["--style", "sky", "--color", "photo"], "color=photo needs the painting itself"),
        (["--style", "sky", "--only", "right.png"], "needs one: --from-style NAME, or --start FILE"),
        (["--from-style", "sky", "--only", "empty.png"], "empty.png is empty"),
        (["--from-style", "sky", "--only", "out.png"], "out.png would overwrite out.png, which is read"),
    ],
)
def test_what_makes_no_sense_to_optimize_is_one_line(words: list[str], message: str, capsys):
    assert optimize("cat.png", *words, "-o", "out.png") == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("impasto: ") and error.count("\n") == 1
    assert not Path("out.png").exists()


@pytest.mark.parametrize(("style", "weights"), [("sky", ()), ("pair", (1, 3))])
def test_paint_refines_the_strokes(style: str, weights: tuple[float, ...]):
    shares = tuple(weight / sum(weights) for weight in weights) or (1.0,)
    words = ["cat.png", "--style", style, *(["--weights", ",".join(map(str, weights))] if weights else [])]
    losses = []
    for count in (0, 4, 12):
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
