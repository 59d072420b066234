"""The contact sheets of a sweep."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.sweep.choice import Proof
from studio.sweep.contact import Contact
from studio.sweep.sheets import Cell, Sheet, write_pages


def test_of_very_many_sheets_the_best_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("studio.sweep.contact.MOST_PAGES", 5)
    proofs = [
        Proof(f"proofs/p{photo}-s{style}.png", f"/p{photo}.jpg", f"/s{style}", (photo + style / 10) / 50, f"s{style}")
        for photo in range(40)
        for style in range(3)
    ]
    sheets = Contact(tmp_path, proofs, {"proofs/p7-s0.png": "starred"}).sheets()
    assert [sheet.name for sheet in sheets] == ["style-s0", "style-s2", "style-s1", "photo-p7", "photo-p39"]
    assert all(len(sheet.pages()) == 1 for sheet in sheets)
    assert sheets[0].title == "s0: the best 36 of 40" and sheets[3].title == "p7.jpg: the best 3 of 3"
    assert {cell.label for cell in sheets[1].cells} == {f"p{photo}" for photo in range(4, 40)}
    assert "p7 ★" in {cell.label for cell in sheets[0].cells}


def test_sheets_are_cut_into_pages_that_can_be_read(tmp_path: Path):
    paths = []
    for number, size in enumerate([(300, 200), (200, 300)]):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", size, (200, 30 * number, 0)).save(paths[-1])
    cells = [Cell(f"style {i}", paths[i % 2]) for i in range(99)] + [Cell("lost", tmp_path / "lost.png")]
    found = {page.name: page.drawn() for page in Sheet("photo-cat", "cat.jpg: 100 proofs", cells).pages()}
    assert list(found) == ["photo-cat-1", "photo-cat-2", "photo-cat-3"]
    assert all(page.width == 1634 and page.height < 2000 for page in found.values())
    reds = [int((np.asarray(page)[..., :2] == (200, 0)).all(2).sum()) for page in found.values()]
    assert reds[0] == 17 * 256 * 171  # half of 34, each as wide as its cell
    (one,) = Sheet("style-sun", "sun: 1 photo", cells[:1]).pages()
    assert one.name == "style-sun" and one.drawn().width < 900


def test_a_sheet_that_has_not_changed_is_left_and_one_that_is_no_more_goes(tmp_path: Path):
    for number in range(2):
        Image.new("RGB", (30, 20), (200, 30 * number, 0)).save(tmp_path / f"{number}.png")
    folder = tmp_path / "sheets"

    def write(*sheets: Sheet) -> dict[str, int]:
        list(write_pages(folder, [page for sheet in sheets for page in sheet.pages()]))
        return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    sheets = [Sheet(str(i), "title", [Cell("sun", tmp_path / f"{i}.png")]) for i in range(2)]
    first = write(*sheets)
    assert write(*sheets) == first and list(first) == ["0.png", "1.png"]
    Image.new("RGB", (30, 20)).save(tmp_path / "0.png")
    second = write(*sheets)
    assert second["0.png"] > first["0.png"] and second["1.png"] == first["1.png"]
    marked = dataclasses.replace(sheets[0], cells=[dataclasses.replace(sheets[0].cells[0], label="sun ★")])
    third = write(marked)
    assert list(third) == ["0.png"] and third["0.png"] > second["0.png"]
