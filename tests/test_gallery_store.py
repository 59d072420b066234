"""The renders of a folder and their ratings: what is found, what is kept, and what goes wrong."""

import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery_folder import drawn, paint, paint_wall
from PIL import Image

from nst_core.errors import ConfigError, ImageError, NstError
from nst_core.files import sha256
from nst_core.picture import write_picture
from studio.gallery.export import to_csv, to_json
from studio.gallery.render import Scan
from studio.gallery.store import BATCH, FILE, Store
from studio.gallery.table import FORMAT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Twelve proofs and a final, scanned."""
    store = Store(paint_wall(tmp_path / "sweep"))
    store.scan()
    return store


def id_of(store: Store, path: str) -> int:
    return next(render.id for render in store.renders() if render.path == path)


def paths(store: Store, **how) -> list[str]:
    return [render.path for render in store.renders(**how)]


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


def test_renders_are_filtered_and_ordered(store: Store) -> None:
    assert len(paths(store)) == 13
    assert paths(store, photo="photo1.jpg", order="name") == [f"proofs/photo1-style{i}.png" for i in range(4)]
    assert paths(store, style="style2", order="name") == [f"proofs/photo{i}-style2.png" for i in range(3)]
    assert paths(store, kind="final") == ["photo0-style0.png"]
    assert paths(store, order="promise")[:2] == ["proofs/photo2-style3.png", "proofs/photo2-style2.png"]
    assert paths(store, order="promise")[-1] == "photo0-style0.png", "one without a promise comes last"
    os.utime(store.folder / "proofs/photo1-style1.png", (2e9, 2e9))
    store.scan()
    assert paths(store)[0] == "proofs/photo1-style1.png"
    store.rate(id_of(store, "proofs/photo1-style1.png"), "kept")
    assert paths(store, rating="kept", photo="photo1.jpg") == ["proofs/photo1-style1.png"]


def test_a_second_look_reads_nothing_that_is_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.gallery.store.read_file", lambda *args: pytest.fail("it was read again"))
    assert store.scan() == Scan(0, 0, 0)


def test_ratings_outlast_the_process_and_a_move_of_the_folder(store: Store, tmp_path: Path) -> None:
    for number, rating in enumerate(("rejected", "kept", "starred")):
        store.rate(id_of(store, f"proofs/photo{number}-style1.png"), rating)
    code = (
        "from pathlib import Path; from studio.gallery.store import Store; "
        f"print(Store(Path({str(store.folder)!r})).ratings())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'proofs/photo2-style1.png': 'starred'" in other.stdout
    ratings = store.ratings()
    moved = Store(store.folder.rename(tmp_path / "moved"))
    moved.scan()
    assert moved.ratings() == ratings
    assert [ratings[f"proofs/photo{i}-style1.png"] for i in range(3)] == ["rejected", "kept", "starred"]
    assert list(ratings.values()).count("unrated") == 10


def test_a_rating_goes_with_a_renamed_file_and_keeps_its_id(store: Store) -> None:
    id = id_of(store, "proofs/photo1-style1.png")
    store.rate(id, "starred")
    (store.folder / "best").mkdir()
    (store.folder / "proofs/photo1-style1.png").rename(store.folder / "best/wave.png")
    store.scan()
    assert store.render(id).path == "best/wave.png"
    assert store.render(id).rating == "starred"
    assert len(store.renders()) == 13


def test_a_rating_waits_for_a_file_that_is_gone_for_a_while(store: Store, tmp_path: Path) -> None:
    path = store.folder / "proofs/photo1-style1.png"
    id = id_of(store, "proofs/photo1-style1.png")
    store.rate(id, "kept")
    path.rename(tmp_path / "away.png")
    assert store.scan().gone == 1
    with pytest.raises(ConfigError, match=r"no render \d+ in sweep; its file may have been removed"):
        store.render(id)
    assert "proofs/photo1-style1.png" not in store.ratings()
    (tmp_path / "away.png").rename(path)
    store.scan()
    assert store.render(id).rating == "kept"


def test_a_rating_outlasts_the_same_painting_anew_but_not_another(store: Store) -> None:
    path = store.folder / "proofs/photo1-style1.png"
    id = id_of(store, "proofs/photo1-style1.png")
    store.rate(id, "kept")
    before = store.render(id).sha256
    paint(path, drawn(11, stripe_px=6), seconds=9.5, versions={"impasto": "0.2.0"})
    store.scan()
    assert store.render(id).sha256 != before
    assert store.render(id).rating == "kept"
    paint(path, drawn(5), options={"size": 512, "strength": 0.5})
    assert store.scan().changed == 1
    assert store.render(id).rating == "unrated"


def test_an_unknown_rating_or_render_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="'loved' is no rating; give rejected, unrated, kept, starred"):
        store.rate(1, "loved")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="no render 99 in sweep"):
        store.rate_all({1: "kept", 99: "kept"})
    assert set(store.ratings().values()) == {"unrated"}, "one was rated though not all could be"


def test_only_what_has_changed_since_is_told(store: Store) -> None:
    everything = store.changes()
    assert len(everything.renders) == 13
    assert store.changes(everything.revision).renders == []
    id = everything.renders[4].id
    store.rate(id, "kept")
    (store.folder / everything.renders[0].path).unlink()
    store.scan()
    news = store.changes(everything.revision)
    assert [(render.id, render.rating) for render in news.renders] == [(id, "kept")]
    assert news.gone == [everything.renders[0].id]
    assert store.changes(news.revision).revision == news.revision
    store.rate(id, "kept")
    assert store.changes(news.revision).renders == [], "nothing has changed"


def test_changes_come_in_parts_and_none_is_left_out(store: Store) -> None:
    seen, revision = [], 0
    while part := store.changes(revision, most=5).renders:
        assert len(part) <= 5
        seen += [render.path for render in part]
        revision = store.changes(revision, most=5).revision
    assert sorted(seen) == sorted(store.ratings())


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


def test_export_has_every_render_with_rating_and_settings(store: Store) -> None:
    store.rate(id_of(store, "photo0-style0.png"), "starred")
    rows = {row["path"]: row for row in json.loads(to_json(store))}
    assert len(rows) == 13
    final = rows["photo0-style0.png"]
    assert (final["rating"], final["style"], final["width"], final["height"]) == ("starred", "style0", 480, 320)
    assert final["settings"]["options"]["strength"] == 1.0
    table = {row["path"]: row for row in csv.DictReader(io.StringIO(to_csv(store)))}
    assert table.keys() == rows.keys()
    assert table["photo0-style0.png"]["rating"] == "starred"
    assert table["photo0-style0.png"]["option size"] == "512"
    assert table["proofs/photo2-style3.png"]["promise"] == "2.3"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", table["photo0-style0.png"]["written"])


def test_threads_rate_and_scan_at_once_and_nothing_is_lost(store: Store) -> None:
    ids = [render.id for render in store.renders()]
    wrong: list[Exception] = []

    def rate(part: list[int]) -> None:
        try:
            for id in part:
                store.rate(id, "kept")
                Store(store.folder).scan()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=rate, args=(ids[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert set(store.ratings().values()) == {"kept"}


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


def test_a_folder_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    store = Store(tmp_path / "nowhere")
    assert store.renders() == [] and store.ratings() == {}
    with pytest.raises(ConfigError, match="nowhere is no folder"):
        store.scan()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_written_is_one_clear_line(store: Store, tmp_path: Path) -> None:
    folder = paint_wall(tmp_path / "locked")
    folder.chmod(0o500)
    try:
        with pytest.raises(NstError, match=r"^cannot use gallery\.sqlite in .*locked: no permission") as caught:
            Store(folder).scan()
    finally:
        folder.chmod(0o700)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_galleries_are_refused(store: Store, tmp_path: Path) -> None:
    garbage, foreign = tmp_path / "garbage", tmp_path / "foreign"
    for folder in (garbage, foreign):
        folder.mkdir()
    (garbage / FILE).write_bytes(b"no database" * 100)
    with sqlite3.connect(foreign / FILE) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    with sqlite3.connect(store.folder / FILE) as database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    cases = {garbage: "no gallery of Impasto", foreign: "of another program", store.folder: "newer Impasto"}
    for folder, said in cases.items():
        with pytest.raises(NstError, match=said):
            Store(folder).scan()
