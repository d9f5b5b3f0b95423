# SPDX-License-Identifier: Apache-2.0
"""Many events over one connection, written while answers are read: `Client.stream`.

The caller's thread does all that touches the socket; a second one takes events from the source, which may block for as
long as it likes without holding up answers. Nothing piles up: events under way are bounded, the source is asked for more
only when there is room, and the server is read from only when the caller asks for an answer.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Generic, TypeVar

import h11

from . import _limits as limits
from ._flow import Flow, Hearing, Line, OnRefused, line
from ._http import Request, head
from ._link import Link, connect
from ._op import Settings
from .errors import Unavailable, Unreachable

__all__ = ["Stream"]

A = TypeVar("A")


class Stream(Generic[A]):
    """Answers in the order of the events. Iterate over it; leaving a `with` block, or `close`, ends it early."""

    def __init__(
        self,
        link: Link,
        settings: Settings,
        path: str,
        source: Iterable[Mapping[str, Any]],
        kind: str | None,
        read: Callable[[Mapping[str, Any]], A],
        refused: OnRefused | None,
    ) -> None:
        self._link, self._settings = link, settings
        self._request = Request("POST", path, content_type="application/x-ndjson", accept="application/x-ndjson")
        self._flow: Flow[A] = Flow(settings, read, refused)
        self._feed = _Feed(source, kind)
        self._answers = self._run()

    def __iter__(self) -> Iterator[A]:
        return self

    def __next__(self) -> A:
        return next(self._answers)

    def close(self) -> None:
        """Ends the stream; events without an answer may have been taken or not."""
        self._answers.close()
        self._feed.stop()

    def __enter__(self) -> Stream[A]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> Generator[A, None, None]:
        self._feed.start()
        try:
            while self._flow.waiting or self._feed.more():
                try:
                    yield from self._connection()
                except Unavailable as why:
                    time.sleep(self._flow.lost(why))
            self._feed.raise_fault()
        finally:
            self._feed.stop()

    def _connection(self) -> Iterator[A]:
        """Answers from one connection, until all is answered or it ends."""
        place, secs = self._link.place, max(self._settings.timeout, limits.TIMEOUT_SECS)
        with connect(place, self._link.tls, secs) as sock, selectors.DefaultSelector() as selector:
            sock.setblocking(False)
            wire = h11.Connection(h11.CLIENT)
            hearing = Hearing(self._flow, self._settings, place, wire)
            pipe = _Pipe(sock, selector, self._feed.wake)
            pipe.out += wire.send(head(place, self._link.key, self._request, streamed=True)) or b""
            ended = False
            while True:
                self._fill(wire, pipe)
                if not ended and not pipe.out and self._feed.ended() and not self._flow.unsent:
                    pipe.out += wire.send(h11.EndOfMessage()) or b""
                    ended = True
                if ended and not self._flow.waiting:
                    return
                data = pipe.turn(hearing.quiet(), self._flow.has_room() and not ended)
                if data is None:
                    hearing.silent()
                    continue
                yield from hearing.take(data)
                if hearing.done():
                    return

    def _fill(self, wire: h11.Connection, pipe: _Pipe) -> None:
        while self._flow.has_room() and (next_line := self._feed.take()) is not None:
            self._flow.add(next_line)
        if not pipe.out and (piece := self._flow.to_send()):
            pipe.out += wire.send(h11.Data(data=piece)) or b""


class _Pipe:
    """A socket that is written and read as it is ready for it."""

    def __init__(self, sock: socket.socket, selector: selectors.BaseSelector, wake: socket.socket) -> None:
        self._sock, self._selector, self._wake = sock, selector, wake
        self.out = bytearray()
        self._asked = selectors.EVENT_READ
        self._hears = False
        selector.register(sock, self._asked)

    def turn(self, secs: float | None, hear: bool) -> bytes | None:
        """Writes what can be written, waits at most so long for something to happen (`hear`: also for the source), and
        gives what arrived: nothing at the end of the connection, `None` where nothing came."""
        self._write()
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        self._ask(hear)
        for key, _ in self._selector.select(0 if pending else None if secs is None else max(secs, 0.0)):
            if key.fileobj is self._wake:
                self._drain()
        self._write()
        return self._read()

    def _ask(self, hear: bool) -> None:
        asked = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0)
        if asked != self._asked:
            self._selector.modify(self._sock, asked)
            self._asked = asked
        if hear and not self._hears:
            self._selector.register(self._wake, selectors.EVENT_READ)
        elif self._hears and not hear:
            self._selector.unregister(self._wake)
        self._hears = hear

    def _write(self) -> None:
        try:
            while self.out:
                del self.out[: self._sock.send(self.out)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            # What the server said before it closed is still to be read; reading finds the end.
            self.out.clear()

    def _read(self) -> bytes | None:
        try:
            return self._sock.recv(limits.READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as error:
            raise Unreachable(f"the connection broke: {error}") from error

    def _drain(self) -> None:
        try:
            while self._wake.recv(4096):
                pass
        except BlockingIOError:
            pass


class _Feed:
    """Takes events from the source, a few ahead, in a thread of its own."""

    def __init__(self, source: Iterable[Mapping[str, Any]], kind: str | None) -> None:
        self._source, self._kind = source, kind
        self._lines: deque[Line] = deque()
        self._change = threading.Condition()
        self._ended = self._stopped = self._begun = False
        self._fault: BaseException | None = None
        self.wake, self._waker = socket.socketpair()
        self.wake.setblocking(False)
        self._waker.setblocking(False)

    def start(self) -> None:
        self._begun = True
        threading.Thread(target=self._pull, name="wardroom-stream", daemon=True).start()

    def _pull(self) -> None:
        try:
            for source in self._source:
                made = line(source, self._kind)
                with self._change:
                    self._change.wait_for(lambda: self._stopped or len(self._lines) < limits.STREAM_AHEAD)
                    if self._stopped:
                        return
                    self._lines.append(made)
                    self._tell()
        except BaseException as error:  # noqa: BLE001, it is raised again in the thread that reads answers
            self._fault = error
        finally:
            with self._change:
                self._ended = True
                self._tell()
                if self._stopped:
                    self._waker.close()

    def _tell(self) -> None:
        self._change.notify_all()
        # Full: it has been told often enough. Closed: nobody listens.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def take(self) -> Line | None:
        """The next line, if there is one now."""
        with self._change:
            if not self._lines:
                return None
            self._change.notify_all()
            return self._lines.popleft()

    def more(self) -> bool:
        """Waits for the next line; false when there is none to come."""
        with self._change:
            self._change.wait_for(lambda: self._lines or self._ended)
            return bool(self._lines)

    def ended(self) -> bool:
        with self._change:
            return self._ended and not self._lines

    def raise_fault(self) -> None:
        """What the source raised, once everything before it is answered."""
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """The thread ends with the source's next event; a source that never gives one keeps a sleeping thread."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
            self.wake.close()
            if self._ended or not self._begun:
                self._waker.close()
