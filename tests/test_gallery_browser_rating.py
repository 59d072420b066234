"""Picking in the Gallery tab, in a real browser: rated by keys, kept, taken back, and what is done with the picks."""

import json
from pathlib import Path

from browser import IN_CHROMIUM
from gallery_page import TAUGHT, Gallery, ratings
from playwright.sync_api import expect
from serving import Running, wait_until

from nst_core.ledger import Ledger
from studio.gallery.store import Store
from studio.sweep.plan import LEDGER

pytest_plugins = ["gallery_fixtures"]
pytestmark = IN_CHROMIUM


def test_keys_rate_go_on_and_take_back_and_all_is_kept(gallery: Gallery, folder: Path) -> None:
    gallery.order("promise")
    gallery.press("Home", "s")
    expect(gallery.current).to_have_attribute("data-rating", "starred")
    gallery.press("j", "k", "ArrowRight", "x", "j", "Shift+K")
    wanted = {TAUGHT: "starred"} | {
        f"proofs/photo5-style{style}.png": rating for style, rating in ((24, "kept"), (23, "rejected"), (22, "kept"))
    }
    wait_until(lambda: ratings(folder) == wanted)
    expect(gallery.current).to_contain_text("style21")
    expect(gallery.part("ratings")).to_contain_text("Starred 1")
    expect(gallery.part("ratings")).to_contain_text("Kept 2")
    gallery.press("Control+z", "Control+z")
    expect(gallery.current).to_contain_text("style23")
    wait_until(lambda: ratings(folder) == {TAUGHT: "starred", "proofs/photo5-style24.png": "kept"})
    gallery.press("Control+z", "Control+z", "Control+z")
    wait_until(lambda: ratings(folder) == {})
    gallery.press("s", "u")
    wait_until(lambda: ratings(folder) == {})


def test_ratings_are_there_when_the_page_is_opened_again(
    gallery: Gallery, gallery_server: Running, folder: Path
) -> None:
    gallery.order("promise")
    gallery.press("Home", "s")
    wait_until(lambda: ratings(folder) == {TAUGHT: "starred"})
    again = Gallery(gallery.page, gallery_server.port)
    expect(again.tile("cat in waves, proof, starred")).to_be_visible()
    assert again.part("order").input_value() == "promise"


def test_a_rating_that_cannot_be_noted_is_taken_back_and_told(gallery: Gallery, folder: Path) -> None:
    gallery.order("promise")
    gallery.page.route(
        "**/gallery/ratings", lambda route: route.fulfill(status=409, json={"detail": "the disk is full"})
    )
    gallery.press("Home", "s")
    expect(gallery.part("notice")).to_contain_text("the disk is full")
    expect(gallery.current).to_have_attribute("data-rating", "unrated")
    gallery.page.unroute("**/gallery/ratings")
    assert ratings(folder) == {}


def test_what_is_rated_leaves_a_filtered_wall_and_the_next_comes_up(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.page.get_by_role("radio", name="Unrated").check()
    gallery.part("wall").focus()
    gallery.press("Home", "x", "x", "k")
    expect(gallery.current).to_contain_text("style22")
    expect(gallery.part("ratings")).to_contain_text("Rejected 2")
    gallery.press("Control+z")
    expect(gallery.current).to_contain_text("style23")


def test_keys_are_shown_and_do_nothing_meanwhile(gallery: Gallery, folder: Path) -> None:
    gallery.press("?")
    expect(gallery.part("keys")).to_be_visible()
    gallery.press("s")
    gallery.press("Escape")
    expect(gallery.part("keys")).to_be_hidden()
    assert ratings(folder) == {}


def test_layers_are_told_kept_in_the_tray_and_made_a_command_of(
    gallery: Gallery, gallery_server: Running, folder: Path
) -> None:
    gallery.page.evaluate(
        "document.addEventListener('impasto:layers', ({detail}) => { window.told = detail.renders; })"
    )
    gallery.order("promise")
    gallery.press("Home", "l", "j", "Space", "j", "Space", "l")
    expect(gallery.part("tray-list").locator("li")).to_have_count(3)
    ids = {render.path: render.id for render in Store(folder).renders()}
    wanted = [ids[path] for path in (TAUGHT, "proofs/photo5-style24.png", "proofs/photo5-style23.png")]
    assert gallery.page.evaluate("window.told") == wanted
    gallery.part("tray-copy").click()
    expect(gallery.part("tray-commands")).to_be_visible()
    commands = gallery.part("tray-commands").inner_text().splitlines()
    assert commands[0] == f"impasto layers {folder.parent}/cat.png {folder}/{TAUGHT} -o cat.psd"
    assert len(commands) == 2
    again = Gallery(gallery.page, gallery_server.port)
    expect(again.part("tray-list").locator("li")).to_have_count(3)
    again.part("tray-list").get_by_role("button", name="Take cat · waves out").click()
    expect(again.part("tray-list").locator("li")).to_have_count(2)
    again.part("tray-clear").click()
    expect(again.part("tray")).to_be_hidden()


def test_finals_are_queued_for_what_was_starred(gallery: Gallery, folder: Path, begun: list[str]) -> None:
    gallery.order("promise")
    expect(gallery.part("finish")).to_be_hidden()
    gallery.press("Home", "s")
    gallery.part("finish").click()
    expect(gallery.status).to_contain_text("1 final is queued")
    finals = [job for job in Ledger(folder / LEDGER).jobs() if job.spec["kind"] == "final"]
    assert [(job.name, job.spec["style"]["name"]) for job in finals] == [("cat-waves.png", "waves")]
    assert begun == ["begun"]


def test_export_is_downloaded_with_the_ratings(gallery: Gallery, folder: Path, tmp_path: Path) -> None:
    gallery.order("promise")
    gallery.press("Home", "s")
    wait_until(lambda: ratings(folder) == {TAUGHT: "starred"})
    gallery.part("menu").locator("summary").click()
    with gallery.page.expect_download() as download:
        gallery.part("menu").get_by_text("JSON").click()
    download.value.save_as(tmp_path / "all.json")
    rows = json.loads((tmp_path / "all.json").read_text())
    assert [row["path"] for row in rows if row["rating"] == "starred"] == [TAUGHT]
    assert download.value.suggested_filename == "sweep.json"
