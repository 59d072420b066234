"""The fields of a request, their ranges, and what is known of a photo before it is decoded."""

import math
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, BinaryIO, Literal

from fastapi import File, Form, UploadFile
from starlette.concurrency import run_in_threadpool

from models.card import STRENGTH_RANGE
from models.catalog import Style
from nst_core.picture import fit_long_side
from nst_core.picture_formats import kind_of
from serve.api.limits import Limits
from serve.api.problems import refusal
from serve.paint_options import BRUSH_RANGE, PaintOptions

Format = Literal["png", "jpeg", "webp", "tiff"]
SUFFIXES: dict[Format, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tif"}
LONGEST_NAME = 100
STYLES_AT_ONCE = 200

_NUMBER = r"\d{1,9}(\.\d{1,9})?"
_WEIGHTS = rf"^({_NUMBER}(,{_NUMBER})*)?$"

Image = Annotated[UploadFile, File(description="The photo: JPEG, PNG, WebP, TIFF, BMP, GIF or HEIC.")]
StyleName = Annotated[str, Form(description="Name of a style, as GET /api/v1/styles lists them.", max_length=255)]
StyleNames = Annotated[
    list[StyleName], Form(description="Names of styles; painted in this order.", max_length=STYLES_AT_ONCE)
]


@dataclass(frozen=True)
class Photo:
    """A photo as it arrived, not decoded yet."""

    name: str
    """File name, never a path."""
    file: BinaryIO
    width: int
    height: int
    """Both 0 where the file's header tells nothing; decoding it will tell why."""

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True)
class Wish:
    """How a photo is to be painted, and what kind of file the result is to be."""

    options: PaintOptions
    format: Format
    bits: int | None
    quality: int

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]

    @property
    def media_type(self) -> str:
        return f"image/{self.format}"

    def filename(self, photo: Photo, style: Style) -> str:
        """What the result is called."""
        return f"{PurePosixPath(photo.name).stem}-{style.name}{self.suffix}"

    def pixels(self, photo: Photo) -> int:
        """How large the work is: the photo, or the result where that is larger."""
        return max(photo.pixels, math.prod(self.result_size(photo)))

    def result_size(self, photo: Photo) -> tuple[int, int]:
        """Width and height of the result."""
        if not self.options.size or not photo.pixels:
            return photo.width, photo.height
        return fit_long_side(photo.width, photo.height, self.options.size)

    def check(self, photo: Photo, styles: list[Style], limits: Limits) -> None:
        """Finds out before any work whether the styles can be painted so.

        Raises:
            ConfigError: one cannot.
            HTTPException: 413, the result would be too large.
        """
        for style in styles:
            self.options.check(style)
        width, height = self.result_size(photo)
        if width * height > limits.pixels:
            raise refusal(
                413, f"the result would have {width} × {height} pixels, {_over(limits)}; choose a smaller size"
            )


async def read_wish(
    strength: Annotated[
        float, Form(ge=STRENGTH_RANGE[0], le=STRENGTH_RANGE[1], description="0 is the photo, 1 as trained.")
    ] = 1.0,
    brush_size: Annotated[
        float, Form(ge=BRUSH_RANGE[0], le=BRUSH_RANGE[1], description="Size of the strokes, 1 as trained.")
    ] = 1.0,
    weights: Annotated[
        str, Form(pattern=_WEIGHTS, max_length=1000, description="Shares of a palette's paintings, with commas: 1,0,2.")
    ] = "",
    color: Annotated[
        Literal["painting", "photo", "palette"], Form(description="Whose colors the result has.")
    ] = "painting",
    size: Annotated[
        int, Form(ge=0, le=100_000, description="Long side of the result, pixels; 0 is the photo's own.")
    ] = 0,
    format: Annotated[Format, Form(description="Kind of file.")] = "png",
    bits: Annotated[
        Literal["", "8", "16"], Form(description="Bits a channel, 16 for png and tiff; empty is the photo's own.")
    ] = "",
    quality: Annotated[int, Form(ge=1, le=100, description="Of jpeg and webp; 100 makes webp lossless.")] = 92,
) -> Wish:
    """The fields that say how to paint."""
    if bits == "16" and format not in ("png", "tiff"):
        raise refusal(422, f"bits: {format} holds 8 bits a channel; choose png or tiff for 16")
    shares = tuple(float(weight) for weight in weights.split(",")) if weights else ()
    options = PaintOptions(size=size, strength=strength, brush_size=brush_size, weights=shares, color=color)
    return Wish(options, format, int(bits) if bits else None, quality)


async def read_photo(image: UploadFile, limits: Limits) -> Photo:
    """What an upload is, by its header.

    Raises:
        HTTPException: 413, the photo is too large.
    """
    width, height = await run_in_threadpool(_size, image.file)
    photo = Photo(_file_name(image.filename or ""), image.file, width, height)
    if photo.pixels > limits.pixels:
        raise refusal(413, f"{photo.name} has {width} × {height} pixels, {_over(limits)}; send a smaller photo")
    return photo


def _size(file: BinaryIO) -> tuple[int, int]:
    """Width and height by the header alone, 0 where it cannot be read."""
    try:
        head = file.read(32)
        file.seek(0)
        _, open_header = kind_of(head)
        if open_header is None:
            return 0, 0
        header = open_header(file)
        return header.width, header.height
    except Exception:  # decoders raise whatever comes up; what is wrong is said when the photo is decoded
        return 0, 0
    finally:
        file.seek(0)


def _over(limits: Limits) -> str:
    return f"over the limit of {limits.pixels / 1e6:g} megapixels"


def _file_name(given: str) -> str:
    """The name that a browser gave a file, without folders and what no file name holds."""
    name = re.split(r"[\\/]", given)[-1]
    name = "".join(letter for letter in name if letter.isprintable()).strip(" .")
    return name[-LONGEST_NAME:] or "photo"
