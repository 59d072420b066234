"""The page as an artist uses it, in a real browser: photo, style, sliders, wipe, wall and file."""

import io
from pathlib import Path

import numpy as np
import pytest
from browser import IN_CHROMIUM, JPEG, Studio, difference, is_painted, look_again, original, pixels_of
from PIL import Image
from playwright.sync_api import Request, expect
from serving import Running
from toy_style import expected, toy_card, write_toy_style

from nst_core.picture import read_picture

pytest_plugins = ["browser_fixtures"]
pytestmark = IN_CHROMIUM


def test_from_a_photo_to_a_file_and_back(studio: Studio, photo: Path, tmp_path: Path) -> None:
    studio.drop(photo)
    expect(studio.part("sheet")).to_be_visible()
    studio.choose("udnie")
    painted = studio.pixels()
    assert difference(painted, original(photo, painted)) > 10
    studio.drag(studio.slider("Strength"), 2 / 3, 0.5, 0.3)()
    studio.wait_until_painted()
    weaker = studio.pixels()
    assert difference(weaker, original(photo, weaker)) < difference(painted, original(photo, painted)) - 5
    strength = float(studio.slider("Strength").input_value())
    assert 0.4 < strength < 0.5

    saved = studio.download("png", tmp_path)
    assert saved.name == "cat-udnie.png"
    picture = read_picture(saved)
    assert (picture.width, picture.height) == (640, 480)
    assert picture.settings is not None
    assert picture.settings["style"]["name"] == "udnie"
    assert picture.settings["options"]["strength"] == pytest.approx(strength)
    assert difference(picture.resized(weaker.shape[1], weaker.shape[0]).as_float(), weaker) < JPEG

    studio.choose("toy_dawn")
    studio.slider("Strength").fill("1.2")
    studio.drop(saved)
    expect(studio.part("notice")).to_contain_text("Settings of cat-udnie.png restored: “Udnie”")
    studio.wait_until_painted()
    expect(studio.card("udnie").locator("input")).to_be_checked()
    assert float(studio.slider("Strength").input_value()) == pytest.approx(strength)
    assert difference(studio.pixels(), weaker) < JPEG, "the photo was replaced"


def test_a_slider_repaints_while_it_is_dragged_and_the_last_wish_wins(studio: Studio, photo: Path) -> None:
    page = studio.page
    studio.drop(photo)
    studio.choose("toy_dawn")
    assert is_painted(studio, photo)
    running: set[Request] = set()
    at_once: list[int] = []

    def began(request: Request) -> None:
        if request.url.endswith("/paint"):
            running.add(request)
            at_once.append(len(running))

    page.on("request", began)
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: running.discard(request))
    release = studio.drag(studio.slider("Strength"), 2 / 3, *np.linspace(0.6, 0.2, 30))
    studio.wait_until_painted()
    strength = float(studio.slider("Strength").input_value())
    assert 0.2 < strength < 0.4
    assert is_painted(studio, photo, strength), "nothing was painted before the slider was let go"
    count = len(at_once)
    release()
    page.wait_for_timeout(300)
    assert len(at_once) == count, "what is there was painted again"
    assert is_painted(studio, photo, strength)
    assert set(at_once) == {1}
    expect(studio.page.get_by_role("button", name="Strength")).to_have_text(f"{strength:.2f}")


def test_first_small_then_sharp(studio: Studio, photo: Path) -> None:
    sizes: list[int] = []
    studio.page.expose_function("painted", lambda width: sizes.append(width))
    studio.drop(photo)
    expect(studio.part("sheet")).to_be_visible()
    studio.part("after").evaluate(
        "(canvas) => new MutationObserver(() => painted(canvas.width)).observe(canvas, {attributes: true})"
    )
    studio.choose("toy_dawn")
    assert sizes[0] == 256
    assert sizes[-1] == 640, "no larger than the photo"


def test_wipe_by_mouse_and_keys(studio: Studio, photo: Path) -> None:
    studio.drop(photo)
    studio.choose("toy_dawn")
    divider = studio.part("divider")
    expect(divider).to_have_attribute("aria-valuenow", "0")
    sheet = studio.part("sheet").bounding_box()
    assert sheet is not None
    box = divider.bounding_box()
    assert box is not None
    studio.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    studio.page.mouse.down()
    studio.page.mouse.move(sheet["x"] + sheet["width"] / 2, box["y"] + 60)
    studio.page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "50")
    left, right = sides(studio)
    before = studio.pixels("before")
    half = before.shape[1] // 2
    assert np.abs(left - before[:, : half - 20].mean((0, 1))).max() < 0.03
    assert np.abs(right - studio.pixels()[:, half + 20 :].mean((0, 1))).max() < 0.03

    divider.focus()
    for key, value in (("ArrowRight", 52), ("PageDown", 42), ("Home", 0), ("End", 100), ("Shift+ArrowLeft", 90)):
        studio.page.keyboard.press(key)
        expect(divider).to_have_attribute("aria-valuenow", str(value))
    studio.page.keyboard.press("b")
    expect(studio.part("flip")).to_have_attribute("aria-pressed", "true")
    expect(divider).to_have_attribute("aria-valuenow", "100")
    studio.part("flip").click()
    expect(divider).to_have_attribute("aria-valuenow", "90")


def sides(studio: Studio) -> tuple[np.ndarray, np.ndarray]:
    """Mean colors of the screen left and right of the divider in the middle of the picture."""
    image = Image.open(io.BytesIO(studio.part("sheet").screenshot())).convert("RGB")
    pixels = np.asarray(image, np.float32) / 255
    half, gap = pixels.shape[1] // 2, pixels.shape[1] // 32
    return pixels[:, : half - gap].mean((0, 1)), pixels[:, half + gap :].mean((0, 1))


def test_a_palette_is_blended(studio: Studio, photo: Path) -> None:
    studio.drop(photo)
    studio.choose("toy_dawn")
    expect(studio.part("blend")).to_be_hidden()
    studio.choose("toy_palette")
    assert is_painted(studio, photo, weights=(1, 1, 1))
    studio.slider("Toy_Palette_1").fill("0")
    studio.slider("Toy_Palette_3").fill("0.5")
    studio.wait_until_painted()
    assert is_painted(studio, photo, weights=(0, 1, 0.5))


def test_settings_are_undone_redone_set_back_and_remembered(studio: Studio, photo: Path, server: Running) -> None:
    studio.drop(photo)
    studio.choose("toy_dawn")
    strength = studio.slider("Strength")
    strength.fill("0.3")
    strength.dispatch_event("change")
    studio.wait_until_painted()
    studio.page.keyboard.press("Control+z")
    expect(strength).to_have_value("1")
    studio.wait_until_painted()
    assert is_painted(studio, photo)
    studio.page.keyboard.press("Control+Shift+z")
    expect(strength).to_have_value("0.3")
    expect(studio.part("redo")).to_be_disabled()
    strength.dblclick()
    expect(strength).to_have_value("1")
    strength.fill("0.6")
    studio.page.get_by_role("button", name="Strength").click()
    expect(strength).to_have_value("1")
    strength.fill("0.7")
    studio.page.get_by_label("Photo", exact=True).check()
    again = Studio(studio.page, server.port)
    expect(again.slider("Strength")).to_have_value("0.7")
    expect(again.page.get_by_label("Photo", exact=True)).to_be_checked()
    expect(again.card("toy_dawn").locator("input")).to_be_checked()
    expect(again.part("empty")).to_be_visible()


@pytest.mark.parametrize(("words", "found"), [("toy dusk", ["toy_dusk"]), ("RHONE gogh", ["rhone"]), ("nobody", [])])
def test_search(studio: Studio, words: str, found: list[str]) -> None:
    studio.part("search").fill(words)
    expect(studio.cards).to_have_count(len(found))
    assert [card.get_attribute("data-style") for card in studio.cards.all()] == found
    if not found:
        expect(studio.part("none")).to_have_text("No style is called “nobody”.")


def test_all_styles_fill_the_wall_and_one_is_chosen(studio: Studio, photo: Path) -> None:
    studio.drop(photo)
    studio.part("search").fill("toy")
    studio.part("all").click()
    expect(studio.part("status")).to_have_text("3 of 3 styles painted")
    expect(studio.part("stage")).to_be_hidden()
    expect(studio.part("stop")).to_be_hidden()
    shown = pixels_of(studio.card("toy_dusk").locator("canvas"))
    assert shown.shape == (288, 384, 3)
    assert difference(shown, expected(original(photo, shown))) < JPEG
    studio.card("toy_dawn").locator("input").focus()
    studio.page.keyboard.press("ArrowRight")
    expect(studio.card("toy_dusk").locator("input")).to_be_checked()
    expect(studio.part("stage")).to_be_hidden()
    studio.card("toy_dusk").click()
    expect(studio.part("stage")).to_be_visible()
    studio.wait_until_painted()
    assert is_painted(studio, photo)


def test_all_styles_can_be_stopped(studio: Studio, photo: Path) -> None:
    studio.drop(photo)
    studio.part("all").click()
    studio.part("stop").click()
    expect(studio.part("status")).to_have_text("Stopped")
    expect(studio.page.locator(".card.waiting")).to_have_count(0)
    studio.part("all").click()
    expect(studio.part("stage")).to_be_visible()


def test_styles_come_and_go_and_broken_ones_say_why(studio: Studio, styles_folder: Path) -> None:
    count = studio.cards.count()
    new, broken = styles_folder / "zz_new.onnx", styles_folder / "torn.onnx"
    try:
        write_toy_style(new, card=toy_card("zz_new", title="<img src=x onerror=throw(1)>"))
        broken.write_bytes(b"no network")
        look_again(studio)
        expect(studio.cards).to_have_count(count + 1)
        expect(studio.cards.last).to_contain_text("<img src=x onerror=throw(1)>")
        expect(studio.part("broken")).to_contain_text("torn.onnx cannot be used: ")
    finally:
        new.unlink()
        broken.unlink()
    look_again(studio)
    expect(studio.cards).to_have_count(count)
    expect(studio.part("broken")).to_be_hidden()
