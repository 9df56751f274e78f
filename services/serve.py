"""``understudy serve``: the engine behind uvicorn, for scripts and for other machines' clients."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from services.local.paths import Paths
from services.local.settings import LocalSettings, read_settings
from services.local.token import Token, serve_token
from services.log import record_crash, start_access_log, start_log, without_keys
from services.records import ServiceError

if TYPE_CHECKING:
    import uvicorn

DEFAULT_PORT = 8333
_PATIENCE = 5  # seconds that open requests have to finish when the server is asked to stop


def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    allow_remote: bool = False,
    allow_hosts: Sequence[str] = (),
    strict: bool = False,
    replace_metadata: bool = False,
) -> int:
    """Serves until it is asked to stop (SIGINT, SIGTERM); the exit code.

    Prints exactly one line to stdout, when it can answer. ``port`` 0 picks a free one.
    ``allow_remote`` is needed for a ``host`` that other machines can reach; ``allow_hosts`` are
    further names (``name`` or ``name:port``) that clients may call the server by. ``strict``
    refuses what the hosted API refused for reasons of its own. ``replace_metadata``: new metadata
    of an object replaces the old instead of merging into it.
    """
    if not allow_remote and not _is_loopback(host):
        _say(
            f"{host} can be reached from other machines: whoever has the token could read every "
            "conversation, and without TLS in front so can the network. Add --allow-remote if "
            "that is what you want."
        )
        return 2
    try:
        paths = Paths.from_environment()
        paths.create()
        start_log(paths.log)
        start_access_log(paths.log)
        token = serve_token(paths.token_file)
        settings = read_settings(paths.settings_file)
        for problem in settings.screen.problems:
            _say(problem)
        listener = _listen(host, port)
    except ServiceError as error:
        _say(error.sentence)
        return 1
    with contextlib.closing(listener):
        return asyncio.run(
            _run(listener, host, allow_hosts, paths, settings, token, strict, replace_metadata)
        )


async def _run(
    listener: socket.socket,
    host: str,
    allow_hosts: Sequence[str],
    paths: Paths,
    settings: LocalSettings,
    token: Token,
    strict: bool,
    replace_metadata: bool,
) -> int:
    import uvicorn

    from services.connection.asgi import Lifespan
    from services.engine.access import AccessLog
    from services.engine.app import create_app
    from services.engine.engine import set_aside_notice
    from services.engine.guard import HEAD_LIMIT, Guard
    from services.engine.http_connection import HttpConnection
    from services.engine.settings import EngineSettings

    port: int = listener.getsockname()[1]
    model = settings.model
    engine = create_app(
        EngineSettings(
            data_folder=paths.data,
            model_url=model.url,
            model_key=model.key,
            default_model=model.default,
            aliases=model.aliases,
            driver=model.driver,
            strict=strict,
            replace_metadata=replace_metadata,
            patience=_PATIENCE,
        )
    )
    guard = Guard(
        engine,
        token=token.value,
        authorities=_authorities(host, port, allow_hosts),
        own_address=not _is_loopback(host),
    )
    access = AccessLog(guard)
    config = uvicorn.Config(
        access,
        http=HttpConnection,
        ws="none",
        loop="asyncio",
        lifespan="off",  # run here, so that a failing start can be said in a sentence
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_PATIENCE,
        h11_max_incomplete_event_size=HEAD_LIMIT,
    )
    url = f"http://{_bracketed(host)}:{port}/v1"
    server = _server(config, url, token, paths, settings)
    lifespan = Lifespan(engine)
    try:
        async with lifespan:
            if notice := set_aside_notice(engine.state.engine):
                _say(notice)
            await server.serve(sockets=[listener])
            access.write()
    except Exception as error:
        # The store's own errors are sentences; for anything else the log has the rest.
        log = record_crash(error, paths.log)
        what = without_keys(str(error).partition("\n")[0]) or type(error).__name__
        _say(f"The engine on {paths.data} failed: {what}")
        _say(f"Details are in {log}." if log else f"Details could not be written to {paths.log}.")
        return 1
    return 0


def _server(
    config: uvicorn.Config, url: str, token: Token, paths: Paths, settings: LocalSettings
) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        """Says when it can answer, and takes a signal for what it is: the wish that it stop."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _introduce(url, token, paths, settings)
            print(f"Listening on {url}", flush=True)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # uvicorn raises the signal again at the end, so that the exit code would be an error.
            kinds = (signal.SIGINT, signal.SIGTERM)
            before = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
            try:
                yield
            finally:
                for kind, handler in before.items():
                    signal.signal(kind, handler)

    return Server(config)


def _introduce(url: str, token: Token, paths: Paths, settings: LocalSettings) -> None:
    """What a person needs to know, on stderr: stdout is for the line that scripts wait for."""
    key = '"$UNDERSTUDY_TOKEN"'
    if token.file is not None:
        key = f'"$(cat {shlex.quote(str(token.file))})"'
    _say(f"Conversations are in {paths.data}. Model: {settings.model.url or 'rehearsal'}.")
    _say("For a script, in any language:")
    _say(f"  export OPENAI_BASE_URL={url}")
    _say(f"  export OPENAI_API_KEY={key}")
    if token.new and sys.stderr.isatty():
        _say(f"The token, shown this once: {token.value}")
    if token.file is None and len(token.value) < 16:
        _say("UNDERSTUDY_TOKEN is short enough to be guessed; a longer one is safer.")
    _say("Ctrl+C stops.")


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises ``ServiceError`` saying why there is none."""
    place = f"{_bracketed(host)}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "there is no such address"
        raise ServiceError(f"Understudy cannot listen on {place}: {reason}.") from error
    # "localhost" may name both; more clients take the older one.
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # From here on a second server on this port is refused, before this one has started.
        listener.listen()
    except OSError as error:
        listener.close()
        hint = " Choose another with --port, or --port 0 for any." if port else ""
        raise ServiceError(
            f"Understudy cannot listen on {place}: {os.strerror(error.errno or 0)}.{hint}"
        ) from error
    return listener


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _authorities(host: str, port: int, allow_hosts: Sequence[str]) -> set[str]:
    """The values of a Host header that mean this server."""
    names = {"127.0.0.1", "localhost", "[::1]", _bracketed(host)}
    exact = set()
    for name in allow_hosts:
        names.add(name)
        exact.add(name)
    if port == 80:
        exact |= names
    return exact | {f"{name}:{port}" for name in names}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(sentence: Any) -> None:
    if sys.stderr is not None:  # None when it was closed: print would turn to stdout
        print(sentence, file=sys.stderr, flush=True)
