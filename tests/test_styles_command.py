"""`impasto styles`: the list, a card in full, and both as JSON."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from toy_style import painting_card, toy_card, write_toy_style

from impasto.main import main
from models import catalog


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of styles, not there yet, and none that ship."""
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "own"))
    return tmp_path / "own"


def rows(output: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.splitlines()]


def test_list_tells_of_each_style_in_a_line(own: Path, capsys):
    write_toy_style(own / "udnie.onnx", 1, toy_card("udnie", title="Udnie [Young American Girl]"))
    painters = (replace(painting_card("a"), artist="H. Hilma"), painting_card("b"), painting_card("c"))
    palette = toy_card("six", network="swift", seconds=1234.4, figures={"judge": {"mean": 0.75}})
    write_toy_style(own / "six.onnx", 3, replace(palette, paintings=painters))
    write_toy_style(own / "fresh.onnx", 1, toy_card("fresh", figures={}))
    assert main(["styles"]) == 0
    assert rows(capsys.readouterr().out) == [
        ["name", "title", "artist", "license", "network", "file", "trained", "J"],
        ["fresh", "Fresh", "A. Painter", "public domain", "toy", "0.0 MB", "64 s"],
        ["six", "Six", "H. Hilma, A. Painter", "public domain", "swift", "0.0 MB", "1234 s", "0.75"],
        ["udnie", "Udnie [Young American Girl]", "A. Painter", "public domain", "toy", "0.0 MB", "64 s", "0.81"],
    ]


def test_size_of_the_file_is_told(own: Path, capsys):
    write_toy_style(own / "udnie.onnx")
    with (own / "udnie.onnx").open("ab") as file:  # a text field that no one knows, 1.9 MB long
        file.write(b"\xf2\x07\xe0\xfb\x73" + bytes(1_900_000))
    assert main(["styles"]) == 0
    assert "1.9 MB" in capsys.readouterr().out


def test_card_is_told_in_full_without_gram_data(own: Path, capsys):
    card = write_toy_style(own / "six.onnx", 2)
    assert main(["styles", "six"]) == 0
    output = capsys.readouterr().out
    lines = dict(line.split(maxsplit=1) for line in output.splitlines())
    told = {key: text.strip() for key, text in lines.items()}
    assert told["style"] == "six" and told["path"] == str(own / "six.onnx")
    assert told["paintings.2.title"] == card.paintings[1].title
    assert told["paintings.1.sha256"] == "ef" * 32
    assert told["paintings.1.gram"] == '["relu1_1", "relu2_1"]'
    assert told["network_options.blocks"] == "[1, 2]" and told["losses.style.relu1_1"] == "1.0"
    assert told["photos.count"] == "12" and told["provenance.commit"] == "null"
    assert told["figures.parity.512"] == "0.0001" and told["created"] == "2025-01-02"
    assert card.paintings[0].gram["relu2_1"] not in output


def test_json_of_one_and_of_all(own: Path, capsys):
    card = write_toy_style(own / "six.onnx", 2)
    write_toy_style(own / "udnie.onnx")
    assert main(["styles", str(own / "six.onnx"), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["style"] == "six" and about["bytes"] == (own / "six.onnx").stat().st_size
    kept = json.loads(card.to_json())
    for painting in kept["paintings"]:
        painting["gram"] = list(painting["gram"])
    assert {key: about[key] for key in kept} == kept
    assert main(["styles", "--json"]) == 0
    assert [entry["style"] for entry in json.loads(capsys.readouterr().out)] == ["six", "udnie"]


def test_none_yet_says_how_to_get_one(own: Path, capsys):
    assert main(["styles"]) == 0
    output = capsys.readouterr().out
    assert "impasto train PAINTING" in output and str(own) in output
    assert main(["styles", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_broken_style_is_said_and_the_others_are_listed(own: Path, capsys, caplog: pytest.LogCaptureFixture):
    write_toy_style(own / "udnie.onnx")
    (own / "broken.onnx").write_bytes((own / "udnie.onnx").read_bytes()[:-5])
    assert main(["styles"]) == 0
    assert [row[0] for row in rows(capsys.readouterr().out)] == ["name", "udnie"]
    assert "broken.onnx is not a whole ONNX model" in caplog.text
    assert main(["styles", "broken"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("impasto: ") and "broken.onnx is not a whole ONNX model" in error and error.count("\n") == 1


def test_unknown_name_is_one_line(own: Path, capsys):
    write_toy_style(own / "udnie.onnx")
    assert main(["styles", "udni"]) == 2
    assert capsys.readouterr().err == "impasto: there is no style 'udni'; did you mean udnie? see impasto styles\n"


def test_lists_without_torch_and_without_a_network_runtime(own: Path):
    write_toy_style(own / "udnie.onnx")
    code = (
        "import sys; from impasto.main import main\n"
        "assert main(['styles']) == 0\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "udnie" in result.stdout.split()
    assert not {"torch", "onnx", "onnxruntime", "gradio"} & set(result.stdout.split())
