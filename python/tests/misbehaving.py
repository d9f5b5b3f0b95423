# SPDX-License-Identifier: Apache-2.0
"""Servers that do what servers should not: each connection is handed to the next of a list of behaviours."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

import h11

#: What becomes of one connection; it is closed when this returns.
Behaviour = Callable[["Peer"], None]

ANSWER: dict[str, Any] = {
    "decision": "7",
    "event_id": "e",
    "verdict": "block",
    "ask": None,
    "policy": "p",
    "signals": [],
    "repeated": False,
}


class Peer:
    """One connection as the server sees it."""

    def __init__(self, sock: socket.socket, seen: list[Any]) -> None:
        self.sock, self._seen = sock, seen
        self.http = h11.Connection(h11.SERVER)
        self.head: h11.Request | None = None

    def event(self) -> Any:
        """The next event of HTTP."""
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self.http.receive_data(self.sock.recv(65536))

    def read(self) -> Any:
        """A whole request, noted down as its JSON."""
        body = b""
        while True:
            event = self.event()
            if isinstance(event, h11.Request):
                self.head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._seen.append(json.loads(body) if body else None)
                return self._seen[-1]
            else:
                raise ConnectionError("no request")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)


def reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """A reply as bytes."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/json" if status < 400 else "application/problem+json"
    lines = {"content-type": kind, "content-length": str(len(text)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + text


def answers(status: int = 200, body: object = ANSWER, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answers one request so, and closes."""

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(reply(status, body, headers))

    return behave


def keeps_answering(peer: Peer) -> None:
    """As a good server does."""
    while True:
        peer.read()
        peer.send(reply(200, ANSWER))
        peer.http = h11.Connection(h11.SERVER)


def says(data: bytes) -> Behaviour:
    """Reads a request and sends these bytes, whatever they are."""

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(data)

    return behave


def drips(data: bytes, pause: float = 0.02) -> Behaviour:
    """Sends a byte now and then, so that no single read is ever late."""

    def behave(peer: Peer) -> None:
        peer.read()
        for at in range(len(data)):
            peer.send(data[at : at + 1])
            time.sleep(pause)

    return behave


def is_silent(peer: Peer) -> None:
    """Reads, and says nothing."""
    peer.read()
    while peer.sock.recv(4096):
        pass


def closes(peer: Peer) -> None:
    """Does not even read."""


class Misbehaving:
    """Listens, and gives each connection to the next behaviour; the last one goes on for ever."""

    def __init__(self, behaviours: Iterable[Behaviour]) -> None:
        self._behaviours = list(behaviours)
        #: The JSON of every whole request.
        self.seen: list[Any] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._peers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
            self.connections += 1
            self._peers.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, behaviour), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, behaviour: Behaviour) -> None:
        try:
            behaviour(Peer(sock, self.seen))
        except (OSError, ConnectionError, h11.RemoteProtocolError):
            pass  # The client went away, as it may.
        finally:
            sock.close()

    def __enter__(self) -> Misbehaving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A listener that is only closed leaves its thread in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._peers:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(30)
