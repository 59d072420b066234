"""The wall of the Gallery tab in a real browser: what is on it, filtered, put in order, and kept up with the folder."""

import re
from pathlib import Path

import pytest
from browser import IN_CHROMIUM
from gallery_folder import drawn, paint
from gallery_page import RENDERS, STYLES, TAUGHT, Gallery
from playwright.sync_api import Page, expect
from serving import PATIENCE_S, running

from impasto.page import mount_page
from nst_core.picture import read_picture
from serve.api.app import build_app
from serve.engine import Engine
from studio.gallery.store import Store

pytest_plugins = ["gallery_fixtures"]
pytestmark = IN_CHROMIUM


def test_the_wall_has_only_what_is_in_sight_and_no_picture_is_cropped(gallery: Gallery) -> None:
    gallery.order("name")
    expect(gallery.tiles.first).to_be_visible()
    assert gallery.tiles.count() < 70
    for tile in gallery.tiles.all()[:5]:
        image = tile.locator("img")
        expect(image).to_have_js_property("complete", True)
        box = image.bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(1.5, rel=0.02)
    gallery.press("End")
    expect(gallery.current).to_contain_text("style24")
    expect(gallery.current).to_be_in_viewport()
    expect(gallery.current).to_have_attribute("aria-posinset", str(RENDERS))
    assert gallery.tiles.count() < 70
    gallery.press("Home")
    expect(gallery.current).to_have_attribute("aria-posinset", "1")


def test_pictures_on_the_wall_are_those_of_the_folder(gallery: Gallery, folder: Path) -> None:
    gallery.order("promise")
    image = gallery.tile("cat in waves").locator("img")
    source = image.get_attribute("src")
    assert source is not None and re.fullmatch(r"gallery/renders/\d+/thumbnail\?v=[0-9a-f]{16}", source)
    color = image.evaluate("""(image) => {
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        canvas.getContext("2d").drawImage(image, 0, 0);
        return [...canvas.getContext("2d").getImageData(5, 50, 1, 1).data].slice(0, 3);
    }""")
    assert color == pytest.approx(read_picture(folder / TAUGHT).pixels[75, 8].tolist(), abs=8)


def test_filters_narrow_each_other_and_tell_how_many_there_are(gallery: Gallery) -> None:
    gallery.part("photo").select_option("photo1.jpg")
    expect(gallery.status).to_contain_text(f"{STYLES} of {RENDERS} renders")
    expect(gallery.part("style").locator("option", has_text="style3 (1)")).to_be_attached()
    gallery.part("style").select_option("style3")
    expect(gallery.tiles).to_have_count(1)
    expect(gallery.tiles).to_have_attribute("aria-label", "photo1 in style3, proof, unrated")
    gallery.page.get_by_role("radio", name="Starred").check()
    expect(gallery.part("none")).to_be_visible()
    gallery.part("clear").click()
    gallery.part("kind").select_option("final")
    expect(gallery.tiles).to_have_count(1)
    expect(gallery.tiles).to_contain_text("photo0, final")


def test_a_final_comes_with_its_proof_where_the_most_promising_is_first(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.press("End")
    last = [gallery.page.locator(f'.tile[aria-posinset="{RENDERS - 2 + place}"]') for place in (1, 2)]
    expect(last[0]).to_have_attribute("aria-label", "photo0 in style0, final, unrated")
    expect(last[1]).to_have_attribute("aria-label", "photo0 in style0, proof, unrated")


def test_more_like_this_puts_the_likes_first_and_back(gallery: Gallery, folder: Path) -> None:
    for render in Store(folder).without_look():
        Store(folder).note_look(render.id)
    gallery.part("photo").select_option("photo2.jpg")
    gallery.tile("photo2 in style7,").click()
    gallery.press("m")
    expect(gallery.part("viewer")).to_be_hidden()
    expect(gallery.part("alike")).to_contain_text("Most like photo2 · style7 first")
    expect(gallery.current).to_have_attribute("aria-label", "photo2 in style7, proof, unrated")
    expect(gallery.current).to_have_attribute("aria-posinset", "1")
    first = [gallery.page.locator(f'.tile[aria-posinset="{place}"]').inner_text() for place in range(1, 7)]
    assert all("style7" in words for words in first), "the same stripes of the other photos are nearest"
    gallery.part("alike-close").click()
    expect(gallery.part("alike")).to_be_hidden()


def test_new_renders_appear_by_themselves_and_gone_ones_leave(gallery: Gallery, folder: Path) -> None:
    paint(folder / "proofs" / "dog-waves.png", drawn(60))
    (folder / "broken.png").write_text("no picture")
    expect(gallery.tile("dog in waves")).to_be_visible()
    expect(gallery.part("broken")).to_contain_text("1 file cannot be read")
    (folder / "proofs" / "dog-waves.png").unlink()
    (folder / "broken.png").unlink()
    expect(gallery.tile("dog in waves")).to_have_count(0)
    expect(gallery.part("broken")).to_be_hidden()


def test_what_is_looked_at_stays_where_it_is_when_new_renders_come(gallery: Gallery, folder: Path) -> None:
    gallery.press("End", "PageUp")
    current = gallery.current
    before = current.bounding_box()
    name = current.get_attribute("aria-label")
    made = [paint(folder / "proofs" / f"new-style{number}.png", drawn(70 + number)) for number in range(8)]
    expect(gallery.status).to_contain_text(f"{RENDERS + 8} renders")
    assert gallery.current.get_attribute("aria-label") == name
    after = gallery.current.bounding_box()
    assert before is not None and after is not None
    assert after["y"] == pytest.approx(before["y"], abs=60), "at most its row has changed"
    for path in made:
        path.unlink()
    expect(gallery.status).to_contain_text(f"{RENDERS} renders")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(gallery: Gallery, dark: bool) -> None:
    page = gallery.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
    gallery.press("Home", "Space", "j", "Space")
    expect(gallery.part("chosen")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tile = gallery.tiles.first.bounding_box()
    assert tile is not None and tile["width"] < 390
    gallery.press("c")
    expect(gallery.page.locator(".pane")).to_have_count(2)
    one, other = (gallery.page.locator(".pane").nth(number).bounding_box() for number in range(2))
    assert one is not None and other is not None and other["y"] > one["y"], "one above the other"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1200, "height": 800})


def test_a_server_that_is_gone_is_told_and_found_again(gallery: Gallery) -> None:
    gallery.page.route("**/gallery/renders?*", lambda route: route.abort())
    expect(gallery.part("notice")).to_contain_text("Impasto does not answer")
    gallery.page.unroute("**/gallery/renders?*")
    expect(gallery.part("notice")).to_be_hidden()


def test_without_a_folder_the_tab_says_what_to_do_and_fills_when_there_is_one(
    page: Page, styles_folder: Path, tmp_path: Path
) -> None:
    with running(mount_page(build_app(Engine()), tmp_path / "sweep")) as server:
        gallery = Gallery(page, server.port)
        expect(gallery.part("empty")).to_contain_text("No pictures to choose from yet")
        expect(gallery.part("empty-command")).to_contain_text("impasto sweep")
        expect(gallery.part("head")).to_be_hidden()
        paint(tmp_path / "sweep" / "cat-waves.png")
        expect(gallery.tile("cat in waves, final")).to_be_visible(timeout=PATIENCE_S * 1000)
        expect(gallery.part("empty")).to_be_hidden()
        page.goto("about:blank")
