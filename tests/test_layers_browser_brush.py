"""The Layers tab in a real browser: strokes land where the pointer is, and all work can be undone."""

import numpy as np
from browser import IN_CHROMIUM
from easel import Easel
from playwright.sync_api import expect

pytest_plugins = ["easel_fixtures"]
pytestmark = IN_CHROMIUM


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
