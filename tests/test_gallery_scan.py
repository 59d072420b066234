"""What is found in a folder of renders: which files they are, what these say, and how they look."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery_folder import drawn, id_of, paint, scanned_wall
from PIL import Image

from nst_core.errors import ImageError
from nst_core.files import sha256
from nst_core.picture import write_picture
from studio.gallery.export import to_json
from studio.gallery.render import Scan
from studio.gallery.store import BATCH, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return scanned_wall(tmp_path / "sweep")


def test_a_render_is_what_its_file_says(store: Store) -> None:
    render = store.render(id_of(store, "photo0-style0.png"))
    assert (render.photo, render.style, render.command, render.kind) == ("photo0.jpg", "style0", "paint", "final")
    assert (render.size, render.rating, render.promise) == ((480, 320), "unrated", None)
    assert render.sha256 == sha256(store.folder / render.path)
    assert render.photo_sha256 == "p" * 64
    proof = store.render(id_of(store, "proofs/photo2-style3.png"))
    assert (proof.kind, proof.promise) == ("proof", 2.3)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".png"])
def test_settings_are_read_from_every_format_and_depth(tmp_path: Path, suffix: str) -> None:
    paint(tmp_path / f"cat-waves{suffix}")
    if suffix in (".tif", ".png"):
        paint(tmp_path / f"dog-waves{suffix}", drawn().with_bits(16))
    store = Store(tmp_path)
    assert store.scan().new == len(list(tmp_path.glob("*-*")))
    assert {render.style for render in store.renders()} == {"waves"}
    assert store.renders(photo="cat.jpg")[0].size == (96, 64)


def test_an_optimized_picture_is_named_by_its_paintings(tmp_path: Path) -> None:
    paintings = [{"file": "night.jpg", "sha256": "1", "share": 1}, {"file": "wave.jpg", "sha256": "2", "share": 1}]
    said = {"command": "optimize", "photo": {"file": "cat.jpg", "sha256": None}, "paintings": paintings}
    write_picture(drawn(), tmp_path / "cat.png", settings=said)
    store = Store(tmp_path)
    store.scan()
    (render,) = store.renders()
    assert (render.style, render.command) == ("night + wave", "optimize")


@pytest.mark.parametrize(
    ("changes", "variant"),
    [
        ({}, ""),
        ({"strength": 0.7, "brush_size": 2.0}, "strength 0.7, brush 2"),
        ({"color": "photo"}, "the photo's colors"),
        ({"color": "palette", "weights": [1, 0.5]}, "weights 1, 0.5, palette"),
        ({"strength": "much", "weights": "all"}, ""),
    ],
)
def test_ways_of_painting_in_one_style_are_told_apart(tmp_path: Path, changes: dict[str, Any], variant: str) -> None:
    options = {"size": 512, "strength": 1.0, "brush_size": 1.0, "weights": [], "color": "painting"} | changes
    paint(tmp_path / "cat-waves.png", options=options)
    store = Store(tmp_path)
    store.scan()
    assert [render.variant for render in store.renders()] == [variant]


def test_a_second_look_reads_nothing_that_is_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.gallery.store.read_file", lambda *args: pytest.fail("it was read again"))
    assert store.scan() == Scan(0, 0, 0)


def test_what_is_no_painted_photo_is_left_out_and_what_is_broken_is_told(store: Store) -> None:
    folder = store.folder
    write_picture(drawn(), folder / "sheets/sheet.png")
    write_picture(drawn(), folder / "layers.png", settings={"command": "layers", "photo": {"file": "cat.jpg"}})
    whole = (folder / "photo0-style0.png").read_bytes()
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no picture")
    (folder / "cut-early.png").write_bytes(whole[:20])
    (folder / "notes.txt").write_text("not looked at")
    (folder / ".hidden-style.png").write_bytes(whole)
    (folder / "link-style.png").symlink_to(folder / "photo0-style0.png")
    store.scan()
    assert len(store.renders()) == 13
    reasons = store.broken()
    assert [reason.split()[0] for reason in reasons] == ["cut-early.png", "empty.png", "text.jpg"]
    assert not any(str(folder) in reason for reason in reasons)
    (folder / "empty.png").unlink()
    paint(folder / "cut-early.png")
    store.scan()
    assert [reason.split()[0] for reason in store.broken()] == ["text.jpg"]
    assert len(store.renders()) == 14


def test_settings_that_make_no_sense_are_survived(tmp_path: Path) -> None:
    odd = [
        {"photo": 3, "style": {"name": "waves"}},
        {"photo": {"file": ["cat.jpg"]}, "style": {"name": "waves"}},
        {"photo": {"file": "cat.jpg"}, "style": [], "paintings": [None, 3, {"file": None}]},
        {"photo": "cat.jpg", "style": "waves", "promise": "high", "command": None},
        {"photo": {"file": "c\ud800.jpg"}, "style": {"name": "w" * 5000}, "promise": float("nan")},
    ]
    for number, said in enumerate(odd):
        write_picture(drawn(number), tmp_path / f"{number}.png", settings=said)
    store = Store(tmp_path)
    store.scan()
    found = {render.path: render for render in store.renders()}
    assert found.keys() == {"3.png", "4.png"}
    assert (found["3.png"].photo, found["3.png"].style, found["3.png"].promise) == ("cat.jpg", "waves", None)
    assert (found["4.png"].photo, len(found["4.png"].style)) == ("c?.jpg", 255)
    json.loads(to_json(store), parse_constant=lambda text: pytest.fail(text))


def test_a_killed_look_through_the_folder_has_kept_what_it_found(tmp_path: Path) -> None:
    for number in range(BATCH + 20):
        paint(tmp_path / f"photo{number}-waves.png", drawn(number, 8, 8))
    code = f"""
import os
from pathlib import Path
from studio.gallery import store
read, count = store.read_file, []
def read_and_die(*args):
    count.append(1)
    if len(count) > {BATCH} + 10:
        os._exit(9)
    return read(*args)
store.read_file = read_and_die
store.Store(Path({str(tmp_path)!r})).scan()
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    store = Store(tmp_path)
    assert len(store.renders()) == BATCH
    assert store.scan().new == 20
    assert len({render.path for render in store.renders()}) == BATCH + 20


def test_thumbnails_are_made_once_small_and_go_with_their_renders(store: Store) -> None:
    id = id_of(store, "photo0-style0.png")
    path = store.thumbnail(id)
    assert path.is_relative_to(store.folder / ".thumbnails")
    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (320, 213))
        color = np.asarray(image.convert("RGB"))[100, 4]
    assert color.tolist() == pytest.approx(drawn(width=480, height=320, stripe_px=24).pixels[100, 4].tolist(), abs=8)
    written = path.stat().st_mtime_ns
    (store.folder / "photo0-style0.png").rename(store.folder / "renamed-style0.png")
    store.scan()
    assert store.thumbnail(id).stat().st_mtime_ns == written
    others = [store.thumbnail(render.id) for render in store.renders()]
    assert len(set(others)) == 13
    (store.folder / "renamed-style0.png").unlink()
    store.scan()
    store.tidy()
    assert not path.exists()
    assert len(list((store.folder / ".thumbnails").iterdir())) == 12


def test_the_thumbnail_of_a_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    path = paint(tmp_path / "cat-waves.png", drawn(width=480, height=320))
    path.write_bytes(path.read_bytes()[:-200])
    store = Store(tmp_path)
    store.scan()
    (render,) = store.renders()
    with pytest.raises(ImageError, match=r"cat-waves\.png is a broken or truncated PNG file"):
        store.thumbnail(render.id)


def test_a_thumbnail_that_broke_is_made_anew(store: Store) -> None:
    id = id_of(store, "photo0-style0.png")
    store.thumbnail(id).write_bytes(b"no picture")
    with pytest.raises(ImageError, match="was broken; it is made anew"):
        store.note_look(id)
    store.note_look(id)
    with Image.open(store.thumbnail(id)) as image:
        assert image.size == (320, 213)


def test_more_like_this_begins_with_itself_and_what_looks_alike(tmp_path: Path) -> None:
    for number in range(12):
        paint(tmp_path / f"photo{number}-style{number}.png", drawn(number, stripe_px=3 + number))
    twin = drawn(4, stripe_px=7)
    twin.pixels[0, 0] = 0  # another file, all but the same look
    paint(tmp_path / "other-apart.png", twin)
    store = Store(tmp_path)
    store.scan()
    for render in store.without_look():
        store.note_look(render.id)
    like = [render.path for render in store.like(id_of(store, "photo4-style4.png"))]
    assert like[:2] == ["photo4-style4.png", "other-apart.png"]
    assert len(like) == 13


def test_of_equal_looks_the_same_style_is_nearer(tmp_path: Path) -> None:
    for name in ("cat-waves", "dog-night", "dog-waves"):
        paint(tmp_path / f"{name}.png")
    paint(tmp_path / "cat-night.png", drawn(3))
    store = Store(tmp_path)
    store.scan()
    for render in store.without_look():
        store.note_look(render.id)
    like = [render.path for render in store.like(id_of(store, "cat-waves.png"))]
    assert like == ["cat-waves.png", "dog-waves.png", "dog-night.png", "cat-night.png"]
