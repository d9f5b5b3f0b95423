# SPDX-License-Identifier: Apache-2.0
"""What both kinds of client keep of connections: which may be used again, and for how long they may lie idle."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import h11

from . import _limits as limits
from ._http import Key, Place, Request


class Turns:
    """One connection's requests, one after the other."""

    def __init__(self) -> None:
        self.http = h11.Connection(h11.CLIENT)
        self.idle_since = 0.0
        self.used = False

    def renew(self) -> bool:
        """Makes ready for another request; false where the connection ends with this one."""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        self.used = True
        return True


class Kept(Protocol):
    """A connection that can be kept."""

    idle_since: float
    used: bool

    def renew(self) -> bool:
        """Makes ready for another request, if it can."""

    def close(self) -> None:
        """Closes it."""


W = TypeVar("W", bound=Kept)


class Pool(Generic[W]):
    """Connections that lie idle, for a server and a key."""

    def __init__(self, place: Place, key: Key | None, tls: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        self.place, self.key, self.tls, self.clock = place, key, tls, clock
        self._idle: list[W] = []
        self._closed = False

    def _freshest(self) -> W | None:
        """The one used last: the others may then grow old and be closed."""
        if self._closed:
            raise RuntimeError("the client is closed")
        oldest = self.clock() - limits.POOL_IDLE_SECS
        while self._idle:
            wire = self._idle.pop()
            if wire.idle_since > oldest:
                return wire
            wire.close()
        return None

    def _keep(self, wire: W) -> bool:
        """Keeps one that is ready for another request, if there is room."""
        if self._closed or len(self._idle) >= limits.POOL_CONNECTIONS:
            return False
        wire.idle_since = self.clock()
        self._idle.append(wire)
        return True

    def _forget(self) -> None:
        """Closes what lies idle."""
        idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()

    def _grown_old(self, wire: W, request: Request, deadline: float) -> bool:
        """Whether a broken connection had been closed while it lay idle, which is no failure of the server."""
        return wire.used and request.again and self.clock() < deadline
