"""The Gallery tab in a real browser: a wall looked through by keys, rated, compared, wiped, finished, and kept."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM
from fastapi import FastAPI
from gallery_folder import drawn, paint
from playwright.sync_api import Locator, Page, expect
from serving import PATIENCE_S, Running, running, wait_until

from impasto.page import mount_page
from nst_core.files import sha256
from nst_core.ledger import Ledger
from nst_core.picture import read_picture, write_picture
from serve.api.app import build_app
from serve.engine import Engine
from serve.paint_options import PaintOptions
from studio.gallery.store import Store
from studio.sweep.job import PhotoFile, StyleFile, SweepJob
from studio.sweep.plan import LEDGER
from studio.sweep.process import SweepProcess

pytest_plugins = ["browser_fixtures"]
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's, with the newest pandas
]

PHOTOS, STYLES = 6, 25
SIZE = (480, 320)
TAUGHT = "proofs/cat-waves.png"
"""The only proof whose photo is known to the sweep."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of 150 proofs and one final; of one proof there is the photo."""
    folder = tmp_path_factory.mktemp("gallery") / "sweep"
    for photo in range(PHOTOS):
        for style in range(STYLES):
            picture = drawn(style, stripe_px=2 + style % 7)
            promise = (photo * STYLES + style) / 1000
            paint(folder / "proofs" / f"photo{photo}-style{style}.png", picture, promise=promise)
    photo = folder.parent / "cat.png"
    write_picture(drawn(50, *SIZE, stripe_px=40), photo)
    paint(
        folder / TAUGHT, drawn(51, *SIZE, stripe_px=20), photo={"file": "cat.png", "sha256": sha256(photo)}, promise=1
    )
    paint(folder / "photo0-style0.png", drawn(0, 960, 640, stripe_px=16))
    style = StyleFile("waves", str(folder / "waves.onnx"), "0" * 64)
    job = SweepJob(TAUGHT, "proof", "fast", PhotoFile(str(photo), sha256(photo)), style, PaintOptions(size=512))
    Ledger(folder / LEDGER).add(TAUGHT, job.spec())
    return folder


@pytest.fixture(scope="module")
def begun() -> Iterator[list[str]]:
    """How often the process that paints finals would have been started."""
    found: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SweepProcess, "start", lambda self: found.append("begun"))
        yield found


@pytest.fixture(scope="module")
def make_app(styles_folder: Path, folder: Path, begun: list[str]) -> Callable[[Engine], FastAPI]:
    """What `impasto ui --gallery` serves."""
    return lambda engine: mount_page(build_app(engine), folder)


class Gallery:
    """What an artist sees of the tab, and does there."""

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_role("tab", name="Gallery").click()

    def part(self, name: str) -> Locator:
        return self.page.locator(f'.gallery [data-part="{name}"]')

    @property
    def tiles(self) -> Locator:
        return self.page.locator(".gallery .tile")

    @property
    def current(self) -> Locator:
        """The tile that keys are about, as a screen reader is told of it."""
        id = self.part("wall").get_attribute("aria-activedescendant")
        assert id is not None
        return self.page.locator(f"#{id}")

    @property
    def status(self) -> Locator:
        return self.part("status")

    def tile(self, words: str) -> Locator:
        return self.page.get_by_role("option", name=words)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def order(self, name: str) -> None:
        self.part("order").select_option(name)
        self.part("wall").focus()

    def sheet(self, number: int = 0) -> list[float]:
        """Left, top, width and height of a picture in the large view."""
        place = self.page.locator(".pane .sheet").nth(number)
        return place.evaluate(
            "(one) => { const {x, y, width, height} = one.getBoundingClientRect(); return [x, y, width, height]; }"
        )


@pytest.fixture
def gallery(page: Page, server: Running, folder: Path) -> Iterator[Gallery]:
    store = Store(folder)
    store.scan()
    store.rate_all({render.id: "unrated" for render in store.renders()})
    gallery = Gallery(page, server.port)
    expect(gallery.tiles.first).to_be_visible()
    expect(gallery.status).to_contain_text(f"{PHOTOS * STYLES + 2} renders")
    yield gallery
    page.evaluate("localStorage.clear()")


def ratings(folder: Path) -> dict[str, str]:
    return {path: rating for path, rating in Store(folder).ratings().items() if rating != "unrated"}


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
    expect(gallery.current).to_have_attribute("aria-posinset", str(PHOTOS * STYLES + 2))
    assert gallery.tiles.count() < 70
    gallery.press("Home")
    expect(gallery.current).to_have_attribute("aria-posinset", "1")


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


def test_ratings_are_there_when_the_page_is_opened_again(gallery: Gallery, server: Running, folder: Path) -> None:
    gallery.order("promise")
    gallery.press("Home", "s")
    wait_until(lambda: ratings(folder) == {TAUGHT: "starred"})
    again = Gallery(gallery.page, server.port)
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


def test_filters_narrow_each_other_and_tell_how_many_there_are(gallery: Gallery) -> None:
    gallery.part("photo").select_option("photo1.jpg")
    expect(gallery.status).to_contain_text(f"{STYLES} of {PHOTOS * STYLES + 2} renders")
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


def test_what_is_rated_leaves_a_filtered_wall_and_the_next_comes_up(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.page.get_by_role("radio", name="Unrated").check()
    gallery.part("wall").focus()
    gallery.press("Home", "x", "x", "k")
    expect(gallery.current).to_contain_text("style22")
    expect(gallery.part("ratings")).to_contain_text("Rejected 2")
    gallery.press("Control+z")
    expect(gallery.current).to_contain_text("style23")


def test_large_one_to_one_moved_and_on_to_the_next(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.tile("cat in waves").click()
    viewer = gallery.part("viewer")
    expect(viewer).to_be_visible()
    expect(gallery.part("viewer-title")).to_have_text("cat · waves")
    panes = gallery.part("panes").bounding_box()
    assert panes is not None
    assert gallery.sheet()[2] == pytest.approx(min(panes["width"], panes["height"] * 1.5), abs=1), "it fits"
    gallery.press("z")
    left, _, width, height = gallery.sheet()
    assert (width, height) == pytest.approx(SIZE, abs=0.5), "one pixel of it is one of the screen's"
    assert left + width / 2 == pytest.approx(panes["x"] + panes["width"] / 2, abs=1)
    gallery.press("+", "+", "+", "+", "+")
    before = gallery.sheet()
    assert before[2] == pytest.approx(SIZE[0] * 1.4**5, rel=0.01)
    gallery.page.mouse.move(600, 400)
    gallery.page.mouse.down()
    gallery.page.mouse.move(560, 380, steps=3)
    gallery.page.mouse.up()
    after = gallery.sheet()
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((-40, -20), abs=1)
    gallery.press("z", "ArrowRight")
    expect(gallery.part("viewer-title")).to_have_text("photo5 · style24")
    gallery.press("k", "Escape")
    expect(viewer).to_be_hidden()
    expect(gallery.current).to_have_attribute("aria-label", "photo5 in style24, proof, kept")
    expect(gallery.part("wall")).to_be_focused()


def test_the_wheel_zooms_to_the_pointer(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.press("Home", "Enter")
    expect(gallery.part("viewer")).to_be_visible()
    x, y = 300, 300
    before = gallery.sheet()
    gallery.page.mouse.move(x, y)
    gallery.page.mouse.wheel(0, -600)
    wait_until(lambda: gallery.sheet()[2] > before[2] * 2)
    after = gallery.sheet()
    assert (x - after[0]) / after[2] == pytest.approx((x - before[0]) / before[2], abs=0.01)
    assert (y - after[1]) / after[3] == pytest.approx((y - before[1]) / before[3], abs=0.01)


def test_side_by_side_is_zoomed_and_moved_together_and_rated_one_by_one(gallery: Gallery, folder: Path) -> None:
    gallery.order("promise")
    gallery.press("Home", "j", "Shift+ArrowRight", "Shift+ArrowRight")
    expect(gallery.part("chosen-text")).to_have_text("3 chosen")
    gallery.press("c")
    expect(gallery.page.locator(".pane")).to_have_count(3)
    gallery.press("+", "+", "Shift+ArrowRight")
    sheets = [gallery.sheet(number) for number in range(3)]
    views = [gallery.page.locator(".view").nth(number).bounding_box() for number in range(3)]
    places = [(sheet[0] - view["x"], sheet[1] - view["y"]) for sheet, view in zip(sheets, views, strict=True) if view]
    assert places[1] == pytest.approx(places[0], abs=1) and places[2] == pytest.approx(places[0], abs=1)
    gallery.press("2", "s", "ArrowRight", "x")
    wanted = {"proofs/photo5-style23.png": "starred", "proofs/photo5-style22.png": "rejected"}
    wait_until(lambda: ratings(folder) == wanted)
    gallery.press("Escape")
    gallery.press("k")
    wait_until(lambda: len(ratings(folder)) == 3 and set(ratings(folder).values()) == {"kept"})
    gallery.press("Escape")
    expect(gallery.part("chosen")).to_be_hidden()


def test_a_render_is_wiped_against_its_photo(gallery: Gallery, folder: Path) -> None:
    gallery.order("promise")
    gallery.press("Home", "Enter")
    expect(gallery.part("wipe")).to_be_enabled()
    gallery.press("w")
    divider = gallery.page.get_by_role("slider", name="Photo shown, from the left")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    gallery.press("Home", "ArrowRight", "Shift+ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "12")
    photo = gallery.page.get_by_role("img", name="The photo cat.png")
    expect(photo).to_have_js_property("naturalWidth", SIZE[0])
    assert "inset(0px 88% 0px 0px)" in photo.evaluate("(one) => getComputedStyle(one).clipPath")
    box = divider.bounding_box()
    assert box is not None
    gallery.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    gallery.page.mouse.down()
    gallery.page.mouse.move(gallery.sheet()[0] + gallery.sheet()[2] * 0.75, box["y"] + 120, steps=4)
    gallery.page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "75")
    gallery.press("w")
    expect(divider).to_be_hidden()
    gallery.page.keyboard.press("ArrowRight")
    expect(gallery.part("viewer-title")).to_have_text("photo5 · style24")
    expect(gallery.part("wipe")).to_be_disabled()


def test_a_final_comes_with_its_proof_where_the_most_promising_is_first(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.press("End")
    last = [gallery.page.locator(f'.tile[aria-posinset="{PHOTOS * STYLES + place}"]') for place in (1, 2)]
    expect(last[0]).to_have_attribute("aria-label", "photo0 in style0, final, unrated")
    expect(last[1]).to_have_attribute("aria-label", "photo0 in style0, proof, unrated")


def test_how_it_was_made_is_told(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.press("Home", "Enter", "i")
    expect(gallery.part("made")).to_contain_text("options size")
    expect(gallery.part("made")).to_contain_text("512")


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
    expect(gallery.status).to_contain_text(f"{PHOTOS * STYLES + 10} renders")
    assert gallery.current.get_attribute("aria-label") == name
    after = gallery.current.bounding_box()
    assert before is not None and after is not None
    assert after["y"] == pytest.approx(before["y"], abs=60), "at most its row has changed"
    for path in made:
        path.unlink()
    expect(gallery.status).to_contain_text(f"{PHOTOS * STYLES + 2} renders")


def test_layers_are_told_kept_in_the_tray_and_made_a_command_of(
    gallery: Gallery, server: Running, folder: Path
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
    again = Gallery(gallery.page, server.port)
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


def test_keys_are_shown_and_do_nothing_meanwhile(gallery: Gallery, folder: Path) -> None:
    gallery.press("?")
    expect(gallery.part("keys")).to_be_visible()
    gallery.press("s")
    gallery.press("Escape")
    expect(gallery.part("keys")).to_be_hidden()
    assert ratings(folder) == {}


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
