# SPDX-License-Identifier: Apache-2.0
"""Connections of the asynchronous client: the same as `_link.py` over asyncio, for the event loop that uses them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from typing import TypeVar

from . import _limits as limits
from ._http import Key, Place, Reply, Request, exchange
from ._op import Op, Pause, Send
from ._pool import Pool, Turns
from .errors import TimedOut, Unavailable, Unreachable, WardroomError

T = TypeVar("T")


class AsyncWire(Turns):
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self.reader, self.writer = reader, writer
        self.late = False

    @contextlib.contextmanager
    def _within(self, secs: float) -> Iterator[None]:
        """Aborts the connection after that time: one timer a call, however many pieces the answer has."""

        def abort() -> None:
            self.late = True
            self.writer.transport.abort()

        timer = asyncio.get_running_loop().call_later(max(secs, 0.0), abort)
        try:
            yield
        finally:
            timer.cancel()

    async def talk(self, place: Place, key: Key | None, request: Request, secs: float) -> Reply:
        """One request and its reply."""
        turn = exchange(self.http, place, key, request)
        out = next(turn)
        try:
            with self._within(secs):
                while True:
                    if out is not None:
                        await self._write(out)
                        out = turn.send(b"")
                    else:
                        out = turn.send(await self.reader.read(limits.READ_BYTES))
        except StopIteration as end:
            reply: Reply = end.value
            return reply
        except (OSError, Unreachable) as error:
            if self.late:
                raise TimedOut(f"no whole answer from {place} in time") from error
            if isinstance(error, Unreachable):
                raise
            raise Unreachable(f"the connection to {place} broke: {error}") from error

    async def _write(self, out: bytes) -> None:
        self.writer.write(out)
        # The server may have refused before it had read everything: what it said is still to be read.
        with contextlib.suppress(OSError):
            await self.writer.drain()

    def close(self) -> None:
        try:
            self.writer.transport.abort()
        except RuntimeError:
            # Its event loop is gone, and would have closed the socket; the file descriptor must not stay.
            sock = getattr(self.writer.transport, "_sock", None)
            if sock is not None:
                sock.close()


async def connect(place: Place, tls: ssl.SSLContext | None, timeout: float) -> AsyncWire:
    """A connection, secured where the place is."""
    try:
        opening = asyncio.open_connection(place.host, place.port, ssl=tls, limit=limits.READ_BYTES)
        reader, writer = await asyncio.wait_for(opening, timeout)
        return AsyncWire(reader, writer)
    except (TimeoutError, asyncio.TimeoutError) as error:
        failure: Unavailable = TimedOut(f"no connection to {place} in time")
        failure.sent = False
        raise failure from error
    except (OSError, UnicodeError) as error:
        failure = Unreachable(f"no connection to {place}: {error}")
        failure.sent = False
        raise failure from error


class AsyncLink(Pool[AsyncWire]):
    """The pool, and the driver of operations. It belongs to the event loop that uses it; in another it starts anew."""

    def __init__(self, place: Place, key: Key | None, tls: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        super().__init__(place, key, tls, clock)
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None

    async def run(self, op: Op[T]) -> T:
        """Carries an operation out."""
        try:
            step = next(op)
            while True:
                try:
                    reply = await self._carry_out(step)
                except WardroomError as error:
                    step = op.throw(error)
                else:
                    step = op.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            op.close()

    async def _carry_out(self, step: Send | Pause) -> Reply | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.secs)
            return None
        return await self._send(step)

    async def _send(self, step: Send) -> Reply:
        while True:
            # What must not be done twice gets a connection that cannot have grown old.
            wire = (self._take() if step.request.again else None) or await connect(
                self.place, self.tls, max(step.deadline - self.clock(), 0.001)
            )
            try:
                reply = await wire.talk(self.place, self.key, step.request, step.deadline - self.clock())
            except Unreachable:
                wire.close()
                if self._grown_old(wire, step.request, step.deadline):
                    continue
                raise
            except BaseException:
                # Also when the caller is cancelled: half an answer must not meet the next request.
                wire.close()
                raise
            self._give_back(wire)
            return reply

    def _take(self) -> AsyncWire | None:
        home = (os.getpid(), asyncio.get_running_loop())
        if self._home != home:
            self._forget()
            self._home = home
        while (wire := self._freshest()) is not None and wire.reader.at_eof():
            wire.close()
        return wire

    def _give_back(self, wire: AsyncWire) -> None:
        if not (wire.renew() and self._keep(wire)):
            wire.close()

    async def close(self) -> None:
        """Closes what lies idle; calls under way end by themselves."""
        self._closed = True
        self._forget()
