"""The Layers tab in a real browser: what it shows is what the files have."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from browser import IN_CHROMIUM
from easel import LEVELS, Easel
from playwright.sync_api import expect
from psd_tools import PSDImage

from studio.layers.blend import MIXES
from studio.layers.composite import composite
from studio.layers.stack import Group, Layer, Stack

pytest_plugins = ["easel_fixtures"]
pytestmark = IN_CHROMIUM

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
