"""Bodies of ``/v1/threads`` and of its messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from services.engine.schemas.base import Metadata, Request, Text
from services.engine.schemas.resources import NewToolResources, ToolResources

# Endings of pictures and documents that no model takes; scripts (.php) may well send a picture.
NO_PICTURES = frozenset({"bmp", "tif", "tiff", "svg", "heic", "ico", "psd", "pdf", "mp4", "txt"})


class TextPart(Request):
    type: Literal["text"]
    text: Text


class ImageUrl(Request):
    url: str
    detail: Literal["auto", "low", "high"] | None = None

    @field_validator("url")
    @classmethod
    def is_picture(cls, value: str) -> str:
        if value.startswith("data:image/"):
            return value
        try:
            address = urlsplit(value)
        except ValueError:
            address = urlsplit("")
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("expected an http(s) address or a data:image/... URL.")
        # An address without an extension is taken at its word.
        ending = address.path.rpartition("/")[2].rpartition(".")
        if ending[1] and ending[2].lower() in NO_PICTURES:
            raise ValueError(
                "expected a supported format (.jpeg .jpg .png .gif .webp), but got "
                f".{ending[2].lower()}."
            )
        return value


class ImageUrlPart(Request):
    type: Literal["image_url"]
    image_url: ImageUrl


class ImageFile(Request):
    file_id: str
    detail: Literal["auto", "low", "high"] | None = None


class ImageFilePart(Request):
    type: Literal["image_file"]
    image_file: ImageFile


ContentPart = Annotated[TextPart | ImageUrlPart | ImageFilePart, Field(discriminator="type")]


class AttachmentTool(Request):
    type: Literal["code_interpreter", "file_search"]


class Attachment(Request):
    file_id: str
    tools: list[AttachmentTool] | None = None


class CreateMessage(Request):
    role: Literal["user", "assistant"]
    content: Text | Annotated[list[ContentPart], Field(min_length=1)]
    attachments: list[Attachment] | None = None
    metadata: Metadata | None = None

    @field_validator("content")
    @classmethod
    def not_empty(cls, value: str | list[Any]) -> str | list[Any]:
        if value == "":
            raise ValueError("Message content must be non-empty.")
        return value


class ModifyMessage(Request):
    metadata: Metadata | None = None


# --- threads ----------------------------------------------------------------------------------


class CreateThread(Request):
    messages: list[CreateMessage] | None = None
    tool_resources: NewToolResources | None = None
    metadata: Metadata | None = None


class ModifyThread(Request):
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
