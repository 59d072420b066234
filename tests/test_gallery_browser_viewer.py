"""Pictures of the Gallery tab seen large, in a real browser: zoomed, side by side, and wiped against the photo."""

from pathlib import Path

import pytest
from browser import IN_CHROMIUM
from gallery_page import SIZE, Gallery, ratings
from playwright.sync_api import expect
from serving import wait_until

pytest_plugins = ["gallery_fixtures"]
pytestmark = IN_CHROMIUM


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


def test_how_it_was_made_is_told(gallery: Gallery) -> None:
    gallery.order("promise")
    gallery.press("Home", "Enter", "i")
    expect(gallery.part("made")).to_contain_text("options size")
    expect(gallery.part("made")).to_contain_text("512")
