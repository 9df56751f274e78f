"""Broken requests on a real socket: ``understudy serve`` answers, or hangs up; it never waits."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.test_serve import serving
from tests.wire.door import PATIENCE, Door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home: Path = tmp_path_factory.mktemp("served")
    with serving(home) as server:
        yield Door(server)
        _, _, talk = server.stop()
        assert b"Traceback" not in talk
        log = home / "log" / "understudy.log"
        assert not log.exists() or "Traceback" not in log.read_text()


@pytest.fixture(autouse=True)
def unharmed(door: Door) -> Iterator[None]:
    """After every test the server answers, and nothing was stored."""
    before = door.get("/v1/files"), door.get("/v1/assistants"), door.get("/v1/threads")
    yield
    assert (door.get("/v1/files"), door.get("/v1/assistants"), door.get("/v1/threads")) == before


# --- multipart --------------------------------------------------------------------------------

PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
PURPOSE = PART % (b"purpose", b"", b"assistants")
FILE = PART % (b"file", b'; filename="a.txt"', b"text")
END = b"--b--\r\n"
FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", PURPOSE + FILE + END),
        ("multipart/form-data; boundary=", PURPOSE + FILE + END),
        ("multipart/form-data; boundary=other", PURPOSE + FILE + END),
        (f"multipart/form-data; boundary={'b' * 300}", PURPOSE + FILE + END),
        (FORM, PURPOSE + FILE),
        (FORM, PURPOSE + FILE[:-10]),
        (FORM, PURPOSE + FILE + b"--b"),
        (FORM, PURPOSE + FILE + (PART % (b"expires_after[seconds]", b"", b"36"))[:-6]),
        (FORM, b""),
        (FORM, END),
        (FORM, b"\x00" * 5000),
        (FORM, b"--b\r\n\r\n\r\n" + END),
        (FORM, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + PURPOSE + FILE + END),
        (FORM, b"--b\r\nX: " + b"y" * 65536 + b"\r\n\r\n\r\n" + PURPOSE + FILE + END),
        (FORM, b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\n\r\n" + PURPOSE + FILE + END),
        (FORM, (PART % (b"x", b"", b"y")) * 5000 + PURPOSE + FILE + END),
        (FORM, FILE * 5000 + PURPOSE + END),
        (FORM, PART % (b"purpose", b"", b"x" * 2_000_000) + FILE + END),
        (FORM, PART % (b"file", b"", b"text") + PURPOSE + END),
        (FORM, PART % (b"file", b'; filename=""', b"") + PURPOSE + END),
        ("application/x-www-form-urlencoded", b"purpose=assistants&file=x"),
        ("application/json", b'{"purpose": "assistants", "file": "x"}'),
        ("multipart/form-data; boundary=b; charset=no-such", PURPOSE + PURPOSE + END),
        ("\x00\xff", PURPOSE + FILE + END),
    ],
)
def test_a_broken_form_is_refused(door: Door, kind: str, body: bytes) -> None:
    answer = door.post("/v1/files", kind, body)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


# --- lengths ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/files", "/v1/threads"])
def test_a_body_that_breaks_off_leaves_nothing(door: Door, path: str) -> None:
    kind = FORM if path == "/v1/files" else "application/json"
    body = PURPOSE + FILE + END if path == "/v1/files" else b"{}"
    announced = door.head(
        f"POST {path} HTTP/1.1", f"Content-Type: {kind}", f"Content-Length: {len(body) + 9}"
    )
    assert door.send(announced, body, shut=True) == []
    chunked = door.head(
        f"POST {path} HTTP/1.1", f"Content-Type: {kind}", "Transfer-Encoding: chunked"
    )
    for end in (b"", b"\r\n5\r\nab"):
        assert door.send(chunked, b"%x\r\n" % len(body) + body + end, shut=True) == []


def test_a_body_longer_than_announced_is_cut_and_the_rest_no_request(door: Door) -> None:
    whole = PURPOSE + FILE + END
    head = door.head(
        "POST /v1/files HTTP/1.1", f"Content-Type: {FORM}", f"Content-Length: {len(whole) - 20}"
    )
    first, *more = door.send(head, whole)
    assert first.status == 400
    assert [answer.status for answer in more] == [400]


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: +2",),
        ("Content-Length: 2x",),
        ("Content-Length: " + "9" * 30,),
        ("Content-Length: 2", "Content-Length: 3"),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: identity",),
    ],
)
def test_a_length_that_is_none_is_refused(door: Door, lines: tuple[str, ...]) -> None:
    answer = door.ask(door.head("POST /v1/threads HTTP/1.1", *lines), b"{}")
    assert answer.status in {400, 413, 501}


@pytest.mark.parametrize("size", [b"zz", b"-1", b"f" * 40, b"1;" + b"x" * 70_000])
def test_a_chunk_that_is_none_ends_the_connection(door: Door, size: bytes) -> None:
    head = door.head("POST /v1/threads HTTP/1.1", "Transfer-Encoding: chunked")
    answers = door.send(head, size + b"\r\n{}\r\n0\r\n\r\n")
    assert all(answer.status == 400 for answer in answers)


# --- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"metadata":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"metadata": {"k": "\xff"}}',
        b'{"metadata": {"k": "\xed\xa0\x80"}}',
        b"\xff\xfe{\x00",
        b'{"a": 1}'.decode().encode("utf-32")[:-1],
        b"{}{}",
        b"{} x",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b"\x00",
        b"-",
        b'"\\u12"',
        b'{"metadata": {"k": "' + b"x" * 10_000_000 + b'"}}',
        b'{"messages": [' + b"1," * 5_000_000 + b"1]}",
        b'{"n": ' + b"9" * 10_000_000 + b"}",
    ],
    ids=range(17),
)
def test_json_that_is_none_or_too_much_is_refused(door: Door, body: bytes) -> None:
    answer = door.post("/v1/threads", "application/json", body)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata": {"k": "first"}, "metadata": {"k": "last"}}',
        b'\xef\xbb\xbf{"metadata": {"k": "last"}}',
        '{"metadata": {"k": "last"}}'.encode("utf-16"),
        '{"metadata": {"k": "last"}}'.encode("utf-16-le"),
        '{"metadata": {"k": "last"}}'.encode("utf-32"),
    ],
    ids=["twice", "mark", "utf-16", "utf-16-le", "utf-32"],
)
def test_odd_json_that_can_be_read_is_read(door: Door, body: bytes) -> None:
    answer = door.post("/v1/threads", "text/plain", body)
    assert answer.status == 200
    made = json.loads(answer.body)
    assert made["metadata"] == {"k": "last"}
    gone = door.ask(door.head(f"DELETE /v1/threads/{made['id']} HTTP/1.1", "Connection: close"))
    assert gone.status == 200


# --- heads ------------------------------------------------------------------------------------


def test_a_head_of_64_kb_is_refused(door: Door) -> None:
    long = "x" * 65536
    for head in (
        door.head("GET /v1/threads HTTP/1.1", f"X-Long: {long}", "Connection: close"),
        door.head(f"GET /v1/threads/{long} HTTP/1.1", "Connection: close"),
        door.head("GET /v1/threads HTTP/1.1", *["X-Many: y"] * 7000, "Connection: close"),
        door.head("GET /v1/threads HTTP/1.1", f"X-Long: {long}")[:50_000],
    ):
        answer = door.ask(head)
        assert answer.status == 431
        assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n" * 20_000 + b"x",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/threads\r\n\r\n",
        b"GET /v1/threads HTTP/9.9\r\nConnection: close\r\n\r\n",
        b"GET /v1/threads HTTP/1.1\r\n\r\n",
        b"GET /v1/threads HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /v1/threads HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /v1/threads HTTP/1.1\r\nHost: a\r\n folded: b\r\nConnection: close\r\n\r\n",
        b"GET /v1/threads HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n",
        "GET /v1/é HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_in_the_wires_own_words(door: Door, raw: bytes) -> None:
    answers = door.send(raw)
    assert answers
    for answer in answers:
        assert answer.status in {400, 421, 431}
        assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("BREW", "/v1/threads", 404),
        ("PATCH", "/v1/threads", 404),
        ("PUT", "/v1/assistants", 404),
        ("OPTIONS", "/v1/threads", 404),
        ("TRACE", "/v1/threads", 404),
        ("GET", "/", 404),
        ("GET", "//", 404),
        ("GET", "//v1/threads", 404),
        ("GET", "/v1//threads", 404),
        ("GET", "/v1/threads/", 404),
        ("DELETE", "/v1/threads/", 404),
        ("POST", "/v1/threads/", 404),
        ("GET", "/v1/threads/%00", 400),
        ("GET", "/v1/assistants/%00", 404),
        ("GET", "/v1/files/%2e%2e%2f%2e%2e%2funderstudy.db/content", 404),
        ("GET", "/v1/files/..%5c..%5cunderstudy.db/content", 404),
        ("GET", "/v1/files/../../understudy.db", 404),
        ("GET", "/v1/assistants/%ed%a0%80", 404),
        ("GET", "/v1/assistants/%zz", 404),
        ("GET", "/v1/assistants/%", 404),
        ("GET", "/v1/models/" + "a/" * 5000, 404),
        ("GET", "/v1/assistants/" + "a" * 20_000, 404),
        ("GET", "/v1/threads?" + "&".join(["limit=1"] * 3000), 200),
        ("GET", "/v1/threads?limit=%00&%ff=%fe", 400),
        ("GET", "/v1/threads?after=%ed%a0%80", 400),
        ("GET", "*", 404),
    ],
)
def test_odd_methods_and_paths_are_answered_in_the_envelope(
    door: Door, method: str, path: str, status: int
) -> None:
    answer = door.ask(door.head(f"{method} {path} HTTP/1.1", "Connection: close"))
    assert answer.status == status
    if status != 200:
        assert answer.error["type"] == "invalid_request_error"
    assert len(answer.body) < 70_000


def test_a_head_request_has_no_body(door: Door) -> None:
    head = door.head("HEAD /v1/threads HTTP/1.1", "Connection: close")
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    assert got.startswith(b"HTTP/1.1 200")
    assert got.endswith(b"\r\n\r\n")


def test_an_absolute_address_is_no_way_around_the_host_check(door: Door) -> None:
    for target in (f"http://{door.host}/v1/threads", "http://evil.example/v1/threads"):
        answer = door.ask(door.head(f"GET {target} HTTP/1.1", "Connection: close"))
        assert answer.status == 404
        assert answer.error["type"] == "invalid_request_error"


def test_a_body_where_none_is_read_is_passed_over(door: Door) -> None:
    get = door.head("GET /v1/threads HTTP/1.1", "Content-Length: 100000")
    last = door.head("GET /v1/models HTTP/1.1", "Connection: close")
    answers = door.send(get, b"x" * 100_000, last)
    assert [answer.status for answer in answers] == [200, 200]


def test_requests_in_one_breath_are_answered_in_their_order(door: Door) -> None:
    one = door.head("GET /v1/models HTTP/1.1")
    wrong = door.head("GET /v1/nothing HTTP/1.1")
    last = door.head("GET /v1/models HTTP/1.1", "Connection: close")
    answers = door.send((one + wrong) * 50 + last)
    assert [answer.status for answer in answers] == [200, 404] * 50 + [200]


def test_a_stranger_is_refused_before_the_body_is_read(door: Door) -> None:
    head = door.head(
        "POST /v1/files HTTP/1.1",
        f"Content-Type: {FORM}",
        f"Content-Length: {500 * 1024 * 1024}",
        "Expect: 100-continue",
        token=False,
    )
    began = time.monotonic()
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
    assert time.monotonic() - began < PATIENCE / 2
