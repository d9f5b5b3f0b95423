# SPDX-License-Identifier: Apache-2.0
"""What both clients are made with, and tell of themselves."""

from __future__ import annotations

import dataclasses
import os
import ssl
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from . import _limits as limits
from ._calls import Core
from ._fallback import Counts, Fallback
from ._http import Key, Place
from ._op import Settings
from ._pool import Pool

#: Connections to a server, of one kind or the other.
L = TypeVar("L", bound=Pool[Any])
S = TypeVar("S", bound="Common[Any]")


def where(url: str | None, key: str | None) -> tuple[Place, Key | None]:
    """The server and the key: as given, or else from `WARDROOM_URL` and `WARDROOM_KEY`."""
    key = key or os.environ.get("WARDROOM_KEY") or None
    return Place.read(url or os.environ.get("WARDROOM_URL") or limits.DEFAULT_URL), Key(key) if key else None


class Common(Generic[L]):
    """A connection to a Wardroom server.

    `url` and `key` come from `WARDROOM_URL` and `WARDROOM_KEY` where they are not given. `timeout` is in seconds, for one
    call with all its `retries`; `query_timeout` the same for questions about the past. `fallback` is the verdict when no
    server answers in time: a name, or `None` to raise instead.
    """

    #: Makes the connections.
    _pool: Callable[[Place, Key | None, ssl.SSLContext | None, Callable[[], float]], L]

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = limits.TIMEOUT_SECS,
        query_timeout: float = limits.QUERY_TIMEOUT_SECS,
        retries: int = limits.RETRIES,
        fallback: str | None = "allow",
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        place, held = where(url, key)
        settings = Settings(timeout=timeout, query_timeout=query_timeout, retries=retries)
        self._core = Core(settings, Fallback(fallback))
        self._link: L = type(self)._pool(place, held, place.tls(ssl_context), settings.clock)

    def with_options(
        self: S, *, timeout: float | None = None, query_timeout: float | None = None, retries: int | None = None
    ) -> S:
        """The same client (connections, counts and fallback are shared) with other patience."""
        given = {"timeout": timeout, "query_timeout": query_timeout, "retries": retries}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._core = Core(dataclasses.replace(self._core.settings, **changed), self._core.fallback)
        return twin

    @property
    def counts(self) -> Counts:
        """How often this client was answered, and how often it gave its fallback."""
        return self._core.fallback.counts()

    def __repr__(self) -> str:
        return f"wardroom.{type(self).__name__}({str(self._link.place)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a client is not pickled: make one in each process")
