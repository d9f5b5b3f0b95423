# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 without sockets: where the server is, requests to bytes, bytes to replies.

Both clients drive the same generators over their own sockets. Why not a ready client: a call here has one deadline
for all of it (drip-fed answers included), and a stream writes while it reads; the common clients do neither.
Left out on purpose: redirects (a key is sent to one place only), proxies, HTTP/2, compression.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11

from . import _limits as limits
from .errors import Unreachable, Unreadable, WardroomError, from_reply

__all__ = ["Key", "Place", "Reply", "Request", "Streamed", "exchange", "head"]

VERSION = "0.1.0"


class Key:
    """An API key that shows itself nowhere but in the header of a request."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        # A line break would end the header, and what is no ASCII is no key of ours.
        if not text or not text.isascii() or any(c.isspace() or not c.isprintable() for c in text):
            raise ValueError("the key is empty or holds characters that no key has; a key looks like wk_…")
        self._text = text

    def header(self) -> bytes:
        """The value of `Authorization`."""
        return b"Bearer " + self._text.encode("ascii")

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a key is not pickled: read it from where you keep it in each process")


@dataclass(frozen=True)
class Place:
    """Where a server is."""

    host: str
    port: int
    secure: bool
    #: Before every path; empty unless the server sits below another's address.
    prefix: str

    @classmethod
    def read(cls, url: str) -> Place:
        """From `http://host:port` or `https://host`."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the address must look like {limits.DEFAULT_URL}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("the address must hold no user, password, query or fragment; the key is given beside it")
        secure = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if secure else 80), secure, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """As in the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.prefix}"

    def tls(self, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
        """The context for connections, where they are secure."""
        if not self.secure:
            return None
        return context or ssl.create_default_context()


@dataclass(frozen=True)
class Request:
    """One request, without the key."""

    method: str
    path: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json"
    accept: str = "application/json"
    #: Whether doing it twice is doing it once: then it may be sent again when nobody knows what became of it.
    again: bool = True
    #: By which the server knows a request that comes twice.
    idempotency_key: str = ""


@dataclass(frozen=True)
class Reply:
    """A whole reply."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def problem(self) -> WardroomError | None:
        """What went wrong, unless it is a success."""
        if 200 <= self.status < 300:
            return None
        kind = self.headers.get("content-type", "")
        return from_reply(self.status, kind, self.body, self.headers.get("retry-after"))


def head(place: Place, key: Key | None, request: Request, *, streamed: bool = False) -> h11.Request:
    """The request's head; `streamed` when the body's length is not known before."""
    headers: list[tuple[bytes, bytes]] = [
        (b"host", place.authority.encode("idna" if not place.authority.isascii() else "ascii")),
        (b"user-agent", b"wardroom-python/" + VERSION.encode()),
        (b"accept", request.accept.encode()),
    ]
    if request.idempotency_key:
        headers.append((b"idempotency-key", request.idempotency_key.encode("ascii")))
    if key is not None:
        headers.append((b"authorization", key.header()))
    if streamed:
        headers.append((b"transfer-encoding", b"chunked"))
    elif request.body or request.method != "GET":
        headers.append((b"content-length", str(len(request.body)).encode()))
    if request.body or streamed:
        headers.append((b"content-type", request.content_type.encode()))
    return h11.Request(method=request.method, target=place.prefix + request.path, headers=headers)


def exchange(
    wire: h11.Connection, place: Place, key: Key | None, request: Request
) -> Generator[bytes | None, bytes, Reply]:
    """One request and its reply: yields bytes to write, then `None` for each time that it wants bytes."""
    out = wire.send(head(place, key, request)) or b""
    if request.body:
        out += wire.send(h11.Data(data=request.body)) or b""
    out += wire.send(h11.EndOfMessage()) or b""
    yield out
    status, headers, pieces, size = 0, {}, [], 0
    while True:
        event = yield from _next(wire)
        if isinstance(event, h11.Response):
            status, headers = event.status_code, _headers(event)
        elif isinstance(event, h11.Data):
            pieces.append(bytes(event.data))
            size += len(event.data)
            if size > limits.ANSWER_BYTES:
                raise Unreadable(f"an answer of more than {limits.ANSWER_BYTES} bytes: ask for fewer rows")
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, headers, b"".join(pieces))


class Streamed:
    """A reply's body as it comes."""

    def __init__(self, wire: h11.Connection) -> None:
        self._wire = wire
        self._refusal: h11.Response | None = None
        self._words = b""
        #: Whether the reply has ended.
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """What of the body is in these bytes; none at all means that the connection was closed. Raises what a status
        says that is no success."""
        pieces, turn = [], _next(self._wire)
        try:
            next(turn)  # It wants bytes, since all that came before has been looked at.
            event = _finish(turn, data)
            while event is not None and not self.done:
                pieces.append(self._take(event))
                event = _finish(_next(self._wire), None) if not self.done else None
        except StopIteration:
            raise Unreadable("the reply went on behind its end") from None
        return b"".join(pieces)

    def _take(self, event: Any) -> bytes:
        if isinstance(event, h11.Response) and not 200 <= event.status_code < 300:
            self._refusal = event
        elif isinstance(event, h11.Data):
            if self._refusal is None:
                return bytes(event.data)
            self._words = (self._words + bytes(event.data))[: limits.STREAM_ANSWER_BYTES]
        elif isinstance(event, h11.EndOfMessage):
            self.done = True
            if self._refusal is not None:
                reply = Reply(self._refusal.status_code, _headers(self._refusal), self._words)
                raise reply.problem() or Unreadable("a refusal that is none")
        return b""


def _finish(turn: Generator[None, bytes, Any], data: bytes | None) -> Any:
    """The event that a turn ends with, or none where it wants more bytes."""
    try:
        if data is None:
            next(turn)
        else:
            turn.send(data)
    except StopIteration as end:
        return end.value
    return None


def _next(wire: h11.Connection) -> Generator[None, bytes, Any]:
    """The next event of the wire, fed with what arrives."""
    begun = wire.their_state is not h11.SEND_RESPONSE
    try:
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data((yield None))
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise Unreachable("the connection was closed before the answer was whole")
            else:
                return event
    except h11.RemoteProtocolError as error:
        if _cut_short(wire, begun):
            raise Unreachable("the connection was closed before the answer was whole") from error
        raise Unreadable(f"this is no HTTP that a Wardroom server speaks: {error}") from error


def _cut_short(wire: h11.Connection, begun: bool) -> bool:
    """Whether what came was good, and ended too early; rather than bad from its first byte."""
    data, closed = wire.trailing_data
    return closed and (begun or bytes(data[:7]) == b"HTTP/1."[: len(data)])


def _headers(response: h11.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
