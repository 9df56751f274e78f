"""The fake endpoint is itself to be relied on."""

from __future__ import annotations

import json
import urllib.request

from tests.faults.endpoint import answer, endpoint_in_thread


def post(url: str, body: object) -> bytes:
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"X-Mine": "yes"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        return bytes(response.read())


def test_it_serves_from_a_thread_and_keeps_a_journal() -> None:
    with endpoint_in_thread() as served:
        served.will(answer("Told."))
        assert b"Told." in post(served.url, {"model": "a"})
        assert b"Hello " in post(served.url, {"model": "b"})
        assert [request.body["model"] for request in served.chats] == ["a", "b"]
        assert served.requests[0].headers["x-mine"] == "yes"
