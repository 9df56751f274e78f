"""Stored images for the model, which cannot see file ids: their bytes go along as ``data:``."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.models.base import Content, ImageContent, ModelMessage, TextContent
from services.engine.store import files
from services.engine.store.contents import Contents

FORMATS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
MAX_BYTES = 20 * 1024 * 1024
_SCHEME = "stored-image:"


def image_format(filename: str) -> str | None:
    """The media type of an image by its name, None for what is no supported image."""
    return FORMATS.get(filename.rpartition(".")[2].lower()) if "." in filename else None


def stored_image(file_id: str, detail: str) -> ImageContent:
    """Stands for a stored image until ``inline`` puts its bytes in its place."""
    return ImageContent(_SCHEME + file_id, detail)


async def inline(
    connection: AsyncConnection, contents: Contents, messages: Sequence[ModelMessage]
) -> list[ModelMessage]:
    """The messages with every stored image inside; one that is gone is said to be gone."""
    inlined = []
    for message in messages:
        if any(_is_stored(part) for part in message.content):
            parts = [await _inlined(connection, contents, part) for part in message.content]
            message = replace(message, content=tuple(parts))
        inlined.append(message)
    return inlined


def _is_stored(part: Content) -> bool:
    return isinstance(part, ImageContent) and part.url.startswith(_SCHEME)


async def _inlined(connection: AsyncConnection, contents: Contents, part: Content) -> Content:
    if not isinstance(part, ImageContent) or not _is_stored(part):
        return part
    file = await files.find(connection, part.url.removeprefix(_SCHEME))
    kind = image_format(file["filename"]) if file else None
    data = await contents.read(file["id"]) if file and file["bytes"] <= MAX_BYTES else None
    if data is None or kind is None:
        return TextContent("[An image stood here that is not available any more.]")
    encoded = await asyncio.to_thread(base64.b64encode, data)
    return replace(part, url=f"data:{kind};base64,{encoded.decode()}")
