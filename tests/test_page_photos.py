"""What photos come into the page, in a real browser: painted files, deep, turned and broken ones, the camera's."""

from pathlib import Path

import numpy as np
import tifffile
from browser import IN_CHROMIUM, Studio, difference, is_painted, save_photo
from PIL import Image
from playwright.sync_api import BrowserContext, expect
from serving import Running
from toy_style import expected

from nst_core.picture import read_picture, write_picture

pytest_plugins = ["browser_fixtures"]
pytestmark = IN_CHROMIUM


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
