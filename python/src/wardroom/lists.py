# SPDX-License-Identifier: Apache-2.0
"""Lists: which there are, whether a value is on one, and people's entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._alink import AsyncLink
from ._calls import get, segment
from ._link import Link
from ._op import Op, Settings, ask_json, post
from ._past import HowLong, When, given, how_long, when
from .labels import Said

__all__ = ["AsyncLists", "Lists"]


def listed(settings: Settings) -> Op[list[dict[str, Any]]]:
    """The lists of the policy in force."""
    answer = yield from get(settings, "/v1/lists")
    return list(answer.get("lists", ()))


def look(settings: Settings, id: str, value: str | None) -> Op[dict[str, Any]]:
    """One of them."""
    return (yield from get(settings, f"/v1/lists/{segment(id)}", {"value": value}))


def change(
    settings: Settings, id: str, put: Iterable[str], remove: Iterable[str], expires: HowLong | None, until: When | None
) -> Op[list[Said]]:
    """Puts entries on a list, and takes others off. Done twice it is done once."""
    ends = given(expires=how_long(expires), until=when(until, "until"))
    body = {**given(put=list(put) or None, remove=list(remove) or None), **ends}
    answer = yield from ask_json(settings, post(f"/v1/lists/{segment(id)}/entries", body, again=True))
    return [Said.read(one) for one in answer.get("entries", ())]


def _values(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


class Lists:
    """`client.lists`."""

    def __init__(self, link: Link, settings: Settings) -> None:
        self._link, self._settings = link, settings

    def all(self) -> list[dict[str, Any]]:
        """The lists of the policy in force: `id`, `type`, `matching`, `entries`, `changes`."""
        return self._link.run(listed(self._settings))

    def look(self, id: str, value: str | None = None) -> dict[str, Any]:
        """A list; with a value also whether that is on it: `in_text`, and `entry` (false, true, or until when)."""
        return self._link.run(look(self._settings, id, value))

    def put(
        self, id: str, value: str | Iterable[str], *, expires: HowLong | None = None, until: When | None = None
    ) -> list[Said]:
        """Puts values on a list."""
        return self._link.run(change(self._settings, id, _values(value), (), expires, until))

    def remove(self, id: str, value: str | Iterable[str]) -> list[Said]:
        """Takes values off a list."""
        return self._link.run(change(self._settings, id, (), _values(value), None, None))


class AsyncLists:
    """`client.lists`."""

    def __init__(self, link: AsyncLink, settings: Settings) -> None:
        self._link, self._settings = link, settings

    async def all(self) -> list[dict[str, Any]]:
        """The lists of the policy in force: `id`, `type`, `matching`, `entries`, `changes`."""
        return await self._link.run(listed(self._settings))

    async def look(self, id: str, value: str | None = None) -> dict[str, Any]:
        """A list; with a value also whether that is on it: `in_text`, and `entry` (false, true, or until when)."""
        return await self._link.run(look(self._settings, id, value))

    async def put(
        self, id: str, value: str | Iterable[str], *, expires: HowLong | None = None, until: When | None = None
    ) -> list[Said]:
        """Puts values on a list."""
        return await self._link.run(change(self._settings, id, _values(value), (), expires, until))

    async def remove(self, id: str, value: str | Iterable[str]) -> list[Said]:
        """Takes values off a list."""
        return await self._link.run(change(self._settings, id, (), _values(value), None, None))
