"""The report in a real browser, opened from disk: zoom, wipe, chart, layers, and no request for anything."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import IN_CHROMIUM
from playwright.sync_api import BrowserContext, Locator, Page, expect
from toy_comparison import BEYOND, LAST, painting, rendering, slow_loss, toy_comparison

from studio.compare.comparison import Comparison
from studio.compare.report import write_report
from studio.compare.summary import write_summary

pytest_plugins = ["browser_fixtures"]
pytestmark = IN_CHROMIUM

NASTY = "<img src=x onerror=\"document.title = 'taken'\"></script><script>document.title = 'taken'</script>"
FIRST, LAST_FRAME = ".grid .frame >> nth=0", ".grid .frame >> nth=-1"
IN_FRAME = """(frame) => {
    const [a, b] = [frame, frame.querySelector("img")].map((element) => element.getBoundingClientRect());
    return [(b.x - a.x) / a.width, (b.y - a.y) / a.height, b.width / a.width];
}"""


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page without network, whose scripts run without an error and which asks for nothing but files opened here."""
    context.set_offline(True)
    page = context.new_page()
    errors: list[str] = []
    addresses: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: addresses.append(request.url))
    yield page
    page.close()
    assert errors == []
    assert addresses
    assert [url for url in addresses if not url.startswith(("file:", "data:"))] == []


@pytest.fixture
def opened(page: Page, tmp_path: Path) -> Callable[[Comparison], Page]:
    """Writes a report, and opens it from disk."""

    def show(comparison: Comparison) -> Page:
        page.goto(write_report(comparison, tmp_path).as_uri())
        return page

    return show


def part(page: Page, name: str) -> Locator:
    return page.locator(f'[data-part="{name}"]')


def places(page: Page) -> list[list[float]]:
    """Where each picture of the page is in its frame: left, top, width, in shares of the frame."""
    found = [frame.evaluate(IN_FRAME) for frame in page.locator(".frame").all()]
    return [[round(value, 3) for value in place] for place in found]


def hover(page: Page, element: Locator, x: float, y: float = 0.5) -> None:
    """Moves the mouse to shares of an element's width and height."""
    element.scroll_into_view_if_needed()
    page.wait_for_timeout(400)  # a wheel goes on scrolling the page for a moment
    box = element.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def drag(page: Page, element: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    hover(page, element, *start)
    page.mouse.down()
    hover(page, element, *end)
    page.mouse.up()


def test_all_pictures_zoom_and_move_together(opened: Callable[[Comparison], Page]) -> None:
    page = opened(toy_comparison())
    assert page.locator(".grid figcaption").all_inner_texts()[:3] == ["Photo", "Painting", "Fast\n0.1 s"]
    assert places(page) == [[0, 0, 1]] * 9
    first = page.locator(FIRST)
    hover(page, first, 0.25, 0.5)
    page.mouse.wheel(0, -300)
    zoom = 1.25**3
    assert places(page) == [pytest.approx([0.25 * (1 - zoom), 0.5 * (1 - zoom), zoom], abs=0.01)] * 9
    drag(page, page.locator(LAST_FRAME), (0.5, 0.5), (0.4, 0.5))
    assert places(page) == [pytest.approx([0.25 * (1 - zoom) - 0.1, 0.5 * (1 - zoom), zoom], abs=0.01)] * 9
    first.dblclick()
    assert places(page) == [[0, 0, 1]] * 9

    part(page, "grid").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    assert places(page) == [[-0.225, -0.125, 1.25]] * 9
    page.keyboard.press("-")
    assert places(page) == [[0, 0, 1]] * 9
    page.keyboard.press("+")
    page.keyboard.press("0")
    assert places(page) == [[0, 0, 1]] * 9


def test_two_fingers_zoom(opened: Callable[[Comparison], Page]) -> None:
    page = opened(toy_comparison())
    frame = page.locator(FIRST)
    for kind, finger, x in (("down", 1, 0.4), ("down", 2, 0.6), ("move", 1, 0.3), ("move", 2, 0.7), ("up", 1, 0.3)):
        frame.evaluate(
            """(frame, [kind, pointerId, x]) => {
                frame.setPointerCapture = () => {}; // only the browser's own pointers can be held
                const box = frame.getBoundingClientRect();
                const place = {clientX: box.x + x * box.width, clientY: box.y + box.height / 2};
                frame.dispatchEvent(new PointerEvent(`pointer${kind}`, {pointerId, ...place}));
            }""",
            [kind, finger, x],
        )
    assert places(page)[-1] == pytest.approx([-0.5, -0.5, 2], abs=0.02)


def test_the_wipe_is_between_any_two_pictures(opened: Callable[[Comparison], Page]) -> None:
    page = opened(toy_comparison())
    stage, handle = part(page, "stage"), part(page, "handle")
    assert part(page, "left").input_value() == "fast"
    assert part(page, "right").input_value() == "slow 50"
    part(page, "left").select_option("photo")
    part(page, "right").select_option("refined 25")
    grid = page.locator(".grid img")
    assert part(page, "over").get_attribute("src") == grid.nth(0).get_attribute("src")
    assert part(page, "under").get_attribute("src") == grid.nth(6).get_attribute("src")

    drag(page, stage, (0.5, 0.5), (0.2, 0.5))
    assert handle.get_attribute("aria-valuenow") == "20"
    assert page.locator(".cover").evaluate("(cover) => getComputedStyle(cover).clipPath") == "inset(0px 80% 0px 0px)"
    assert places(page)[-1] == [0, 0, 1], "the pictures stay where they are"
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert handle.get_attribute("aria-valuenow") == "22"
    page.keyboard.press("End")
    assert handle.get_attribute("aria-valuenow") == "100"


def test_the_chart_marks_where_the_fast_picture_stands(opened: Callable[[Comparison], Page]) -> None:
    page = opened(toy_comparison())
    chart = part(page, "curve")
    mark, slow = chart.locator("circle.mark"), chart.locator("polyline.slow")
    assert marked(mark, slow) == pytest.approx(20, abs=0.1)
    expect(chart).to_contain_text("equals 20 iterations")
    expect(chart.locator("desc")).to_contain_text("reaches at iteration 20, after 10.0 seconds")
    hover(page, chart, (48 + 0.5 * (chart_width(chart) - 60)) / chart_width(chart))
    expect(chart).to_contain_text("25 iterations, 12.5 s")
    expect(chart).to_contain_text(f"optimizer from the photo: {slow_loss(25):.3g}")
    page.get_by_text("seconds", exact=True).first.click()
    expect(chart).to_contain_text("as good after 10.0 s")
    assert marked(mark, slow) == pytest.approx(20, abs=0.1), "seconds go evenly with iterations"

    page.get_by_text("The curves as a table").click()
    assert part(page, "points").locator("tbody tr").count() == 2 * (LAST + 1)
    assert part(page, "refined").inner_text().splitlines()[0] == (
        "25 iterations from the fast picture reach a loss of 0.177 in 13 s; from the photo, 0.354 in 13 s."
    )


def chart_width(chart: Locator) -> float:
    box = chart.bounding_box()
    assert box is not None
    return box["width"]


def marked(mark: Locator, slow: Locator) -> float:
    """The iteration that the mark is at, having checked that it is on the curve."""
    x, y = (float(mark.get_attribute(name) or "nan") for name in ("cx", "cy"))
    points = [tuple(map(float, point.split(","))) for point in (slow.get_attribute("points") or "").split()]
    at = (x - points[0][0]) / (points[-1][0] - points[0][0]) * LAST
    assert y == pytest.approx(points[round(at)][1], abs=0.2)
    return at


def test_beyond_the_curve_there_is_no_mark(opened: Callable[[Comparison], Page]) -> None:
    page = opened(toy_comparison(fast=0.01))
    expect(part(page, "headline")).to_contain_text(f"equals more than {LAST} iterations")
    chart = part(page, "curve")
    expect(chart.locator("line.fast").first).to_be_attached()
    assert chart.locator("circle.mark").count() == 0
    expect(chart.locator("desc")).to_contain_text("which it does not reach")


def test_figures_are_those_of_the_chosen_loss_network(opened: Callable[[Comparison], Page]) -> None:
    page = opened(toy_comparison(fast=0.4, networks=("compact", "vgg19")))
    bars = part(page, "layers").locator("section")
    assert bars.locator("h3").all_inner_texts() == [
        *(f"Style, relu{number}_1" for number in range(1, 6)),
        "Content, relu4_1",
    ]
    assert bars.first.locator("dd").all_inner_texts()[0] == "0.12"
    assert bars.last.locator("dd").all_inner_texts()[0] == "0.16"
    assert bars.first.locator(".bar.slow").count() == 3
    widths = [bar.evaluate("(bar) => bar.getBoundingClientRect().width") for bar in bars.first.locator(".bar").all()]
    assert widths[0] / widths[1] == pytest.approx(0.4, abs=0.05)  # 0.4 to the 1.0 of ten iterations

    table = part(page, "figures")
    heads = table.locator("tbody th").all_inner_texts()
    assert heads == ["Fast", "Slow 10", "Slow 25", "Refined 25", "Slow 50", "Refined 50"]
    row = table.locator("tbody tr").first.locator("td")
    assert row.all_inner_texts() == ["0.1 s", "250 MB", "0.4", "0.24", "0.16", "23", "0.5", "0.25", "12.5"]
    part(page, "networks").get_by_text("vgg19").click()
    assert row.all_inner_texts() == ["0.1 s", "250 MB", "0.2", "0.12", "0.08", "33", "0.5", "0.25", "12.5"]
    assert bars.first.locator("dd").all_inner_texts()[0] == "0.06"
    assert page.locator(".network").all_inner_texts() == ["vgg19", "vgg19"]
    expect(part(page, "notes")).to_contain_text("Under vgg19 it is equal to 33 iterations.")


def test_what_a_card_says_is_text(opened: Callable[[Comparison], Page]) -> None:
    style = {"name": "toy", "title": NASTY, "sha256": "ab" * 32, "paintings": [painting(NASTY, NASTY)]}
    fast = replace(rendering("fast", 3.0, 0.1, 80), title=NASTY)
    page = opened(toy_comparison(style=style, renderings=[fast], curves=[], settings={NASTY: {NASTY: None}}))
    expect(part(page, "about")).to_contain_text(f"in the style {NASTY}: {NASTY} by {NASTY} (public domain)")
    assert page.title() != "taken"
    assert page.locator("img[src=x]").count() == 0
    assert part(page, "settings").locator("dt").first.text_content() == NASTY
    assert page.locator("figcaption").last.text_content() == f"{NASTY}0.1 s"
    assert part(page, "left").locator("option").last.text_content() == NASTY
    assert part(page, "figures").locator("tbody th").text_content() == NASTY


@pytest.mark.parametrize("width", [375, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_screen(opened: Callable[[Comparison], Page], width: int, scheme: str) -> None:
    page = opened(toy_comparison())
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(247, 246, 245)", "dark": "rgb(27, 26, 25)"}[scheme]


def test_the_summary_shows_all_photos_and_leads_to_their_reports(page: Page, tmp_path: Path) -> None:
    comparisons = [toy_comparison(), toy_comparison(fast=1.0), toy_comparison(fast=0.001), toy_comparison(fast=3.0)]
    links = [write_report(each, tmp_path / f"{i}% cat") for i, each in enumerate(comparisons)]
    page.goto(write_summary(comparisons, tmp_path, links).as_uri())
    equal = part(page, "equal")
    assert equal.locator("circle").count() == 3
    assert equal.locator("circle.beyond title").all_text_contents() == [f"cat.png: more than {BEYOND.iterations:.0f}"]
    expect(equal).to_contain_text("median 15")
    expect(part(page, "standing")).to_contain_text("1 not comparable")
    expect(part(page, "speed")).to_contain_text("median 75")
    assert part(page, "losses").locator("circle.fast").count() == 4
    cards = part(page, "cards").locator("li")
    assert cards.locator(".quiet").all_inner_texts() == [
        "equals 20 iterations, 100 times as fast",
        "equals 10 iterations, 50 times as fast",
        "equals more than 50 iterations, more than 250 times as fast",
        "not comparable",
    ]
    cards.nth(1).locator("a").click()
    expect(part(page, "headline")).to_contain_text("equals 10 iterations of the optimizer on this picture")
