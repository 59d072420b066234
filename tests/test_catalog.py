"""What styles there are; and metadata read from files as broken as files can be."""

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import onnx
import pytest
from toy_style import toy_card, write_model, write_toy_style

from models import catalog
from models.card import METADATA_KEY
from models.catalog import find_style, read_style, styles, survey, thumbnail_path, user_folder
from models.onnx_metadata import MAX_METADATA_BYTES, read_metadata
from models.protobuf import MAX_FIELDS
from nst_core.errors import ModelError

GRAPH = b"\x3a\x00"
"""Field 7, a message of 0 bytes."""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Empty folders of shipped styles and of the user's own."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    monkeypatch.setattr(catalog, "shipped_folder", lambda: shipped)
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(own))
    return shipped, own


@pytest.fixture(scope="module")
def toy_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("toy") / "toy.onnx"
    write_toy_style(path, 2)
    return path.read_bytes()


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def block(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


@pytest.mark.parametrize("module", ["models.card", "models.catalog", "models.onnx_metadata"])
def test_import_leaves_torch_and_onnx_out(module: str):
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "models" in result.stdout.split()
    assert not {"torch", "onnx", "onnxruntime"} & set(result.stdout.split())


def test_metadata_are_those_that_onnx_wrote(tmp_path: Path):
    written = {METADATA_KEY: '{"title": "夜"}' * 5000, "author": "", "": "nameless"}
    write_model(tmp_path / "a.onnx", 1, written)
    assert read_metadata(tmp_path / "a.onnx") == written
    model = onnx.load(tmp_path / "a.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "b.onnx")
    assert read_metadata(tmp_path / "b.onnx") == {}


def test_fields_of_any_kind_and_order_are_passed_over(tmp_path: Path):
    entry = block(2, b"value") + varint(9 << 3) + varint(7) + block(1, b"key")
    fixed = varint(30 << 3 | 5) + bytes(4) + varint(31 << 3 | 1) + bytes(8)
    content = varint(1 << 3) + varint(2**63) + block(14, entry) + fixed + block(14, b"") + GRAPH
    (tmp_path / "a.onnx").write_bytes(content)
    assert read_metadata(tmp_path / "a.onnx") == {"key": "value", "": ""}


def test_graph_of_gigabytes_is_not_read(tmp_path: Path):
    path = tmp_path / "a.onnx"
    with path.open("wb") as file:
        file.write(varint(7 << 3 | 2) + varint(3 << 30))
        file.seek(3 << 30, os.SEEK_CUR)  # a hole, which takes no room on the disk
        file.write(block(14, block(1, b"key") + block(2, b"value")))
    tracemalloc.start()
    assert read_metadata(path) == {"key": "value"}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it has no graph"),
        (block(14, b""), "it has no graph"),
        (b"\x3a", "cut short"),
        (b"\x3a\x01", "cut short"),
        (GRAPH + b"\x08", "cut short"),
        (GRAPH + b"\xf5\x01\x00", "cut short"),
        (GRAPH + b"\x02\x00", "field 0 of type 2"),
        (GRAPH + b"\x0b", "field 1 of type 3"),
        (GRAPH + b"\xff" * 11, "a number is longer than 64 bits"),
        (GRAPH + block(14, b"\x0a\x05abc"), "cut short"),
        (GRAPH + block(14, block(1, b"\xff")), "utf-8"),
        (GRAPH * (MAX_FIELDS + 1), f"more than {MAX_FIELDS} fields"),
        (
            GRAPH + varint(14 << 3 | 2) + varint(MAX_METADATA_BYTES + 1) + bytes(MAX_METADATA_BYTES + 1),
            "more than 16 MB",
        ),
        (b"PK\x03\x04 a zip file", "cut short|field"),
        (b"version https://git-lfs.github.com/spec/v1\n", "cut short|field"),
    ],
)
def test_broken_file_is_named_with_the_reason(tmp_path: Path, content: bytes, reason: str):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"broken\.onnx is not a whole ONNX model \(.*({reason})"):
        read_metadata(path)


def test_what_is_no_file_is_said(tmp_path: Path):
    with pytest.raises(ModelError, match=r"nope\.onnx does not exist"):
        read_metadata(tmp_path / "nope.onnx")
    with pytest.raises(ModelError, match="is not a file"):
        read_metadata(tmp_path)
    with pytest.raises(ModelError, match="not a whole ONNX model"):
        read_metadata(Path("a\0.onnx"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.onnx")
        with pytest.raises(ModelError, match="is not a file"):
            read_metadata(tmp_path / "pipe.onnx")
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be read: Not a directory"):
        read_metadata(tmp_path / "file" / "a.onnx")


def test_no_part_of_a_style_passes_for_the_whole(tmp_path: Path, toy_bytes: bytes):
    """The card may be whole in a part that lacks only what follows it, and no other."""
    path = tmp_path / "part.onnx"
    whole = toy_card("toy", 2)
    for size in range(len(toy_bytes)):
        path.write_bytes(toy_bytes[:size])
        try:
            card = read_style(path).card
        except ModelError as error:
            assert str(error).startswith(str(path))
        else:
            assert card == whole and size > len(whole.to_json())


@hypothesis.given(st.binary(max_size=200))
def test_any_bytes_are_metadata_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(GRAPH + content)
    try:
        found = read_metadata(path)
    except ModelError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(text, str) for pair in found.items() for text in pair)


def test_a_style_with_flipped_bits_is_a_style_or_refused(tmp_path: Path, toy_bytes: bytes):
    path = tmp_path / "flipped.onnx"
    choose = random.Random(0)
    refused = 0
    for _ in range(500):
        flipped = bytearray(toy_bytes)
        for _ in range(choose.choice((1, 8, 64))):
            flipped[choose.randrange(len(flipped))] ^= 1 << choose.randrange(8)
        path.write_bytes(flipped)
        try:
            card = read_style(path).card
        except ModelError as error:
            refused += 1
            assert str(error).startswith(str(path))
        else:
            assert card.paintings
    assert refused > 250


def test_styles_are_sorted_and_the_users_own_go_first(folders: tuple[Path, Path]):
    shipped, own = folders
    assert styles() == []
    for path in (shipped / "udnie.onnx", shipped / "scream.onnx", own / "udnie.onnx", own / "a.onnx"):
        write_toy_style(path)
    assert [(style.name, style.path) for style in styles()] == [
        ("a", own / "a.onnx"),
        ("scream", shipped / "scream.onnx"),
        ("udnie", own / "udnie.onnx"),
    ]
    assert find_style("udnie").path == own / "udnie.onnx"
    assert find_style("scream").path == shipped / "scream.onnx"


def test_broken_and_unfinished_files_are_left_out(folders: tuple[Path, Path], caplog: pytest.LogCaptureFixture):
    shipped, own = folders
    write_toy_style(shipped / "good.onnx")
    (shipped / ".impasto-1a2b.onnx").write_bytes((shipped / "good.onnx").read_bytes())
    own.mkdir()
    (own / "good.onnx").write_bytes(b"no model")
    write_model(own / "plain.onnx", 1, {})
    write_model(own / "newer.onnx", 1, {METADATA_KEY: '{"format": 9}'})
    (own / "notes.txt").touch()
    assert [(style.name, style.path.parent) for style in styles()] == [("good", shipped)]
    said = sorted(record.message for record in caplog.records)
    assert len(said) == 3 and all(message.endswith("(left out)") for message in said)
    found = survey()
    assert found.styles == styles()
    assert sorted((broken.path.name, f"{broken.reason} (left out)") for broken in found.broken) == [
        (name, text) for name, text in zip(("good.onnx", "newer.onnx", "plain.onnx"), said, strict=True)
    ]
    assert "good.onnx is not a whole ONNX model" in said[0]
    assert "newer.onnx: the card has format 9" in said[1]
    assert "plain.onnx is no style: it has no card" in said[2]


def test_thumbnails_are_of_styles_that_ship(folders: tuple[Path, Path]):
    shipped, own = folders
    for name in ("a", "b"):
        write_toy_style(shipped / f"{name}.onnx")
    write_toy_style(own / "b.onnx")
    (shipped / "samples").mkdir()
    for name in ("a", "b"):
        (shipped / "samples" / f"{name}.png").touch()
    assert [thumbnail_path(style) for style in styles()] == [shipped / "samples" / "a.png", None]


def test_style_by_the_path_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_toy_style(tmp_path / "here" / "my.waves.onnx")
    monkeypatch.chdir(tmp_path / "here")
    assert find_style("my.waves.onnx").name == find_style(tmp_path / "here" / "my.waves.onnx").name == "my.waves"
    for path in ("nope.onnx", "here/nope"):
        with pytest.raises(ModelError, match="does not exist"):
            find_style(path)


def test_unknown_style_comes_with_the_closest_names(folders: tuple[Path, Path]):
    for name in ("starry_night", "starry_knight", "udnie"):
        write_toy_style(folders[0] / f"{name}.onnx")
    with pytest.raises(ModelError) as refused:
        find_style("stary_night")
    assert str(refused.value) == (
        "there is no style 'stary_night'; did you mean starry_night or starry_knight? see impasto styles"
    )
    with pytest.raises(ModelError, match="there is no style 'xyz'; see impasto styles"):
        find_style("xyz")


def test_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert user_folder() == tmp_path / "own"
    monkeypatch.delenv("IMPASTO_STYLES_DIR")
    assert user_folder().parts[-2:] == ("impasto", "styles")
