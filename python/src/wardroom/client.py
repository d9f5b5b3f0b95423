# SPDX-License-Identifier: Apache-2.0
"""`Client`: the synchronous client. One is enough for a program; threads may share it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import ssl
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, overload

from . import _calls
from . import _limits as limits
from ._calls import Core
from ._fallback import Counts, Fallback
from ._flow import OnRefused
from ._http import Key, Place
from ._link import Link
from ._op import Settings
from .decision import Decision, Record
from .events import event as make_event
from .stream import Stream

__all__ = ["Client"]


def where(url: str | None, key: str | None) -> tuple[Place, Key | None]:
    """The server and the key: as given, or else from `WARDROOM_URL` and `WARDROOM_KEY`."""
    key = key or os.environ.get("WARDROOM_KEY") or None
    return Place.read(url or os.environ.get("WARDROOM_URL") or limits.DEFAULT_URL), Key(key) if key else None


class Client:
    """A connection to a Wardroom server.

    `url` and `key` come from `WARDROOM_URL` and `WARDROOM_KEY` where they are not given. `timeout` is in seconds, for one
    call with all its `retries`; `query_timeout` the same for questions about the past. `fallback` is the verdict when no
    server answers in time: a name, or `None` to raise instead.
    """

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
        self._link = Link(place, held, place.tls(ssl_context), settings.clock)

    def with_options(
        self, *, timeout: float | None = None, query_timeout: float | None = None, retries: int | None = None
    ) -> Client:
        """The same client (connections, counts and fallback are shared) with other patience."""
        given = {"timeout": timeout, "query_timeout": query_timeout, "retries": retries}
        changed = {name: value for name, value in given.items() if value is not None}
        twin = object.__new__(Client)
        twin._core = Core(dataclasses.replace(self._core.settings, **changed), self._core.fallback)  # type: ignore[arg-type]
        twin._link = self._link
        return twin

    # Events

    def decide(
        self,
        event: str | Mapping[str, Any],
        /,
        *,
        id: str | None = None,
        time: dt.datetime | str | None = None,
        source: str | None = None,
        **fields: Any,
    ) -> Decision:
        """Judges an event: `decide("login", account="alice", ok=False)`, or a mapping with a `type`.

        When no server answers in time the decision is the client's fallback verdict, with `fallback` true. `Refused` is
        raised all the same: an event with faults, or a key without the role, is not the server's absence.
        """
        made = make_event(event, id=id, time=time, source=source, **fields)
        return self._link.run(_calls.decide(self._core, made))

    def record(
        self,
        event: str | Mapping[str, Any],
        /,
        *,
        id: str | None = None,
        time: dt.datetime | str | None = None,
        source: str | None = None,
        **fields: Any,
    ) -> Record:
        """Counts an event and writes it down, without judging it."""
        made = make_event(event, id=id, time=time, source=source, **fields)
        return self._link.run(_calls.record(self._core, made))

    @overload
    def stream(
        self, events: Iterable[Mapping[str, Any]], type: str | None = None, *, refused: OnRefused | None = None
    ) -> Stream[Decision]: ...
    @overload
    def stream(
        self,
        events: Iterable[Mapping[str, Any]],
        type: str | None = None,
        *,
        mode: Literal["record"],
        refused: OnRefused | None = None,
    ) -> Stream[Record]: ...
    @overload
    def stream(
        self,
        events: Iterable[Mapping[str, Any]],
        type: str | None = None,
        *,
        mode: Literal["decide"],
        refused: OnRefused | None = None,
    ) -> Stream[Decision]: ...
    def stream(
        self,
        events: Iterable[Mapping[str, Any]],
        type: str | None = None,
        *,
        mode: Literal["decide", "record"] = "decide",
        refused: OnRefused | None = None,
    ) -> Stream[Any]:
        """Judges (or records) many events over one connection, and gives the answers in their order.

        `type` is for events that have none. The source is iterated in a thread of its own, a few events ahead. A broken
        connection is made again, and what had no answer is sent again under the same ids. There is no fallback: after
        some attempts in vain `Unavailable` is raised. A line that is refused raises `Refused` with its `event`, unless
        `refused` is given: that is called with both, and the stream goes on.
        """
        reader = _calls.answered(self._core.fallback, Record.read if mode == "record" else Decision.read)
        return Stream(self._link, self._core.settings, f"/v1/stream?mode={mode}", events, type, reader, refused)

    def explain(
        self, seq: int | None = None, *, event: str | None = None, source: str | None = None, reveal: bool = False
    ) -> dict[str, Any]:
        """A decision with its features, rules and reasons, as the server's JSON; by its number or the event's id."""
        return self._link.run(_calls.explain(self._core, seq, event, source, reveal))

    # The server and this client

    def status(self) -> dict[str, Any]:
        """How the server is, and why it is not well where it is not."""
        return self._link.run(_calls.get(self._core.settings, "/v1/status"))

    @property
    def counts(self) -> Counts:
        """How often this client was answered, and how often it gave its fallback."""
        return self._core.fallback.counts()

    def close(self) -> None:
        """Closes kept connections."""
        self._link.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"wardroom.Client({str(self._link.place)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a client is not pickled: make one in each process")
