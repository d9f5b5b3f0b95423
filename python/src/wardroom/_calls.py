# SPDX-License-Identifier: Apache-2.0
"""Calls about single events and the server itself, each as one operation for both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from ._fallback import Fallback
from ._http import Request
from ._op import Op, Settings, ask_json, post
from .decision import Decision, Record
from .errors import Unavailable
from .events import Event

A = TypeVar("A")


@dataclass(frozen=True)
class Core:
    """What the operations of one client share."""

    settings: Settings
    fallback: Fallback


def decide(core: Core, made: Event) -> Op[Decision]:
    """A verdict, or the fallback where no server gives one in time."""
    try:
        # Sent again it is the same event, since it has an id.
        answer = yield from ask_json(core.settings, post("/v1/decide", made, again=True))
        decision = Decision.read(answer)
    except Unavailable as why:
        return core.fallback.give(str(made["id"]), why)
    core.fallback.answered()
    return decision


def record(core: Core, made: Event) -> Op[Record]:
    """Counts an event. There is nothing to fall back to: it is on disk, or an error says that nobody knows."""
    answer = yield from ask_json(core.settings, post("/v1/record", made, again=True))
    core.fallback.answered()
    return Record.read(answer)


def explain(core: Core, seq: int | None, event_id: str | None, source: str | None, reveal: bool) -> Op[dict[str, Any]]:
    """A decision with its explanation."""
    if (seq is None) == (event_id is None):
        raise ValueError("name a decision by its number, or by event=ID (and source= where the event had one)")
    asked = {"event": event_id, "source": source, "reveal": "true" if reveal else None}
    path = "/v1/decisions" + (f"/{int(seq)}" if seq is not None else "")
    return (yield from get(core.settings, path, asked))


def get(settings: Settings, path: str, asked: Mapping[str, Any] | None = None) -> Op[dict[str, Any]]:
    """A GET with the parameters that are not `None`."""
    given = {name: value for name, value in (asked or {}).items() if value is not None}
    return (yield from ask_json(settings, Request("GET", path + (f"?{urlencode(given)}" if given else ""))))


def segment(value: object) -> str:
    """A value as one segment of a path."""
    return quote(str(value), safe="")


def answered(fallback: Fallback, read: Callable[[Mapping[str, Any]], A]) -> Callable[[Mapping[str, Any]], A]:
    """The reader, which also counts."""

    def reader(answer: Mapping[str, Any]) -> A:
        value = read(answer)
        fallback.answered()
        return value

    return reader
