# SPDX-License-Identifier: Apache-2.0
"""The same as `stream.py` for asyncio: `AsyncClient.stream`. The source may be asynchronous, or a plain iterable, which then
is iterated in the event loop and should not block."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Generic, TypeVar

import h11

from . import _limits as limits
from ._alink import AsyncLink, AsyncWire, connect
from ._flow import Flow, Hearing, Line, OnRefused, line
from ._http import Request, head
from ._op import Settings
from .errors import Unavailable, Unreachable

__all__ = ["AsyncStream"]

A = TypeVar("A")
Source = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]


class AsyncStream(Generic[A]):
    """Answers in the order of the events: `async for`. Who leaves before the end uses `async with`, or `aclose`."""

    def __init__(
        self,
        link: AsyncLink,
        settings: Settings,
        path: str,
        source: Source,
        kind: str | None,
        read: Callable[[Mapping[str, Any]], A],
        refused: OnRefused | None,
    ) -> None:
        self._link, self._settings = link, settings
        self._request = Request("POST", path, content_type="application/x-ndjson", accept="application/x-ndjson")
        self._flow: Flow[A] = Flow(settings, read, refused)
        self._feed = _Feed(source, kind)
        self._answers = self._run()

    def __aiter__(self) -> AsyncIterator[A]:
        return self

    async def __anext__(self) -> A:
        return await self._answers.__anext__()

    async def aclose(self) -> None:
        """Ends the stream; events without an answer may have been taken or not."""
        await self._answers.aclose()

    async def __aenter__(self) -> AsyncStream[A]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self) -> AsyncGenerator[A, None]:
        feeding = asyncio.ensure_future(self._feed.pull())
        try:
            while self._flow.waiting or await self._feed.more():
                try:
                    async with contextlib.aclosing(self._connection()) as answers:
                        async for answer in answers:
                            yield answer
                except Unavailable as why:
                    await asyncio.sleep(self._flow.lost(why))
            await feeding  # What the source raised, once everything before it is answered.
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await feeding

    async def _connection(self) -> AsyncGenerator[A, None]:
        """Answers from one connection, until all is answered or it ends."""
        place, secs = self._link.place, max(self._settings.timeout, limits.TIMEOUT_SECS)
        wire = await connect(place, self._link.tls, secs)
        pipe = _Pipe(wire, self._feed)
        try:
            ended, hearing = False, Hearing(self._flow, self._settings, place, wire.http)
            wire.writer.write(wire.http.send(head(place, self._link.key, self._request, streamed=True)) or b"")
            while True:
                self._fill(wire)
                if not ended and self._feed.ended() and not self._flow.unsent:
                    wire.writer.write(wire.http.send(h11.EndOfMessage()) or b"")
                    ended = True
                if ended and not self._flow.waiting:
                    return
                data = await pipe.turn(hearing.quiet(), self._flow.has_room() and not ended)
                if data is None:
                    hearing.silent()
                    continue
                for answer in hearing.take(data):
                    yield answer
                if hearing.done():
                    return
        finally:
            await pipe.close()

    def _fill(self, wire: AsyncWire) -> None:
        while self._flow.has_room() and (next_line := self._feed.take()) is not None:
            self._flow.add(next_line)
        # Not drained: what is under way is bounded already.
        while piece := self._flow.to_send():
            wire.writer.write(wire.http.send(h11.Data(data=piece)) or b"")


class _Pipe:
    """A connection that is read while the source is listened to."""

    def __init__(self, wire: AsyncWire, feed: _Feed) -> None:
        self._wire, self._feed = wire, feed
        self._reading: asyncio.Task[bytes] | None = None
        self._hearing: asyncio.Task[bool] | None = None

    async def turn(self, secs: float | None, hear: bool) -> bytes | None:
        """Waits at most so long for something to happen (`hear`: also for the source), and gives what arrived: nothing
        at the end of the connection, `None` where nothing came."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._wire.reader.read(limits.READ_BYTES))
        waited: set[asyncio.Task[Any]] = {self._reading}
        if hear:
            self._hearing = self._hearing or asyncio.ensure_future(self._feed.more())
            waited.add(self._hearing)
        await asyncio.wait(waited, timeout=secs, return_when=asyncio.FIRST_COMPLETED)
        if self._hearing is not None and self._hearing.done():
            self._hearing = None
        if not self._reading.done():
            return None
        done, self._reading = self._reading, None
        try:
            return done.result()
        except OSError as error:
            raise Unreachable(f"the connection broke: {error}") from error

    async def close(self) -> None:
        tasks = [task for task in (self._reading, self._hearing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._wire.close()


class _Feed:
    """Takes events from the source, a few ahead."""

    def __init__(self, source: Source, kind: str | None) -> None:
        self._source, self._kind = source, kind
        self._lines: deque[Line] = deque()
        self._over = False
        #: Set while there is a line, or none to come.
        self._news = asyncio.Event()
        #: Set while there is room for one more.
        self._room = asyncio.Event()
        self._room.set()

    async def pull(self) -> None:
        """Goes on until the source ends; what it raises is this task's."""
        try:
            if isinstance(self._source, AsyncIterable):
                async for source in self._source:
                    await self._put(line(source, self._kind))
            else:
                for source in self._source:
                    await self._put(line(source, self._kind))
        finally:
            self._over = True
            self._news.set()

    async def _put(self, made: Line) -> None:
        await self._room.wait()
        self._lines.append(made)
        self._news.set()
        if len(self._lines) >= limits.STREAM_AHEAD:
            self._room.clear()
            # A plain source would otherwise keep the loop to itself.
            await asyncio.sleep(0)

    def take(self) -> Line | None:
        """The next line, if there is one now."""
        if not self._lines:
            return None
        taken = self._lines.popleft()
        self._room.set()
        if not self._lines and not self._over:
            self._news.clear()
        return taken

    async def more(self) -> bool:
        """Waits for the next line; false when there is none to come."""
        await self._news.wait()
        return bool(self._lines)

    def ended(self) -> bool:
        """Whether the source has ended and all its lines are taken."""
        return self._over and not self._lines
