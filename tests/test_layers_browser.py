"""The Layers tab in a real browser: what it shows is what the files have, and all work on it can be undone."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import CHROMIUM, DROP, PIXELS, file_of, pixels_of
from layered_photo import sweep, write_pictures
from playwright.sync_api import Locator, Page, expect
from psd_tools import PSDImage
from serving import HOST, Running, running, wait_until

from impasto.page import mount_page
from nst_core.picture import Picture, read_picture, write_picture
from serve.api.app import build_app
from serve.engine import Engine
from studio.layers.blend import MIXES
from studio.layers.build import build_stack
from studio.layers.composite import composite
from studio.layers.options import LayersOptions
from studio.layers.stack import Group, Layer, Stack
from studio.layers.tab import preview

pytest_plugins = ["browser_fixtures"]
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's, with the newest pandas
]

LEVELS = 2
"""That the page's picture may be from the files'."""
COMPOSE = """async ({width, height, children, sources, masks}) => {
    const { Composer } = await import(new URL("layers_tab/compose.js", document.baseURI));
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt());
    const data = new Map(sources.map((text, key) => [key, {data: bytes(text), opaque: false}]));
    const masked = (nodes) => nodes.map((node) => node.children
        ? {...node, children: masked(node.children)}
        : {...node, mask: node.mask === null ? null : bytes(masks[node.mask])});
    const composer = new Composer(width, height, data);
    const nodes = masked(children);
    const image = composer.compose(nodes, {left: 0, top: 0, width, height});
    const part = composer.compose(nodes, {left: 3, top: 2, width: 5, height: 4});
    const again = composer.compose([...nodes], {left: 0, top: 0, width, height});
    return [image, part, again].map(({data}) => [...data]);
}"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def built(pictures: tuple[Path, list[Path]]) -> Stack:
    """As the command builds it."""
    return build_stack(read_picture(pictures[0]), pictures[1], LayersOptions())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    gallery, _ = sweep(tmp_path_factory.mktemp("swept"))
    with running(mount_page(build_app(Engine()), gallery)) as server:
        yield server


class Easel:
    """The tab, and what an artist does there."""

    def __init__(self, page: Page, port: int, pictures: tuple[Path, list[Path]]) -> None:
        self.page = page
        page.goto(f"http://{HOST}:{port}/")
        page.get_by_role("tab", name="Layers").click()
        expect(self.part("size-text")).not_to_be_empty()  # its script has come
        photo, renders = pictures
        self.part("file").set_input_files([*renders, photo])
        page.get_by_role("button", name="Make layers").click()
        expect(self.part("status")).to_contain_text("Shown at")

    def part(self, name: str) -> Locator:
        return self.page.locator(f'.layers-tab [data-part="{name}"]')

    def row(self, name: str) -> Locator:
        return self.page.locator(f'.layer:has(.name[title="{name}"])')

    def names(self) -> list[str]:
        """From the top, as the list has them."""
        return self.page.locator(".layer .name").all_inner_texts()

    def choose(self, name: str) -> None:
        self.row(name).locator(".name").click()

    def slide(self, part: str, value: float) -> None:
        self.part(part).evaluate(
            """(input, value) => {
                input.value = value;
                for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind));
            }""",
            value,
        )

    def shown(self) -> np.ndarray:
        """What the picture shows once it is drawn, (H, W, 3)."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return np.rint(pixels_of(self.part("canvas")) * 255).astype(int)

    def hidden(self) -> np.ndarray:
        """How much the veil covers, (H, W), where the mask of the chosen layer hides."""
        self.part("see").click()
        self.shown()  # by then the veil is drawn, too
        width, height, data = self.part("veil").evaluate(PIXELS)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., 3].astype(int)

    def stroke(self, *places: tuple[float, float]) -> None:
        """Paints from place to place, in pixels of the picture."""
        box = self.part("canvas").bounding_box()
        assert box is not None
        zoom = box["width"] / int(self.part("canvas").get_attribute("width") or 1)
        for number, (x, y) in enumerate(places):
            self.page.mouse.move(box["x"] + x * zoom, box["y"] + y * zoom, steps=4)
            if number == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def drag(self, name: str, under: str, to_left: float = 0) -> None:
        """Drags a layer below another."""
        grip, target = self.row(name).locator(".grip").bounding_box(), self.row(under).bounding_box()
        assert grip is not None and target is not None
        self.page.mouse.move(grip["x"] + 5, grip["y"] + 5)
        self.page.mouse.down()
        self.page.mouse.move(grip["x"] + 5 - to_left, target["y"] + target["height"] - 4, steps=5)
        self.page.mouse.up()

    def save(self, format: str, folder: Path) -> Path:
        self.part("format").select_option(format)
        with self.page.expect_download() as download:
            self.part("save").click()
        saved = folder / download.value.suggested_filename
        download.value.save_as(saved)
        expect(self.part("status")).to_contain_text("Saved")
        return saved


@pytest.fixture
def easel(page: Page, server: Running, pictures: tuple[Path, list[Path]]) -> Easel:
    return Easel(page, server.port, pictures)


def with_changes(stack: Stack, change: Callable[[Layer | Group], Layer | Group | None]) -> np.ndarray:
    """What a stack shows after changes to each of its nodes, None taking one out."""

    def each(children: Any) -> list[Layer | Group]:
        found = [changed for child in children if (changed := change(child)) is not None]
        return [replace(child, children=each(child.children)) if isinstance(child, Group) else child for child in found]

    return composite(replace(stack, children=each(stack.children))).astype(int)


def assert_shows(easel: Easel, expected: np.ndarray) -> None:
    assert np.abs(easel.shown() - expected).max() <= LEVELS


def test_the_page_shows_what_the_file_will(easel: Easel, built: Stack) -> None:
    assert_shows(easel, composite(built))
    easel.choose("waves")
    easel.slide("opacity", 40)
    easel.part("blend").select_option("soft_light")
    easel.choose("Finishing")
    easel.slide("opacity", 50)
    easel.row("night").get_by_role("button", name="Hide night").click()

    def change(child: Layer | Group) -> Layer | Group:
        changes = {
            "waves": {"opacity": 0.4, "blend": "soft_light"},
            "Finishing": {"opacity": 0.5},
            "night": {"visible": False},
        }
        return replace(child, **changes.get(child.name, {}))

    assert_shows(easel, with_changes(built, change))
    easel.part("blend").select_option("multiply")  # of the group

    def multiplied(child: Layer | Group) -> Layer | Group:
        child = change(child)
        return replace(child, blend="multiply") if child.name == "Finishing" else child

    assert_shows(easel, with_changes(built, multiplied))


def test_layers_are_put_in_another_order_by_dragging_and_by_keys(easel: Easel, built: Stack) -> None:
    before, shown = easel.names(), easel.shown()
    top, bottom = (name for name in before if name in ("waves", "lilies"))
    easel.drag(top, bottom)
    after = easel.names()
    assert after.index(top) == after.index(bottom) + 1 and sorted(after) == sorted(before)
    layers = {layer.name: layer for layer in built.layers()}

    def reordered(child: Layer | Group) -> Layer | Group:
        if child.name != "Renders":
            return child
        found = [layers[name] for name in reversed(after) if name in ("waves", "night", "lilies")]
        return Group("Renders", found)

    assert_shows(easel, with_changes(built, reordered))
    easel.row(top).focus()
    for _ in range(2):
        easel.page.keyboard.press("Alt+ArrowUp")
    assert easel.names() == before
    assert np.array_equal(easel.shown(), shown)

    last = before[before.index("Base") - 1]
    easel.drag(top, last, to_left=60)  # out of the group at its bottom
    assert easel.names().index(top) == easel.names().index("Base") - 1
    expect(easel.row(top)).to_have_attribute("aria-level", "1")
    expect(easel.row(last)).to_have_attribute("aria-level", "2")
    easel.part("undo").click()
    assert easel.names() == before
    easel.row(top).focus()
    easel.page.keyboard.press("Alt+ArrowUp")  # out of the group at its top
    assert easel.names().index(top) == easel.names().index("Renders") - 1
    expect(easel.row(top)).to_be_focused()


def test_a_mask_that_is_painted_is_the_one_in_the_file(easel: Easel, built: Stack, tmp_path: Path) -> None:
    easel.choose("night")
    easel.slide("hardness", 100)
    easel.slide("strength", 60)
    easel.stroke((60, 80), (180, 80))
    easel.page.keyboard.press("x")
    easel.page.keyboard.press("[")
    easel.slide("strength", 100)
    easel.stroke((120, 80))
    hidden = easel.hidden()
    assert hidden[80, 120] == 0 and abs(hidden[80, 70] - 255 * 0.6 * 0.6) <= 1 and hidden[5, 5] == 0

    document = PSDImage.open(easel.save("psd", tmp_path))
    layer = next(layer for layer in document.descendants() if layer.name == "night")
    assert layer.mask is not None
    mask = np.asarray(layer.mask.topil())
    assert (mask[80, 120], mask[80, 70], mask[5, 5]) == (255, 102, 255)
    assert np.abs((255 - mask.astype(int)) * 0.6 - hidden).max() <= 1
    assert np.abs(np.asarray(document.topil())[..., :3].astype(int) - easel.shown()).max() <= LEVELS
    painted = with_changes(built, lambda child: replace(child, mask=mask) if child.name == "night" else child)
    assert_shows(easel, painted)


def test_all_work_is_undone_and_done_again(easel: Easel) -> None:
    states = [(easel.names(), easel.shown())]

    def done() -> None:
        states.append((easel.names(), easel.shown()))

    easel.choose("waves")
    easel.stroke((30, 30), (200, 120))
    done()
    easel.part("fill").select_option("invert")
    done()
    easel.part("fill").select_option("subject")
    done()
    easel.slide("opacity", 15)
    done()
    easel.row("waves").focus()
    easel.page.keyboard.press("F2")
    easel.page.keyboard.type("Water")
    easel.page.keyboard.press("Enter")
    done()
    easel.page.keyboard.press("Control+j")
    done()
    easel.row("Renders").get_by_role("button", name="Hide Renders").click()
    done()
    easel.row("Details").focus()
    easel.page.keyboard.press("Delete")
    done()
    assert [names for names, _ in states[4:6]] == [
        states[0][0],
        [name.replace("waves", "Water") for name in states[0][0]],
    ]
    assert "Water copy" in states[6][0] and "Details" not in states[-1][0]
    easel.part("stage").focus()
    for names, shown in reversed(states[:-1]):
        easel.page.keyboard.press("Control+z")
        assert easel.names() == names and np.array_equal(easel.shown(), shown)
    expect(easel.part("undo")).to_be_disabled()
    for names, shown in states[1:]:
        easel.page.keyboard.press("Control+Shift+z")
        assert easel.names() == names and np.array_equal(easel.shown(), shown)
    expect(easel.part("redo")).to_be_disabled()


def test_a_line_of_strokes_zoomed_and_moved_lands_where_the_pointer_is(easel: Easel) -> None:
    easel.choose("waves")
    easel.part("fill").select_option("white")
    easel.slide("hardness", 100)
    for _ in range(4):
        easel.page.keyboard.press("+")
    easel.part("stage").focus()
    easel.page.keyboard.down(" ")
    easel.stroke((100, 60), (120, 70))  # moves the picture
    easel.page.keyboard.up(" ")
    for _ in range(9):
        easel.page.keyboard.press("[")
    easel.stroke((130, 70))
    easel.page.keyboard.down("Shift")
    easel.stroke((150, 70))  # a straight line from there
    easel.page.keyboard.up("Shift")
    hidden = easel.hidden() > 0
    rows, columns = np.nonzero(hidden)
    assert abs(rows.mean() - 70) < 2 and abs(columns.mean() - 140) < 2
    assert hidden[70, 132:148].all() and np.ptp(columns) < 60


def test_what_cannot_be_painted_on_is_told(easel: Easel) -> None:
    easel.choose("Renders")
    easel.stroke((60, 80))
    expect(easel.part("status")).to_contain_text("a group has no mask")
    easel.row("Renders").get_by_role("button", name="Hide Renders").click()
    easel.choose("waves")
    easel.stroke((60, 80))
    expect(easel.part("status")).to_contain_text("waves is hidden, or its group is")
    easel.choose("Photo")  # which has no mask until it is painted on
    easel.stroke((60, 80))
    expect(easel.row("Photo").get_by_role("button", name="Mask of Photo")).to_be_visible()
    easel.part("fill").select_option("none")
    expect(easel.row("Photo").get_by_role("button", name="Mask of Photo")).to_have_count(0)
    easel.choose("Renders")
    easel.part("remove").click()
    assert not {"Renders", "waves", "night", "lilies"} & set(easel.names())


def test_a_pen_presses_and_two_fingers_zoom(easel: Easel) -> None:
    easel.choose("waves")
    easel.slide("hardness", 100)
    box = easel.part("canvas").bounding_box()
    assert box is not None
    zoom = box["width"] / 240
    session = easel.page.context.new_cdp_session(easel.page)
    at = {"x": box["x"] + 60 * zoom, "y": box["y"] + 80 * zoom}
    pen = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": 0.5}
    session.send("Input.dispatchMouseEvent", {"type": "mousePressed", **at, **pen})
    session.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **at, **pen, "force": 0})
    hidden = easel.hidden()
    assert abs(hidden[80, 60] - 255 * 0.5 * 0.6) <= 2 and hidden[80, 180] == 0

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": at["x"] + x, "y": at["y"] + y, "id": number} for number, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0, 0))
    touch("touchStart", (0, 0), (100, 0))
    touch("touchMove", (0, 0), (200, 0))
    touch("touchEnd")
    large = easel.part("canvas").bounding_box()
    assert large is not None and 1.8 < large["width"] / box["width"] < 2.2
    easel.part("see").click()
    assert np.array_equal(easel.hidden(), hidden)  # the first finger has painted nothing


def test_a_picture_that_is_wrong_is_told_and_others_may_be_taken(
    page: Page,
    server: Running,
    pictures: tuple[Path, list[Path]],
    tmp_path: Path,
) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    page.goto(f"http://{HOST}:{server.port}/")
    page.get_by_role("tab", name="Layers").click()
    tab = page.locator(".layers-tab")
    expect(tab.locator('[data-part="size-text"]')).not_to_be_empty()
    tab.locator('[data-part="file"]').set_input_files([pictures[0], tmp_path / "broken.png"])
    page.get_by_role("button", name="Make layers").click()
    expect(tab.get_by_role("alert")).to_contain_text("broken.png")
    tab.get_by_role("button", name="Leave out broken.png").click()
    expect(page.get_by_role("button", name="Make layers")).to_be_disabled()
    tab.locator('[data-part="intake"]').evaluate(DROP, file_of(pictures[1][0]))
    expect(tab.get_by_role("radio", name="The photo").first).to_be_checked()
    page.get_by_role("button", name="Make layers").click()
    expect(tab.locator(".layer").first).to_be_visible()
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('impasto:layers', {detail: {renders: [12345], opens: true}}))"
    )
    expect(tab.get_by_role("alert")).to_contain_text("12345")


def test_work_is_shown_as_it_goes_and_canceled(
    page: Page, server: Running, pictures: tuple[Path, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[BaseException] = []

    def endless(photo: Picture, renders: Any, options: Any, progress: Callable[[float], None], sight: Any) -> Stack:
        try:
            while True:
                progress(0.5)
                time.sleep(0.01)
        except BaseException as error:
            ended.append(error)
            raise

    monkeypatch.setattr(preview, "build_stack", endless)
    page.goto(f"http://{HOST}:{server.port}/")
    page.get_by_role("tab", name="Layers").click()
    tab = page.locator(".layers-tab")
    expect(tab.locator('[data-part="size-text"]')).not_to_be_empty()
    tab.locator('[data-part="file"]').set_input_files([pictures[0], *pictures[1]])
    page.get_by_role("button", name="Make layers").click()
    expect(tab.get_by_role("progressbar")).to_have_js_property("value", 0.4)
    tab.get_by_role("button", name="Cancel").click()
    expect(tab.locator('[data-part="status"]')).to_have_text("Canceled")
    expect(page.get_by_role("button", name="Make layers")).to_be_enabled()
    wait_until(lambda: ended)


def test_renders_of_the_gallery_are_opened_as_layers(page: Page, server: Running) -> None:
    page.goto(f"http://{HOST}:{server.port}/")
    page.get_by_role("tab", name="Gallery").click()
    tiles = page.locator(".gallery .tile")
    expect(tiles).to_have_count(3)
    tiles.first.click()
    page.keyboard.press("l")
    page.keyboard.press("Escape")
    page.locator('.gallery [data-part="tray-open"]').click()
    expect(page.locator(".layers-tab .layer").first).to_be_visible()
    expect(page.locator('.layers-tab [data-part="status"]')).to_contain_text("240 × 160")
    expect(page.get_by_role("tab", name="Layers")).to_have_attribute("aria-selected", "true")


def test_renders_are_added_to_the_layers_that_are_open(
    easel: Easel, pictures: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    easel.choose("waves")
    easel.slide("opacity", 40)
    before = easel.names()
    write_picture(read_picture(pictures[1][0]).resized(120, 80), tmp_path / "cat-dawn.png")
    easel.part("stage").evaluate(DROP, file_of(tmp_path / "cat-dawn.png"))
    expect(easel.part("status")).to_have_text("Added dawn")
    place = before.index("Renders") + 1
    assert easel.names() == [*before[:place], "dawn", *before[place:]]
    easel.choose("waves")
    expect(easel.part("opacity-text")).to_have_text("40 %")
    document = PSDImage.open(easel.save("psd", tmp_path))
    assert "dawn" in [layer.name for layer in document.descendants()]
    assert np.abs(np.asarray(document.topil())[..., :3].astype(int) - easel.shown()).max() <= LEVELS
    easel.part("stage").evaluate(DROP, file_of(tmp_path / "cat-dawn.png"))
    expect(easel.part("status")).to_have_text("These are among the layers already.")


def test_on_a_phone_nothing_is_cut_off(easel: Easel) -> None:
    easel.page.set_viewport_size({"width": 375, "height": 800})
    try:
        expect(easel.part("save")).to_be_visible()
        assert easel.page.evaluate("document.documentElement.scrollWidth") == 375
        box = easel.part("canvas").bounding_box()
        assert box is not None and box["width"] <= 375
    finally:
        easel.page.set_viewport_size({"width": 1200, "height": 800})


def test_layers_of_all_kinds_are_composed_as_in_the_files(easel: Easel) -> None:
    random = np.random.default_rng(0)
    width, height = 24, 16

    def plane(*channels: int) -> np.ndarray:
        levels = random.integers(0, 256, (height, width, *channels), np.uint8)
        levels[random.random((height, width)) < 0.2] = random.choice([0, 255])
        return levels

    def layer(blend: Any) -> Layer:
        mask = plane() if random.random() < 0.7 else None
        return Layer(blend, plane(3), plane() if random.random() < 0.5 else None, mask, random.random(), blend)

    for opaque in (True, False):
        inside = [layer(blend) for blend in ("normal", *MIXES)]
        groups: list[Layer | Group] = [
            Group(blend, [layer("normal"), *random.permutation(np.array(inside, object))[:3]], random.random(), blend)
            for blend in ("pass_through", "normal", *MIXES)
        ]
        ground = [Layer("ground", plane(3))] if opaque else []
        stack = Stack(width, height, [*ground, *inside, *groups, Group("all", inside[:2])])
        sources: list[str] = []
        masks: list[str] = []

        def described(child: Layer | Group, sources: list[str] = sources, masks: list[str] = masks) -> dict[str, Any]:
            common = {"opacity": child.opacity, "blend": child.blend, "visible": child.visible}
            if isinstance(child, Group):
                return common | {"children": [described(each) for each in child.children]}
            alpha = np.full((height, width), 255, np.uint8) if child.alpha is None else child.alpha
            sources.append(base64.b64encode(np.dstack([child.pixels, alpha]).tobytes()).decode())
            if child.mask is not None:
                masks.append(base64.b64encode(child.mask.tobytes()).decode())
            mask = None if child.mask is None else len(masks) - 1
            return common | {"key": len(sources) - 1, "mask": mask}

        children = [described(child) for child in stack.children]
        given = {"width": width, "height": height, "children": children, "sources": sources, "masks": masks}
        whole, part, again = easel.page.evaluate(COMPOSE, json.loads(json.dumps(given)))
        expected = composite(stack).astype(int)
        found = np.array(whole).reshape(height, width, 4)
        assert np.abs(found[..., :3] - expected).max() <= LEVELS and (found[..., 3] == 255).all()
        assert np.abs(np.array(part).reshape(4, 5, 4)[..., :3] - expected[2:6, 3:8]).max() <= LEVELS
        assert whole == again
