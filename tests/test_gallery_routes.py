"""What the Gallery tab is answered: renders by ids of the store, never a path, and one line where it cannot be."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from gallery_folder import drawn, paint, paint_wall
from PIL import Image
from serving import client, problem, wait_until

from nst_core.errors import ConfigError
from nst_core.files import sha256
from nst_core.ledger import Ledger
from nst_core.picture import write_picture
from serve.api.app import build_app
from serve.api.guard import Access
from serve.engine import Engine
from studio.gallery import routes, watch
from studio.gallery.originals import LEDGER
from studio.gallery.store import FILE
from studio.gallery.tab import FILES, PREFIX, mount_gallery

TOKEN = "0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A painted wall, looked through more often than usual; who asks waits for that, however busy the machine is."""
    monkeypatch.setattr(watch, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(watch, "FIRST_LOOK_S", 60.0)
    return paint_wall(tmp_path / "sweep")


def serve(folder: Path, finish: routes.Finish = lambda folder, proofs: len(proofs), **how: Any) -> TestClient:
    app = build_app(Engine(), **how)
    mount_gallery(app, folder, finish)
    return client(app)


@pytest.fixture
def api(folder: Path) -> TestClient:
    return serve(folder)


def listed(api: TestClient) -> dict[str, dict[str, Any]]:
    """The renders by their files."""
    return {render["path"]: render for render in api.get("/gallery/renders").json()["renders"]}


def id_of(api: TestClient, path: str) -> int:
    """The id of a file's render, once it is found."""
    wait_until(lambda: path in listed(api))
    return listed(api)[path]["id"]


def test_the_list_has_all_that_the_wall_shows(api: TestClient) -> None:
    answer = api.get("/gallery/renders").json()
    assert (answer["folder"], answer["problem"], answer["broken"], answer["more"]) == ("sweep", None, [], False)
    assert len(answer["renders"]) == 13
    final = next(render for render in answer["renders"] if render["kind"] == "final")
    assert (final["path"], final["photo"], final["style"]) == ("photo0-style0.png", "photo0.jpg", "style0")
    assert (final["size"], final["rating"], final["promise"], final["command"]) == (
        [480, 320],
        "unrated",
        None,
        "paint",
    )
    again = api.get("/gallery/renders", params={"since": answer["revision"]}).json()
    assert (again["renders"], again["gone"], again["revision"]) == ([], [], answer["revision"])


def test_a_long_list_comes_in_parts(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "PAGE", 5)
    seen, since, more = [], 0, True
    while more:
        answer = api.get("/gallery/renders", params={"since": since}).json()
        seen += [render["id"] for render in answer["renders"]]
        since, more = answer["revision"], answer["more"]
    assert len(seen) == len(set(seen)) == 13


def test_no_folder_is_said_and_it_may_come_later(tmp_path: Path) -> None:
    api = serve(tmp_path / "later")
    assert api.get("/gallery/renders").json() == {"folder": None}
    assert problem(api.get("/gallery/renders/1/thumbnail"))[0] == 404
    paint_wall(tmp_path / "later")
    assert len(listed(api)) == 13


def test_thumbnails_and_pictures_are_served_and_kept(api: TestClient, folder: Path) -> None:
    render = listed(api)["photo0-style0.png"]
    for what, kind, size in (("thumbnail", "image/webp", (320, 213)), ("picture", "image/png", (480, 320))):
        answer = api.get(f"/gallery/renders/{render['id']}/{what}", params={"v": render["v"]})
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.content)).size == size
        old = api.get(f"/gallery/renders/{render['id']}/{what}", params={"v": "another"})
        assert old.headers["cache-control"] == "no-cache", "what is not asked for by its hash may change"
    assert answer.content == (folder / "photo0-style0.png").read_bytes()


def test_what_browsers_cannot_show_is_shown_as_jpeg(api: TestClient, folder: Path) -> None:
    paint(folder / "cat-deep.tif", drawn(3).with_bits(16))
    render = listed(api)["cat-deep.tif"]
    answer = api.get(f"/gallery/renders/{render['id']}/picture")
    assert answer.headers["content-type"] == "image/jpeg"
    shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
    assert np.abs(shown.astype(int) - drawn(3).pixels).mean() < 4


@pytest.mark.parametrize(
    "path",
    [
        "/gallery/renders/..%2f..%2fetc%2fpasswd/picture",
        "/gallery/renders/../../sweep/gallery.sqlite",
        "/gallery/renders/1%2f..%2f..%2fgallery.sqlite/picture",
        "/gallery/renders/gallery.sqlite/picture",
        "/gallery/renders/-1/picture",
        "/gallery/renders/99/picture",
        "/gallery/renders/99999999999999999999999999/picture",
        "/gallery/renders/1.5/picture",
        f"/{PREFIX}/../store.py",
        f"/{PREFIX}/%2e%2e/store.py",
        f"/{PREFIX}/..%2f..%2f..%2fpyproject.toml",
    ],
)
def test_no_path_leads_anywhere(api: TestClient, path: str) -> None:
    listed(api)
    assert api.get(path).status_code in (404, 422)


def test_a_file_that_became_a_link_out_of_the_folder_is_not_served(api: TestClient, folder: Path) -> None:
    render = listed(api)["photo0-style0.png"]
    secret = paint(folder.parent / "secret-style.png", drawn(9))
    (folder / "photo0-style0.png").unlink()
    (folder / "photo0-style0.png").symlink_to(secret)
    for what in ("picture", "thumbnail"):
        status, detail = problem(api.get(f"/gallery/renders/{render['id']}/{what}"))
        assert status == 404
        assert str(folder.parent) not in detail


def test_a_folder_that_became_a_link_elsewhere_is_not_served(api: TestClient, folder: Path) -> None:
    render = listed(api)["proofs/photo0-style0.png"]
    (folder / "proofs").rename(folder.parent / "elsewhere")
    (folder / "proofs").symlink_to(folder.parent / "elsewhere")
    assert problem(api.get(f"/gallery/renders/{render['id']}/picture"))[0] == 404


def test_a_file_that_vanished_is_told(api: TestClient, folder: Path) -> None:
    render = listed(api)["photo0-style0.png"]
    (folder / "photo0-style0.png").unlink()
    status, detail = problem(api.get(f"/gallery/renders/{render['id']}/picture"))
    assert (status, detail) == (404, f"there is no render {render['id']} in sweep; its file may have been removed")


def test_ratings_are_noted_all_or_none(api: TestClient) -> None:
    ids = [render["id"] for render in listed(api).values()]
    assert api.post("/gallery/ratings", json={"ratings": {ids[0]: "starred", ids[1]: "rejected"}}).json() == {
        "rated": 2
    }
    assert {render["id"]: render["rating"] for render in listed(api).values()} == {
        id: {ids[0]: "starred", ids[1]: "rejected"}.get(id, "unrated") for id in ids
    }
    assert problem(api.post("/gallery/ratings", json={"ratings": {ids[2]: "kept", 999: "kept"}}))[0] == 404
    assert problem(api.post("/gallery/ratings", json={"ratings": {ids[2]: "loved"}}))[0] == 422
    assert problem(api.post("/gallery/ratings", json={"ratings": {"../x": "kept"}}))[0] == 422
    assert [render["rating"] for render in listed(api).values() if render["id"] == ids[2]] == ["unrated"]


def test_a_render_says_how_it_was_made(api: TestClient) -> None:
    render = listed(api)["photo0-style0.png"]
    answer = api.get(f"/gallery/renders/{render['id']}").json()
    assert answer["settings"]["options"]["size"] == 512
    assert answer["photo"] is False, "no ledger tells where the photo is"


def sweep_of(folder: Path, photo: Path) -> str:
    """Notes a photo in the ledger of a sweep, and a render of it; gives the render's file."""
    spec = {"photo": {"path": str(photo), "sha256": sha256(photo)}, "style": {"name": "waves"}}
    Ledger(folder / LEDGER).add("proofs/cat-waves.png", spec)
    paint(folder / "proofs/cat-waves.png", drawn(2), photo={"file": photo.name, "sha256": sha256(photo)})
    return "proofs/cat-waves.png"


def test_the_photo_is_there_for_the_wipe_as_long_as_it_is_the_same(api: TestClient, folder: Path) -> None:
    photo = folder.parent / "cat.png"
    write_picture(drawn(7, width=960, height=640, stripe_px=80), photo)
    render = listed(api)["proofs/photo0-style0.png"]
    id = id_of(api, sweep_of(folder, photo))
    assert api.get(f"/gallery/renders/{id}").json()["photo"] is True
    answer = api.get(f"/gallery/renders/{id}/photo")
    assert answer.headers["content-type"] == "image/jpeg"
    shown = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert shown.size == (96, 64), "as large as the render, so that the wipe fits"
    assert np.abs(np.asarray(shown).astype(int) - drawn(7).pixels).mean() < 6
    assert problem(api.get(f"/gallery/renders/{render['id']}/photo"))[0] == 404, "of another photo"
    write_picture(drawn(8), photo)
    assert api.get(f"/gallery/renders/{id}").json()["photo"] is False
    status, detail = problem(api.get(f"/gallery/renders/{id}/photo"))
    assert (status, detail) == (404, "the photo cat.png is not where it was, or has changed")


def test_a_ledger_cannot_make_the_server_show_what_is_no_picture(api: TestClient, folder: Path) -> None:
    secret = folder.parent / "cat.txt"
    secret.write_text("a secret")
    id = id_of(api, sweep_of(folder, secret))
    status, detail = problem(api.get(f"/gallery/renders/{id}/photo"))
    assert (status, "secret" in detail, str(folder.parent) in detail) == (404, False, False)


def test_more_like_this_begins_with_itself(api: TestClient) -> None:
    ids = [render["id"] for render in listed(api).values()]
    answer = api.get(f"/gallery/renders/{ids[3]}/like").json()["ids"]
    assert answer[0] == ids[3]
    assert sorted(answer) == sorted(ids)


def test_finals_are_asked_for_by_the_proofs_files(folder: Path) -> None:
    asked: list[tuple[Path, list[str]]] = []

    def finish(folder: Path, proofs: Sequence[str]) -> int:
        asked.append((folder, list(proofs)))
        if "photo0-style0.png" in proofs:
            raise ConfigError("photo0-style0.png is no proof of the sweep")
        return len(proofs)

    api = serve(folder, finish)
    renders = listed(api)
    ids = [renders[f"proofs/photo{number}-style1.png"]["id"] for number in (2, 0)]
    assert api.post("/gallery/finals", json={"ids": ids}).json() == {"finals": 2}
    assert asked == [(folder, ["proofs/photo2-style1.png", "proofs/photo0-style1.png"])]
    status, detail = problem(api.post("/gallery/finals", json={"ids": [renders["photo0-style0.png"]["id"]]}))
    assert (status, detail) == (409, "photo0-style0.png is no proof of the sweep")
    assert problem(api.post("/gallery/finals", json={"ids": [999]}))[0] == 409


def test_layers_are_a_command_for_each_photo_that_a_shell_understands(api: TestClient, folder: Path) -> None:
    paint(folder / "proofs/my cat-it's.png")
    renders = listed(api)
    names = ["proofs/my cat-it's.png", "proofs/photo0-style1.png", "proofs/photo0-style0.png"]
    answer = api.post("/gallery/layers", json={"ids": [renders[name]["id"] for name in names]}).json()
    assert answer["commands"] == [
        f"""impasto layers 'my cat.jpg' '{folder}/proofs/my cat-it'"'"'s.png' -o 'my cat.psd'""",
        f"impasto layers photo0.jpg {folder}/proofs/photo0-style1.png {folder}/proofs/photo0-style0.png -o photo0.psd",
    ]


def test_export_is_a_download_with_ratings(api: TestClient) -> None:
    render = listed(api)["photo0-style0.png"]
    api.post("/gallery/ratings", json={"ratings": {render["id"]: "starred"}})
    answer = api.get("/gallery/export.json")
    assert 'attachment; filename="sweep.json"' in answer.headers["content-disposition"]
    assert [row["path"] for row in json.loads(answer.text) if row["rating"] == "starred"] == ["photo0-style0.png"]
    table = list(csv.DictReader(io.StringIO(api.get("/gallery/export.csv").text)))
    assert [row["path"] for row in table if row["rating"] == "starred"] == ["photo0-style0.png"]


def test_a_store_that_cannot_be_used_is_one_line_in_the_list(folder: Path) -> None:
    (folder / FILE).write_bytes(b"no database" * 100)
    answer = serve(folder).get("/gallery/renders")
    status, detail = problem(answer)
    assert status == 409
    assert detail.startswith("cannot use gallery.sqlite in sweep: ")


def test_a_picture_that_breaks_off_is_told_without_its_folder(api: TestClient, folder: Path) -> None:
    path = folder / "photo0-style0.png"
    path.write_bytes(path.read_bytes()[:-400])
    status, detail = problem(api.get(f"/gallery/renders/{listed(api)['photo0-style0.png']['id']}/thumbnail"))
    assert (status, detail.split(": ")[0]) == (
        404, "sweep/photo0-style0.png is a broken or truncated PNG file; copy or export it again"
    )  # fmt: skip


def test_broken_files_are_named_without_their_folder(api: TestClient, folder: Path) -> None:
    (folder / "broken.png").write_text("no picture")
    broken = api.get("/gallery/renders").json()["broken"]
    assert broken == [
        "broken.png is not a picture that can be read here; give a JPEG, PNG, WebP, TIFF, BMP, GIF or HEIC file"
    ]


def test_only_who_knows_the_token_is_served_and_no_other_site(folder: Path) -> None:
    api = serve(folder, access=Access(token=TOKEN))
    paths = ("renders", "renders/1/thumbnail", "renders/1/picture", "renders/1/photo", "export.json")
    assert [api.get(f"/gallery/{path}").status_code for path in paths] == [401] * 5
    assert api.post("/gallery/ratings", json={"ratings": {1: "kept"}}).status_code == 401
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert api.get("/gallery/renders", headers=known).status_code == 200
    elsewhere = known | {"Origin": "http://elsewhere.example"}
    assert api.post("/gallery/ratings", json={"ratings": {1: "kept"}}, headers=elsewhere).status_code == 403


def test_what_the_tab_is_made_of_is_served(api: TestClient) -> None:
    for path in FILES.iterdir():
        assert api.get(f"/{PREFIX}/{path.name}").content == path.read_bytes()
