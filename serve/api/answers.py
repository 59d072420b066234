"""What the API answers, as its OpenAPI document describes it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel

from serve.api.problems import problems

Share = Annotated[float, Field(ge=0, le=1)]


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"]


class PaintingAnswer(BaseModel):
    """A painting that a style was learned from."""

    name: str
    title: str
    artist: str
    license: str


class StyleAnswer(PaintingAnswer):
    """A style that can be painted with."""

    paintings: list[PaintingAnswer] = Field(description="In the order of the field `weights`, where there are several.")
    network: str
    steps: int
    size_px: int = Field(description="Long side of the photo that the strokes were learned for.")
    created: str = Field(description="Date, ISO 8601.")
    figures: dict[str, Any] = Field(description="What was measured.")
    thumbnail: str = Field(description="Address of a picture in the style; changes when the style does.")


class BrokenAnswer(BaseModel):
    """A file among the styles that cannot be painted with."""

    file: str
    reason: str


class StylesAnswer(BaseModel):
    """What can be painted with."""

    styles: list[StyleAnswer]
    broken: list[BrokenAnswer]
    strength: tuple[float, float] = Field(description="Least and greatest.")
    brush_size: tuple[float, float] = Field(description="Least and greatest.")


class InspectAnswer(BaseModel):
    """What is in a picture's file."""

    name: str
    width: int
    height: int
    bits: Literal[8, 16]
    alpha: bool
    settings: dict[str, Any] | None = Field(description="What Impasto painted it with, if it did.")
    preview: str | None = Field(description="data:image/jpeg;base64,...")


class Waiting(BaseModel):
    """In the line."""

    event: Literal["waiting"]
    position: Annotated[int, Field(ge=1)]


class Begun(BaseModel):
    """A style's turn has come."""

    event: Literal["begun"]
    style: str


class Progressed(BaseModel):
    """So much of a style is painted."""

    event: Literal["progress"]
    style: str
    share: Share
    seconds_left: float


class Finished(BaseModel):
    """A picture."""

    event: Literal["picture"]
    style: str
    media_type: str
    filename: str
    width: int
    height: int
    seconds: float
    data: str = Field(description="The file, in base64.")


class Failed(BaseModel):
    """A style that could not be painted; the others are."""

    event: Literal["failed"]
    style: str
    reason: str


class End(BaseModel):
    """Nothing comes after."""

    event: Literal["end"]


class Event(RootModel[Waiting | Begun | Progressed | Finished | Failed | End]):
    """One line of the stream."""


_BINARY = {"schema": {"type": "string", "format": "binary"}}
PNG: dict[int | str, dict[str, Any]] = {200: {"description": "The picture.", "content": {"image/png": _BINARY}}}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The painted picture; the settings that made it are inside.",
        "content": {f"image/{name}": _BINARY for name in ("png", "jpeg", "webp", "tiff")},
        "headers": {
            "X-Impasto-Seconds": {"description": "That painting took.", "schema": {"type": "string"}},
            "X-Impasto-Size": {"description": "Width and height: 640x480.", "schema": {"type": "string"}},
            "Content-Disposition": {"description": "PHOTO-STYLE with a suffix.", "schema": {"type": "string"}},
        },
    }
}
METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
WORK_PROBLEMS = problems(400, 404, 408, 413, 415, 422, 429, 503)
