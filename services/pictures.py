"""Images among the server's files: fetched once, made small enough to be drawn in a terminal.

What arrives is untrusted: its size in bytes and in pixels is bounded before anything is decoded,
and whatever the decoder says of a broken file becomes a sentence. Decoding runs in a thread.
"""

from __future__ import annotations

import asyncio
import io
import warnings
from pathlib import PurePath
from typing import TYPE_CHECKING

from services.connection.speaking import speaking
from services.records import Picture, ServiceError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from PIL.Image import Image

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 40_000_000
KEPT_BYTES = 32 * 1024 * 1024
"""Bytes of fetched images that are kept, so that another width needs no new fetch."""
KEPT_PICTURES = 64
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_ENDINGS = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"RIFF": ".webp",
    b"BM": ".bmp",
}


class Pictures:
    """The images of one connection. Every method raises ``ServiceError``."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client
        self._fetched: dict[str, bytes] = {}
        self._drawn: dict[tuple[str, int, int], Picture] = {}

    async def drawn(self, file_id: str, columns: int, rows: int) -> Picture:
        """The image scaled down to fit into ``columns`` times ``rows`` pixels."""
        key = (file_id, columns, rows)
        if (known := self._drawn.get(key)) is not None:
            return known
        data = await self.content(file_id)
        picture = await asyncio.to_thread(scaled, data, columns, rows)
        if len(self._drawn) >= KEPT_PICTURES:
            self._drawn.pop(next(iter(self._drawn)))
        self._drawn[key] = picture
        return picture

    async def content(self, file_id: str) -> bytes:
        """The image's own bytes, at most ``MOST_BYTES`` of them."""
        if (known := self._fetched.get(file_id)) is not None:
            return known
        pieces: list[bytes] = []
        size = 0
        async with (
            speaking("fetch the image"),
            self._client.files.with_streaming_response.content(file_id) as answer,
        ):
            async for piece in answer.iter_bytes():
                size += len(piece)
                if size > MOST_BYTES:
                    raise ServiceError(
                        f"The image is larger than {MOST_BYTES // 1024 // 1024} MB and was not "
                        "fetched whole."
                    )
                pieces.append(piece)
        data = b"".join(pieces)
        kept = sum(map(len, self._fetched.values()))
        while self._fetched and kept + len(data) > KEPT_BYTES:
            kept -= len(self._fetched.pop(next(iter(self._fetched))))
        self._fetched[file_id] = data
        return data

    @staticmethod
    def file_name(title: str, data: bytes) -> PurePath:
        """What to call the image as a file: its own name, with an ending that fits."""
        return PurePath(with_ending(PurePath(title).name or "picture", data))


def scaled(data: bytes, columns: int, rows: int) -> Picture:
    """Decodes an image and scales it down to fit; transparent parts become white.

    Raises ``ServiceError`` for what is no image, is broken, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise ServiceError(
                        f"The image has {width:,} x {height:,} pixels, more than are drawn here. "
                        "It can be saved."
                    )
                # JPEG decodes at a fraction of its size, which is all that is needed.
                image.draft("RGB", (columns, rows))
                return _small(image, columns, rows)
    except UnidentifiedImageError as error:
        raise ServiceError("The file is no image that can be drawn here.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ServiceError("The image has more pixels than are drawn here.") from error
    # Decoders raise whatever a broken file leads them to.
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:
        raise ServiceError("The image is broken and cannot be drawn.") from error


def _small(image: Image, columns: int, rows: int) -> Picture:
    from PIL import Image as images

    image.thumbnail((max(1, columns), max(1, rows)), images.Resampling.BOX)
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        flat = images.new("RGBA", seen.size, "white")
        flat.alpha_composite(seen)
        image = flat
    flat_image = image.convert("RGB")
    return Picture(flat_image.width, flat_image.height, flat_image.tobytes())


def with_ending(name: str, data: bytes) -> str:
    """``name`` with the ending of the image format that the bytes have, where it has none."""
    if "." in name.strip("."):
        return name
    ending = next((each for start, each in _ENDINGS.items() if data.startswith(start)), "")
    return name + ending
