"""The commands with photos, paintings, styles and results in a store."""

from collections.abc import Callable
from pathlib import Path

import pytest
from learning import learn_here
from PIL import Image
from swept import enter, make_studio, painted, write_photo

from impasto.main import main
from models.catalog import find_style
from nst_core import fetch
from nst_core.picture import read_picture, read_settings
from train.cluster import engines

pytest_plugins = ["store_fixtures"]

Put = Callable[[str, bytes], str]
Held = Callable[[], dict[str, bytes]]
PAINT = ["--style", "sun", "--size", "64", "--provider", "cpu"]


@pytest.fixture(autouse=True)
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Put) -> Path:
    """Two photos on the disk and, one of them in a subfolder, in the bucket; a style on the disk and in the bucket."""
    enter(make_studio(tmp_path, photos=2, styles=1), monkeypatch)
    put("photos/photo0.png", Path("photos/photo0.png").read_bytes())
    put("photos/sub/photo1.png", Path("photos/photo1.png").read_bytes())
    put("styles/sun.onnx", Path("styles/sun.onnx").read_bytes())
    return tmp_path


def results(held: Held, folder: Path) -> dict:
    """Pixels and settings of what is in the bucket's `painted`, by name."""
    for name, content in held().items():
        if name.startswith("painted/"):
            path = folder / name.removeprefix("painted/").replace("/", "_")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    return painted(folder)


def test_photos_are_painted_from_a_store_into_it_as_on_the_disk(
    bucket: str, held: Held, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["paint", f"{bucket}/photos", *PAINT, "-o", f"{bucket}/painted"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert f"{bucket}/painted/photo0-sun.png: 64x43 px" in out
    assert f"{bucket}/painted/sub/photo1-sun.png: 64x43 px" in out
    assert main(["paint", "photos", *PAINT, "-o", "local/"]) == 0
    local = {name.replace("photo1", "sub_photo1"): found for name, found in painted(Path("local")).items()}
    assert results(held, tmp_path / "got") == local and len(local) == 2
    before = held()
    capsys.readouterr()
    assert main(words) == 0
    assert capsys.readouterr().out == "2 of 2 were there already, painted with the same options\n"
    assert held() == before


def test_one_photo_becomes_the_file_that_is_named(bucket: str, held: Held):
    assert main(["paint", f"{bucket}/photos/photo0.png", *PAINT, "-o", f"{bucket}/painted/mine.jpg"]) == 0
    assert held()["painted/mine.jpg"].startswith(b"\xff\xd8")


def test_a_style_is_named_by_its_url(bucket: str):
    words = ["paint", "photos/photo0.png", "--size", "64", "--provider", "cpu"]
    assert main([*words, "--style", f"{bucket}/styles/sun.onnx", "-o", "a.png"]) == 0
    assert main([*words, "--style", "sun", "-o", "b.png"]) == 0
    assert (read_picture("a.png").pixels == read_picture("b.png").pixels).all()
    settings = read_settings("a.png").settings or {}
    assert settings["photo"]["file"] == "photo0.png" and settings["style"]["name"] == "sun"


def test_no_photo_is_painted_over(bucket: str, held: Held, capsys: pytest.CaptureFixture[str]):
    before, url = held(), f"{bucket}/photos/photo0.png"
    assert main(["paint", url, *PAINT, "-o", url]) == 2
    assert capsys.readouterr().err == f"impasto: {url} would be overwritten, and is read; choose another -o\n"
    assert held() == before


def test_results_in_the_folder_of_the_photos_are_no_photos(bucket: str, held: Held):
    words = ["paint", f"{bucket}/photos", *PAINT, "-o", f"{bucket}/photos/painted"]
    assert main(words) == 0 and main(words) == 0
    names = [name for name in held() if name.startswith("photos/painted/")]
    assert names == ["photos/painted/photo0-sun.png", "photos/painted/sub/photo1-sun.png"]


def test_what_cannot_be_put_is_told_before_anything_is_painted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("impasto.paint.Painter", None)
    assert main(["paint", "photos", *PAINT, "-o", "s3://no-such-bucket/painted"]) == 2
    assert "there is no bucket no-such-bucket; check the name" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["upscale", "photos/photo0.png"],
        ["compare", "photos/photo0.png", "--style", "sun"],
        ["optimize", "photos/photo0.png", "--style", "photos/photo1.png"],
    ],
)
def test_other_commands_write_to_the_disk_only(
    words: list[str], bucket: str, held: Held, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    before = held()
    assert main([*words, "-o", f"{bucket}/there/a.png"]) == 2
    assert "only impasto paint, sweep and train write there" in capsys.readouterr().err
    assert held() == before
    assert not list(tmp_path.glob("s3:*"))


def test_photos_are_looked_at_and_optimized(bucket: str, capsys: pytest.CaptureFixture[str]):
    assert main(["advise", f"{bucket}/photos", "--as", "content", "--no-crops"]) == 0
    out = capsys.readouterr().out
    assert "photo0.png" in out and "photo1.png" in out
    words = ["optimize", f"{bucket}/photos/photo0.png", "--style", f"{bucket}/photos/sub/photo1.png:0.5"]
    assert main([*words, "--size", "64", "--iterations", "1", "-o", "a.png"]) == 0
    assert read_picture("a.png").width == 64


def test_a_painting_of_a_store_is_learned_into_it(
    bucket: str, put: Put, held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number, name in enumerate(["art/waves.png", "many/a.png", "many/b.png"]):
        write_photo(tmp_path / "small.png", number)
        image = Image.open(tmp_path / "small.png").resize((144, 96))
        image.save(tmp_path / "large.png")
        put(name, (tmp_path / "large.png").read_bytes())
    words = ["train", f"{bucket}/art", "--photos", f"{bucket}/many", "-o", f"{bucket}/learned", "--run", "run"]
    options = ["--steps", "2", "--batch-size", "1", "--crop-px", "64", "--size", "128", "--base", "none"]
    monkeypatch.setattr(engines, "learn_in_child", learn_here)
    assert main([*words, *options]) == 0
    names = [name for name in held() if name.startswith("learned/")]
    assert names == ["learned/waves.onnx"]
    monkeypatch.setenv("IMPASTO_STYLES_DIR", f"{bucket}/learned")
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(tmp_path / "of-another-machine"))
    style = find_style("waves")
    assert style.card.title == "Waves" and style.path.read_bytes() == held()["learned/waves.onnx"]
    assert main([*words[:-2], "--run", "other", *options, "-o", "s3://no-such-bucket/learned"]) == 2
    assert not Path("other").exists()  # found out before anything is learned


def test_a_file_of_a_web_server_is_read(file_server):
    path = fetch.fetch(file_server.url)
    assert (path.name, path.read_bytes()) == ("file.bin", file_server.content)
