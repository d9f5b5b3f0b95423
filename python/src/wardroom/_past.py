# SPDX-License-Identifier: Apache-2.0
"""Questions about the past, each as one operation for both clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from . import _limits as limits
from ._op import Op, Settings, call, post, read_object
from .events import instant, span
from .table import Table

#: A moment as a caller may give it: with its zone, or as the server reads it.
When = dt.datetime | dt.date | str
#: A length of time.
HowLong = dt.timedelta | str


def when(value: When | None, name: str) -> str | None:
    """A moment as the server reads it; a day is its first moment in UTC."""
    if isinstance(value, dt.datetime):
        return instant(value, name)
    return value.isoformat() if isinstance(value, dt.date) else value


def how_long(value: HowLong | None) -> str | None:
    """A length of time as the server reads it."""
    return span(value) if isinstance(value, dt.timedelta) else value


def given(**members: Any) -> dict[str, Any]:
    """The members that were given."""
    return {name.rstrip("_"): value for name, value in members.items() if value is not None}


def ask(settings: Settings, question: Mapping[str, Any]) -> Op[Table]:
    """The answer to a question. It is asked as often as need be: it changes nothing."""
    body = {"timeout": f"{settings.query_timeout:g}s", **question}
    request = post("/v1/query", body, again=True)
    # The server's own reason is worth a little more patience than the question itself.
    reply = yield from call(settings, request, settings.query_timeout + limits.QUERY_GRACE_SECS)
    return Table.read(read_object(reply.body))
