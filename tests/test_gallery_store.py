"""The renders of a folder and their ratings: what is kept, what is told of it, and what goes wrong."""

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

import pytest
from gallery_folder import drawn, id_of, paint, paint_wall, scanned_wall

from nst_core.errors import ConfigError, NstError
from studio.gallery.export import to_csv, to_json
from studio.gallery.store import FILE, Store
from studio.gallery.table import FORMAT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return scanned_wall(tmp_path / "sweep")


def paths(store: Store, **how) -> list[str]:
    return [render.path for render in store.renders(**how)]


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
