"""The page as an artist uses it, in a real browser; each test also fails on a script's error or a request elsewhere."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from browser import CHROMIUM, FLAGS, Studio, difference, pixels_of
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect, sync_playwright
from serving import PATIENCE_S, GatedEngine, Running, running, wait_until
from toy_style import expected, toy_card, write_toy_style

from impasto.page import mount_page
from nst_core.picture import read_picture, write_picture
from serve.api import build_app
from serve.engine import Engine

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's, with the newest pandas
]

expect.set_options(timeout=PATIENCE_S * 1000)

JPEG = 3.0
"""How far a JPEG may be from what was painted, on average, in 255ths."""


@pytest.fixture(scope="module")
def styles_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three toy styles, which come to those that ship: two of one painting, one of three."""
    folder = tmp_path_factory.mktemp("styles")
    write_toy_style(folder / "toy_dawn.onnx")
    write_toy_style(folder / "toy_dusk.onnx")
    write_toy_style(folder / "toy_palette.onnx", paintings=3)
    return folder


@pytest.fixture(scope="module")
def make_app(styles_folder: Path) -> Iterator[Callable[[], FastAPI]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_STYLES_DIR", str(styles_folder))
        yield lambda: mount_page(build_app(Engine()))


@pytest.fixture(scope="module")
def server(make_app: Callable[[], FastAPI]) -> Iterator[Running]:
    with running(make_app()) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all tests, as its cache makes the page open faster; what a page stores is cleared after each."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE_S * 1000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    addresses: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: addresses.append(request.url))
    yield page
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    page.close()
    assert errors == []
    assert addresses
    assert [url for url in addresses if not re.match(r"http://127\.0\.0\.1:|data:|blob:", url)] == []


@pytest.fixture
def studio(page: Page, server: Running) -> Studio:
    return Studio(page, server.port)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A smooth photo, so that JPEG keeps it well."""
    return save_photo(tmp_path / "cat.png")


def save_photo(path: Path, width: int = 640, height: int = 480) -> Path:
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 200 / height + 20, columns * 200 / width + 20, (rows + columns) % 256 / 4 + 60], 2)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def original(path: Path, like: np.ndarray) -> np.ndarray:
    """A photo at the size of a preview."""
    height, width = like.shape[:2]
    return read_picture(path).resized(width, height).as_float()


def is_painted(studio: Studio, photo: Path, strength: float = 1.0, weights: tuple[float, ...] = (1.0,)) -> bool:
    shown = studio.pixels()
    return difference(shown, expected(original(photo, shown), strength, weights)) < JPEG


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


def test_a_painted_file_alone_brings_its_settings_and_becomes_the_photo_when_told(
    studio: Studio, photo: Path, tmp_path: Path, server: Running
) -> None:
    studio.drop(photo)
    studio.choose("toy_palette")
    studio.slider("Toy_Palette_2").fill("0")
    studio.slider("Brush size").fill("-1")
    studio.page.get_by_label("Palette", exact=True).check()
    studio.wait_until_painted()
    saved = studio.download("webp", tmp_path)
    assert saved.name == "cat-toy_palette.webp"

    studio.page.evaluate("localStorage.clear()")
    again = Studio(studio.page, server.port)
    again.drop(saved)
    expect(again.part("notice")).to_contain_text("restored: “Toy Palette”. To paint with them, drop the photo")
    expect(again.part("notice")).to_contain_text("cat.png")
    expect(again.part("empty")).to_be_visible()
    shares = [again.slider(f"Toy_Palette_{number}").input_value() for number in (1, 2, 3)]
    assert shares == ["1", "0", "1"]
    assert again.slider("Brush size").input_value() == "-1"
    expect(again.page.get_by_label("Palette", exact=True)).to_be_checked()
    again.page.get_by_role("button", name="Paint this picture itself").click()
    expect(again.part("sheet")).to_be_visible()
    again.wait_until_painted()


def test_settings_come_back_to_the_last_digit(studio: Studio, photo: Path, tmp_path: Path) -> None:
    options = {"strength": 0.5125, "brush_size": 0.7, "color": "photo", "weights": [], "size": 0}
    painted = tmp_path / "cat-toy_dawn.jpg"
    settings = {"command": "paint", "style": {"name": "toy_dawn"}, "options": options}
    write_picture(read_picture(photo), painted, settings=settings)
    studio.drop(photo)
    studio.drop(painted)
    expect(studio.part("notice")).to_contain_text("restored")
    studio.wait_until_painted()
    saved = read_picture(studio.download("jpeg", tmp_path / "again"))
    assert saved.settings is not None
    assert saved.settings["options"] == options


def test_a_painted_file_of_a_style_that_is_gone(studio: Studio, photo: Path, tmp_path: Path) -> None:
    painted = tmp_path / "painted.tif"
    write_picture(read_picture(photo), painted, settings={"command": "paint", "style": {"name": "lost"}})
    studio.drop(painted)
    expect(studio.part("notice")).to_contain_text("painted.tif was painted with the style lost, which is not here.")
    studio.page.get_by_role("button", name="Paint this picture itself").click()
    expect(studio.part("status")).to_have_text("Now choose a style.")


def test_of_several_photos_at_once_the_last_counts(studio: Studio, photo: Path, tmp_path: Path) -> None:
    slow, quick = save_photo(tmp_path / "slow.png"), save_photo(tmp_path / "quick.png", 320, 240)
    studio.page.evaluate("""() => {
        const open = createImageBitmap;
        window.createImageBitmap = async (file, ...how) => {
            if (file.name === "slow.png") await new Promise((go) => (window.go = go));
            return open(file, ...how);
        };
    }""")
    studio.drop(slow)
    studio.page.wait_for_function("Boolean(window.go)")
    studio.drop(quick)
    expect(studio.part("sheet")).to_be_visible()
    studio.page.evaluate("() => { go(); return new Promise((then) => setTimeout(then, 300)); }")
    assert studio.pixels("before").shape == (240, 320, 3)


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


def look_again(studio: Studio) -> None:
    """As when the artist comes back to the page."""
    studio.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_what_is_no_picture_is_told(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear Theo")
    studio.drop(path)
    expect(studio.part("notice")).to_contain_text("letter.png")
    expect(studio.part("empty")).to_be_visible()
    studio.part("notice-close").click()
    expect(studio.part("notice")).to_be_hidden()


def test_a_photo_that_no_browser_shows_and_sixteen_bits(studio: Studio, photo: Path, tmp_path: Path) -> None:
    deep = tmp_path / "deep.tif"
    tifffile.imwrite(deep, read_picture(photo).with_bits(16).pixels, photometric="rgb")
    studio.drop(deep)
    studio.choose("toy_dawn")
    assert is_painted(studio, photo)
    saved = studio.download("tiff", tmp_path)
    assert saved.name == "deep-toy_dawn.tif"
    picture = read_picture(saved)
    assert (picture.width, picture.height, picture.bit_depth) == (640, 480, 16)
    assert difference(picture.as_float(), expected(read_picture(deep).as_float())) < 1
    assert len(np.unique(picture.pixels)) > 256


def test_a_photo_stands_as_it_was_taken(studio: Studio, photo: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right by a quarter
    Image.open(photo).save(turned, quality=95, exif=exif)
    studio.paste(turned)
    studio.choose("toy_dawn")
    shown = studio.pixels()
    assert shown.shape[0] / shown.shape[1] == 4 / 3
    assert is_painted(studio, turned)


def test_transparency_stays(studio: Studio, photo: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.png"
    image = Image.open(photo).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 320, 480))
    image.save(cut)
    studio.drop(cut)
    studio.choose("toy_dawn")
    corners = "(canvas) => [8, canvas.width - 8].map((x) => canvas.getContext('2d').getImageData(x, 8, 1, 1).data[3])"
    assert studio.part("after").evaluate(corners) == [0, 255]


def test_a_photo_from_the_camera(studio: Studio, context: BrowserContext) -> None:
    studio.part("camera").click()
    expect(studio.part("camera-text")).to_contain_text("was not allowed to use the camera")
    expect(studio.part("shoot")).to_be_disabled()
    studio.part("camera-close").click()
    context.grant_permissions(["camera"])
    studio.part("camera").click()
    studio.part("shoot").click()
    expect(studio.part("camera-dialog")).to_be_hidden()
    expect(studio.part("sheet")).to_be_visible()
    assert studio.pixels("before").std() > 0.05
    assert studio.part("video").evaluate("(video) => video.srcObject") is None, "the camera stays on"
    context.clear_permissions()


def test_a_busy_server_is_asked_again(studio: Studio, photo: Path) -> None:
    refusals = iter([429, 503])

    def refuse(route: Route) -> None:
        status = next(refusals, None)
        if status is None:
            route.continue_()
        else:
            problem = '{"title": "busy", "detail": "try again"}'
            route.fulfill(status=status, headers={"Retry-After": "1"}, body=problem)

    studio.page.route("**/api/v1/paint", refuse)
    studio.drop(photo)
    studio.card("toy_dawn").click()
    expect(studio.part("status")).to_have_text("Waiting for a place…")
    studio.wait_until_painted()
    assert next(refusals, None) is None
    assert is_painted(studio, photo)


def test_what_the_server_refuses_is_told(studio: Studio, photo: Path, tmp_path: Path) -> None:
    small = save_photo(tmp_path / "stamp.png", 40, 20)
    studio.drop(small)
    studio.card("toy_dawn").click()
    expect(studio.part("notice")).to_contain_text("32")
    studio.drop(photo)
    expect(studio.part("notice")).to_be_hidden()
    studio.wait_until_painted()


def test_a_download_shows_how_far_it_is_and_is_canceled(page: Page, styles_folder: Path, photo: Path) -> None:
    engine = GatedEngine()
    with running(mount_page(build_app(engine))) as server:
        studio = Studio(page, server.port)
        engine.let(2)
        studio.drop(photo)
        studio.choose("toy_dawn")
        studio.part("download").click()
        expect(studio.part("progress")).to_have_attribute("value", "0.5")
        expect(studio.part("left")).to_have_text(re.compile("left|almost done"))
        studio.part("cancel").click()
        expect(studio.part("status")).to_have_text("Download canceled")
        expect(studio.part("download")).to_be_focused()
        wait_until(lambda: engine.stopped == ["cat.png"])


def test_a_server_that_has_gone_comes_back(page: Page, make_app: Callable[[], FastAPI], photo: Path) -> None:
    with running(make_app()) as first:
        studio = Studio(page, first.port)
        studio.drop(photo)
        studio.choose("toy_dawn")
    studio.slider("Strength").fill("0.5")
    expect(studio.part("notice")).to_contain_text("Impasto does not answer")
    with running(make_app(), first.port):
        look_again(studio)
        expect(studio.part("notice")).to_be_hidden()
        studio.wait_until_painted()
        assert is_painted(studio, photo, 0.5)
        page.goto("about:blank")


def test_who_waits_sees_the_place_in_the_line(
    context: BrowserContext, page: Page, styles_folder: Path, photo: Path
) -> None:
    engine = GatedEngine()
    with running(mount_page(build_app(engine))) as server:
        other = context.new_page()
        first, second = Studio(page, server.port), Studio(other, server.port)
        for studio in (first, second):
            studio.part("search").fill("toy")
            studio.drop(photo)
            studio.part("all").click()
        expect(second.part("status")).to_have_text("Waiting: number 1 in the line")
        engine.let(6)
        for studio in (first, second):
            expect(studio.part("status")).to_have_text("3 of 3 styles painted")
        other.close()


def test_zoom_shows_the_pixels_of_a_large_photo(studio: Studio, tmp_path: Path) -> None:
    studio.drop(save_photo(tmp_path / "large.png", 1600, 1200))
    studio.choose("toy_dawn")
    assert studio.pixels().shape[1] <= 1024
    studio.page.keyboard.press("z")
    expect(studio.part("zoom")).to_have_attribute("aria-pressed", "true")
    studio.page.wait_for_function("document.querySelector('[data-part=after]').width === 1600")
    box = studio.part("sheet").bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(1600, abs=2)
    assert studio.part("stage").evaluate("(stage) => stage.scrollLeft") > 100


def test_the_keyboard_alone_is_enough(studio: Studio, tmp_path: Path) -> None:
    page = studio.page

    def tab_to(label: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate("(document.activeElement.ariaLabel ?? '') + document.activeElement.textContent")
            if label in focused:
                return
        pytest.fail(f"Tab does not reach {label}")

    tab_to("Example photo: rocket")
    page.keyboard.press("Enter")
    expect(studio.part("sheet")).to_be_visible()
    tab_to("Search styles")
    page.keyboard.type("toy")
    tab_to("All styles")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    studio.wait_until_painted()
    expect(studio.card("toy_dawn").locator("input")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(studio.card("toy_dusk").locator("input")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    expect(studio.slider("Strength")).to_have_value("0.99")
    studio.wait_until_painted()
    page.evaluate("document.querySelector('[data-part=format]').focus()")
    page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "rocket-toy_dusk.png"


@pytest.mark.parametrize("wall", [False, True], ids=["picture", "all styles"])
def test_a_phone_is_wide_enough(browser: Browser, server: Running, photo: Path, wall: bool) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True)
    studio = Studio(context.new_page(), server.port)
    studio.part("search").fill("toy")
    studio.drop(photo)
    studio.card("toy_palette").tap()
    studio.wait_until_painted()
    if wall:
        studio.part("all").click()
        expect(studio.part("stop")).to_be_hidden()
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 375
    controls = studio.page.locator(".paint :is(button, select, input[type=range], input[type=search], .colors label)")
    boxes = [control.bounding_box() for control in controls.all() if control.is_visible()]
    assert len(boxes) > 8
    assert [box for box in boxes if box is None or box["height"] < 40 or box["x"] + box["width"] > 375] == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(browser: Browser, server: Running, photo: Path, scheme) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 800})
    studio = Studio(context.new_page(), server.port)
    contrasts = measure(studio)
    studio.drop(photo)
    studio.choose("toy_palette")
    contrasts |= measure(studio)
    assert len(contrasts) > 15
    assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
    context.close()


def measure(studio: Studio) -> dict[str, float]:
    """Contrast of each text that is not disabled, by WCAG 2."""
    return studio.page.evaluate("""() => {
        const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
            .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
            .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
        const parse = (color) => color.match(/[\\d.]+/g).map(Number);
        const ground = (element) => {
            for (; element; element = element.parentElement) {
                const color = parse(getComputedStyle(element).backgroundColor);
                if ((color[3] ?? 1) > 0) return color;
            }
            return [255, 255, 255];
        };
        const found = {};
        for (const element of document.querySelectorAll(".gradio-container *")) {
            const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!own || !element.checkVisibility() || element.closest(":disabled, .hidden")) continue;
            const [one, two] = [parse(getComputedStyle(element).color), ground(element)].map(light);
            found[element.textContent.trim()] = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        }
        return found;
    }""")
