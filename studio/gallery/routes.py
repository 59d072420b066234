"""What the Gallery tab asks of the server. Renders are named by ids of the store, so that no path is ever asked for."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.responses import Response

from nst_core.errors import ConfigError
from serve.api.problems import refused
from serve.api.routes import attachment
from studio.gallery.export import to_csv, to_json
from studio.gallery.originals import LEDGER, Originals, as_jpeg
from studio.gallery.render import Rating, Render
from studio.gallery.store import FILE, Store
from studio.gallery.watch import Watch

PREFIX = "/gallery"
PAGE = 1000
"""Renders in an answer."""
MOST_AT_ONCE = 10_000
LARGEST = 2**63 - 1
"""Integer of SQLite."""
SHOWN = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""What browsers show as it is; other pictures are shown as JPEG."""
_FOREVER, _ASK = "private, max-age=31536000, immutable", "no-cache"

Finish = Callable[[Path, Sequence[str]], int]
"""Has the finals of proofs painted, given the sweep's folder and the proofs' files; gives how many there will be."""
Id = Annotated[int, Field(ge=1, le=LARGEST)]
Ids = Annotated[list[Id], Body(embed=True, max_length=MOST_AT_ONCE)]


def gallery_routes(folder: Path, finish: Finish) -> APIRouter:
    """The routes of a folder's gallery; the folder may come into being later.

    Args:
        folder: of painted pictures.
        finish: has finals painted.
    """
    folder = folder.absolute()
    store, told = Store(folder), partial(_without_place, folder)
    watch, originals = Watch(store), Originals(folder)
    router = APIRouter(prefix=PREFIX, include_in_schema=False)

    @router.get("/renders")
    def list_renders(since: Annotated[int, Query(ge=0, le=LARGEST)] = 0) -> Mapping[str, Any]:
        with refused(409, told):
            return _list(watch, since)

    @router.get("/renders/{id}")
    def describe(id: Id) -> Mapping[str, Any]:
        with refused(404, told):
            render = store.render(id)
            return {"settings": store.settings_of(id), "photo": originals.find(render) is not None}

    @router.get("/renders/{id}/thumbnail")
    def thumbnail(id: Id, v: str = "") -> Response:
        with refused(404, told):
            render = store.render(id)
            return _kept(FileResponse(store.thumbnail(id), media_type="image/webp"), render, v)

    @router.get("/renders/{id}/picture")
    def picture(id: Id, v: str = "") -> Response:
        with refused(404, told):
            render, path = store.render(id), store.file(id)
            if kind := SHOWN.get(path.suffix.lower()):
                return _kept(FileResponse(path, media_type=kind), render, v)
            return _kept(Response(as_jpeg(path), media_type="image/jpeg"), render, v)

    @router.get("/renders/{id}/photo")
    def photo(id: Id, v: str = "") -> Response:
        with refused(404, told):
            render = store.render(id)
            path = originals.find(render)
            if path is None:
                raise ConfigError(f"the photo {render.photo} is not where it was, or has changed")
            return _kept(Response(as_jpeg(path, render.size), media_type="image/jpeg"), render, v)

    @router.get("/renders/{id}/like")
    def like(id: Id) -> Mapping[str, list[int]]:
        with refused(404, told):
            return {"ids": [render.id for render in store.like(id)]}

    _add_picks(router, store, originals, finish)
    return router


def _add_picks(router: APIRouter, store: Store, originals: Originals, finish: Finish) -> None:
    """What becomes of renders: they are rated, finished, laid over their photos, and told of in a table."""
    folder, told = store.folder, partial(_without_place, store.folder)

    @router.post("/ratings")
    def rate(ratings: Annotated[dict[Id, Rating], Body(embed=True, max_length=MOST_AT_ONCE)]) -> Mapping[str, int]:
        with refused(404, told):
            store.rate_all(ratings)
            return {"rated": len(ratings)}

    @router.post("/finals")
    def finals(ids: Ids) -> Mapping[str, int]:
        with refused(409, told):
            return {"finals": finish(folder, [store.render(id).path for id in ids])}

    @router.post("/layers")
    def layers(ids: Ids) -> Mapping[str, list[str]]:
        with refused(404, told):
            return {"commands": layers_commands(folder, [store.render(id) for id in ids], originals)}

    @router.get("/export.json")
    def export_json() -> Response:
        with refused(409, told):
            return _download(to_json(store), "application/json", f"{folder.name}.json")

    @router.get("/export.csv")
    def export_csv() -> Response:
        with refused(409, told):
            return _download(to_csv(store), "text/csv; charset=utf-8", f"{folder.name}.csv")


def _list(watch: Watch, since: int) -> Mapping[str, Any]:
    """What has changed since a revision of a store, and how the folder is."""
    store = watch.store
    if not store.folder.is_dir():
        return {"folder": None}
    watch.ask()
    changes = store.changes(since, PAGE)
    return {
        "folder": store.folder.name,
        "store": _identity(store.folder / FILE),
        "problem": watch.problem and _without_place(store.folder, watch.problem),
        "revision": changes.revision,
        "more": len(changes.renders) + len(changes.gone) == PAGE,
        "renders": [_describe(render) for render in changes.renders],
        "gone": changes.gone,
        "broken": store.broken(),
        "looking": watch.is_looking,
        "undrawn": watch.undrawn,
        "sweep": (store.folder / LEDGER).exists(),
    }


def _describe(render: Render) -> Mapping[str, Any]:
    """As the page is told of it: without hashes, but for what tells the browser that the picture is another."""
    fields = ("id", "path", "photo", "style", "variant", "kind", "command", "size", "rating", "promise", "changed")
    return {name: getattr(render, name) for name in fields} | {"v": _version(render)}


def layers_commands(folder: Path, renders: Sequence[Render], originals: Originals) -> list[str]:
    """The commands that lay renders over their photos, one for each photo."""
    photos = list(dict.fromkeys(render.photo for render in renders))
    commands = []
    for photo in photos:
        mine = [render for render in renders if render.photo == photo]
        files = [str(folder / render.path) for render in mine]
        source = str(originals.find(mine[0]) or photo)
        commands.append(shlex.join(["impasto", "layers", source, *files, "-o", f"{Path(photo).stem}.psd"]))
    return commands


def _without_place(folder: Path, text: str) -> str:
    """A message without where the folder lies, which is nobody's business but the server's."""
    return text.replace(str(folder.resolve()), folder.name).replace(str(folder), folder.name)


def _version(render: Render) -> str:
    return render.sha256[:16]


def _kept(response: Response, render: Render, version: str) -> Response:
    """An answer that the browser keeps for as long as it asks for the picture that it is of."""
    response.headers["Cache-Control"] = _FOREVER if version == _version(render) else _ASK
    return response


def _download(text: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": attachment(name), "Cache-Control": "no-store"}
    return Response(text.encode(), headers=headers, media_type=media_type)


def _identity(file: Path) -> str:
    """Tells a store from another that is there later."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_dev}-{found.st_ino}"
