# SPDX-License-Identifier: Apache-2.0
"""Events as they are sent: Python values to JSON, and an id for each, without which an event sent twice counts twice."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

__all__ = ["Event", "event"]

#: An event ready to be sent: its `type`, its `id`, perhaps `time` and `source`, and its fields.
Event = dict[str, Any]

#: Members of an event that are not fields of its type.
RESERVED = frozenset({"type", "id", "time", "source"})


def event(
    kind: str | Mapping[str, Any] | None = None,
    /,
    *,
    id: str | None = None,
    time: dt.datetime | str | None = None,
    source: str | None = None,
    **fields: Any,
) -> Event:
    """An event from a type and fields, or from a mapping that has both; keyword arguments go first.

    Values may be what JSON has, and `datetime` (with a time zone), `timedelta`, IP addresses, UUIDs, enums, `Decimal`
    and numpy's numbers.

    >>> event("login", id="7f1a", account="alice", ok=False)
    {'type': 'login', 'id': '7f1a', 'account': 'alice', 'ok': False}
    """
    made: Event = {}
    if isinstance(kind, Mapping):
        if "specversion" in kind:
            raise ValueError("a CloudEvent is not taken apart here: give its type and `data` as an event")
        made.update(kind)
    elif kind is not None:
        made["type"] = kind
    if not isinstance(made.get("type"), str) or not made["type"]:
        raise ValueError("an event needs its type: event('login', …) or {'type': 'login', …}")
    for name, value in (("id", id), ("time", time), ("source", source)):
        if value is not None:
            made[name] = value
    made.update(fields)
    if made.get("id") is None:
        made["id"] = uuid.uuid4().hex
    return {name: plain(value, name) for name, value in made.items()}


def plain(value: Any, name: str) -> Any:
    """A value as JSON has it; a `TypeError` or `ValueError` that names the field where there is no such form."""
    if value is None or type(value) in (bool, int, str):
        return value
    for kinds, form in _FORMS:
        if isinstance(value, kinds):
            return form(value, name)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        return plain(item(), name)
    what = type(value).__name__
    raise TypeError(f"`{name}` is a {what}, which has no form in an event; give text, a number or a list")


def _number(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"`{name}` is {value}, which JSON cannot say; leave the field out where it is unknown")
    return float(value)


def _decimal(value: Decimal, name: str) -> int | float:
    whole = value.is_finite() and value == value.to_integral_value()
    return int(value) if whole else _number(float(value), name)


def instant(value: dt.datetime, name: str = "time") -> str:
    """A moment as RFC 3339 in UTC."""
    if value.utcoffset() is None:
        raise ValueError(f"`{name}` has no time zone; say which, such as datetime.now(timezone.utc)")
    text = value.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat()
    return text + "Z"


def span(value: dt.timedelta) -> str:
    """A duration as the policy language writes it, whole to the microsecond: `90s`, `0.25s`."""
    micros = value // dt.timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, rest = divmod(micros, 1_000_000)
    return f"{sign}{whole}{f'.{rest:06d}'.rstrip('0') if rest else ''}s"


def _items(value: Sequence[Any], name: str) -> list[Any]:
    return [plain(item, f"{name}[{at}]") for at, item in enumerate(value)]


def _members(value: Mapping[Any, Any], name: str) -> dict[str, Any]:
    return {str(key): plain(item, f"{name}.{key}") for key, item in value.items()}


_TEXTS = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    uuid.UUID,
)
#: Which types have which form; the first that fits, so an enum is its value whatever else it is.
_FORMS: tuple[tuple[Any, Callable[[Any, str], Any]], ...] = (
    (enum.Enum, lambda value, name: plain(value.value, name)),
    (bool, lambda value, _: bool(value)),
    (str, lambda value, _: str(value)),
    (int, lambda value, _: int(value)),
    (float, _number),
    (dt.datetime, instant),
    (dt.timedelta, lambda value, _: span(value)),
    (_TEXTS, lambda value, _: str(value)),
    (Decimal, _decimal),
    (Mapping, _members),
    ((list, tuple), _items),
)
