# SPDX-License-Identifier: Apache-2.0
"""What can be done with events of the past, as `client.act` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._past import HowLong, When, given, how_long, when

__all__ = ["Deed", "again", "case", "label", "put_on", "take_off", "webhook"]

#: What is to be done with each event.
Deed = Mapping[str, Any]


def label(
    name: str,
    on: str = "event",
    *,
    says: bool = True,
    expires: HowLong | None = None,
    until: When | None = None,
    confidence: float | None = None,
    note: str | None = None,
) -> Deed:
    """Say that the event (`on="event"`), or whom it happened to (`on="account"`, `on="ip.net"`), bears a label."""
    end = given(expires=how_long(expires), until=when(until, "until"))
    return {"label": {"name": name, "on": on, "says": says, **end, **given(confidence=confidence, note=note)}}


def put_on(list: str, value: str, *, expires: HowLong | None = None, until: When | None = None) -> Deed:
    """Put a value of each event (`"ip"`, `"ip.net"`, `"account"`) on a list."""
    return {"list": {"list": list, "value": value, **given(expires=how_long(expires), until=when(until, "until"))}}


def take_off(list: str, value: str) -> Deed:
    """Take a value of each event off a list."""
    return {"unlist": {"list": list, "value": value}}


def case(queue: str) -> Deed:
    """Open a case for each event."""
    return {"case": {"queue": queue}}


def again() -> Deed:
    """Judge each event once more, with what is in force and known now."""
    return {"again": {}}


def webhook(name: str) -> Deed:
    """Tell a webhook of each event."""
    return {"webhook": {"name": name}}
