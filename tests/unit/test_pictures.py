"""Images are bounded before they are decoded, and broken ones become sentences."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from services.pictures import MOST_PIXELS, Pictures, scaled, with_ending
from services.records import ServiceError


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def a_bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has this many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000)))
        + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_an_image_is_made_to_fit_and_keeps_its_shape(kind: str) -> None:
    picture = scaled(encoded(Image.new("RGB", (800, 400), (255, 0, 0)), kind), 60, 48)
    assert (picture.width, picture.height) == (60, 30)
    assert len(picture.pixels) == 3 * 60 * 30
    assert picture.pixels[0] > 200


def test_a_small_image_is_not_made_larger() -> None:
    picture = scaled(encoded(Image.new("L", (3, 2))), 60, 48)
    assert (picture.width, picture.height) == (3, 2)


def test_what_is_transparent_becomes_white() -> None:
    picture = scaled(encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 0))), 10, 10)
    assert picture.pixels == b"\xff" * 12


@pytest.mark.parametrize("size", [(7_000, 7_000), (60_000, 60_000), (2_000_000_000, 1)])
def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(
    size: tuple[int, int],
) -> None:
    assert size[0] * size[1] > MOST_PIXELS
    with pytest.raises(ServiceError, match="pixels|broken"):
        scaled(a_bomb(*size), 60, 48)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0" * 99],
)
def test_what_is_no_image_is_said(data: bytes) -> None:
    with pytest.raises(ServiceError):
        scaled(data, 60, 48)


def test_a_broken_image_is_said() -> None:
    whole = encoded(Image.effect_noise((64, 64), 80))
    with pytest.raises(ServiceError, match="broken"):
        scaled(whole[: len(whole) // 2], 60, 48)


def test_a_saved_image_has_a_fitting_ending() -> None:
    assert with_ending("file_1", encoded(Image.new("L", (1, 1)))) == "file_1.png"
    assert with_ending("chart.jpg", b"\x89PNG") == "chart.jpg"
    assert str(Pictures.file_name("../../etc/passwd", b"GIF8")) == "passwd.gif"
    assert str(Pictures.file_name("", b"?")) == "picture"
