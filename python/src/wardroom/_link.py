# SPDX-License-Identifier: Apache-2.0
"""Connections of the synchronous client: sockets with one deadline a call, kept for later calls, safe to share by threads."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from . import _limits as limits
from ._http import Key, Place, Reply, Request, exchange
from ._op import Op, Pause, Send
from ._pool import Pool, Turns
from .errors import TimedOut, Unavailable, Unreachable, WardroomError

T = TypeVar("T")


class Wire(Turns):
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self.sock = sock

    def talk(self, place: Place, key: Key | None, request: Request, left: Callable[[], float]) -> Reply:
        """One request and its reply; `left` is how many seconds there still are."""
        turn = exchange(self.http, place, key, request)
        out = next(turn)
        try:
            while True:
                if out is not None:
                    self._write(out, left)
                    out = turn.send(b"")
                else:
                    self.sock.settimeout(left())
                    out = turn.send(self.sock.recv(limits.READ_BYTES))
        except StopIteration as end:
            reply: Reply = end.value
            return reply
        except TimeoutError as error:
            raise TimedOut(f"no whole answer from {place} in time") from error
        except OSError as error:
            raise Unreachable(f"the connection to {place} broke: {error}") from error

    def _write(self, out: bytes, left: Callable[[], float]) -> None:
        self.sock.settimeout(left())
        try:
            self.sock.sendall(out)
        except TimeoutError:
            raise
        except OSError:
            # The server may have refused before it had read everything: what it said is still to be read.
            pass

    def close(self) -> None:
        self.sock.close()


def connect(place: Place, tls: ssl.SSLContext | None, timeout: float) -> socket.socket:
    """A connected socket, secured where the place is."""
    try:
        sock = socket.create_connection((place.host, place.port), timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return tls.wrap_socket(sock, server_hostname=place.host) if tls else sock
        except BaseException:
            sock.close()
            raise
    except TimeoutError as error:
        failure: Unavailable = TimedOut(f"no connection to {place} in time")
        failure.sent = False
        raise failure from error
    except (OSError, UnicodeError) as error:
        failure = Unreachable(f"no connection to {place}: {error}")
        failure.sent = False
        raise failure from error


class Link(Pool[Wire]):
    """The pool, and the driver of operations."""

    def __init__(self, place: Place, key: Key | None, tls: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        super().__init__(place, key, tls, clock)
        self._lock = threading.Lock()
        self._process = os.getpid()

    def run(self, op: Op[T]) -> T:
        """Carries an operation out."""
        try:
            step = next(op)
            while True:
                try:
                    reply = self._carry_out(step)
                except WardroomError as error:
                    step = op.throw(error)
                else:
                    step = op.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            op.close()

    def _carry_out(self, step: Send | Pause) -> Reply | None:
        if isinstance(step, Pause):
            time.sleep(step.secs)
            return None
        return self._send(step)

    def _send(self, step: Send) -> Reply:
        def left() -> float:
            # A socket takes zero for "do not block", so the last moment is a very short one.
            return max(step.deadline - self.clock(), 0.001)

        while True:
            # What must not be done twice gets a connection that cannot have grown old.
            wire = (self._take() if step.request.again else None) or Wire(connect(self.place, self.tls, left()))
            try:
                reply = wire.talk(self.place, self.key, step.request, left)
            except Unreachable:
                wire.close()
                if self._grown_old(wire, step.request, step.deadline):
                    continue
                raise
            except BaseException:
                wire.close()
                raise
            self._give_back(wire)
            return reply

    def _take(self) -> Wire | None:
        with self._lock:
            if self._process != os.getpid():
                # After a fork the sockets are the parent's: closing ours leaves theirs open.
                self._forget()
                self._process = os.getpid()
            return self._freshest()

    def _give_back(self, wire: Wire) -> None:
        if wire.renew():
            with self._lock:
                if self._keep(wire):
                    return
        wire.close()

    def close(self) -> None:
        """Closes what lies idle; calls under way end by themselves."""
        with self._lock:
            self._closed = True
            self._forget()

    def __del__(self) -> None:
        # A client that is dropped without a word, as in notebooks, leaves no open sockets behind.
        for wire in getattr(self, "_idle", ()):
            wire.close()
