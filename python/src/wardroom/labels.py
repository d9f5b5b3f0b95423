# SPDX-License-Identifier: Apache-2.0
"""Labels: what is said of accounts, addresses and events, by whom, and what was known of them when."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ._alink import AsyncLink
from ._calls import get
from ._http import Request
from ._link import Link
from ._op import Op, Settings, ask_json, call, dump, post, read_object
from ._past import HowLong, When, given, how_long, when
from .errors import Unreadable
from .jobs import AsyncJob, Job
from .table import moment

__all__ = ["AsyncLabels", "Import", "Known", "Labels", "Opinion", "Said"]

#: Who or what a label is about: `"account:ann"`, `{"account": "ann"}`, an event's number.
Subject = str | int | Mapping[str, Any]
#: A file of labels: its path, or its content.
File = str | os.PathLike[str] | bytes


@dataclass(frozen=True)
class Said:
    """What became of a label, or of an entry of a list."""

    #: Its record, by which it can be undone; none where it was refused.
    act: int | None
    #: What there was before and what there is now: `False`, `True`, or until when.
    before: bool | str | None
    after: bool | str | None
    #: Why it could not be said.
    refused: str | None

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Said:
        """From the server's JSON."""
        act = answer.get("act")
        number = int(act) if act is not None else None
        return cls(number, answer.get("before"), answer.get("after"), answer.get("refused"))


@dataclass(frozen=True)
class Opinion:
    """What somebody said of a subject."""

    act: int
    known: dt.datetime
    source: str
    label: str
    #: Whether the subject bears it.
    says: bool
    #: Whether it counted at the time that was asked about.
    counts: bool
    until: dt.datetime | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Known:
    """What was known of a subject at a time."""

    #: Everything that had been said by then, in order: disagreement is kept.
    opinions: tuple[Opinion, ...]
    #: The labels that counted.
    labels: tuple[str, ...]
    #: `abuse`, `good`, `disputed`, or none.
    class_: str | None


@dataclass(frozen=True)
class Import:
    """A file of labels that is being said."""

    #: How many labels it holds.
    labels: int
    #: Lines that could not be read: number and reason; and how many more there were.
    faults: tuple[tuple[int, str], ...]
    more_faults: int


def _subject(subject: Subject) -> Any:
    if isinstance(subject, bool) or not isinstance(subject, (str, int, Mapping)):
        raise TypeError("a subject is 'account:ann', {'account': 'ann'}, or an event's number")
    return {"event": str(subject)} if isinstance(subject, int) else subject


def _row(
    subject: Subject, label: str, says: bool, source: str | None, confidence: float | None, expires: HowLong | None,
    until: When | None, note: str | None, time: When | None,
) -> dict[str, Any]:  # fmt: skip
    ends = given(expires=how_long(expires), until=when(until, "until"), time=when(time, "time"))
    more = given(source=source, confidence=confidence, note=note)
    return {"subject": _subject(subject), "label": label, "says": says, **ends, **more}


def put(settings: Settings, rows: list[dict[str, Any]]) -> Op[list[Said]]:
    """Says labels. Said twice they are what they were said to be."""
    answer = yield from ask_json(settings, post("/v1/labels", {"labels": rows}, again=True))
    return [Said.read(one) for one in answer.get("labels", ())]


def known(settings: Settings, subject: Subject, as_of: When | None) -> Op[Known]:
    """What was known of a subject."""
    if isinstance(subject, int):
        text = f"event:{subject}"
    elif isinstance(subject, Mapping):
        text = ":".join(str(part) for part in next(iter(subject.items())))
    else:
        text = subject
    answer = yield from get(settings, "/v1/labels", {"subject": text, "as_of": when(as_of, "as_of")})
    try:
        opinions = tuple(_opinion(one) for one in answer["opinions"])
        return Known(opinions, tuple(answer["labels"]), answer["class"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"the answer is no set of opinions: {error}") from error


def _opinion(one: Mapping[str, Any]) -> Opinion:
    until = one.get("until")
    return Opinion(
        act=int(one["act"]),
        known=moment(one["known"]),
        source=str(one["source"]),
        label=str(one["label"]),
        says=bool(one["says"]),
        counts=bool(one["counts"]),
        until=moment(until) if until else None,
        confidence=one.get("confidence"),
    )


def import_(settings: Settings, file: File, source: str | None) -> Op[tuple[Import, dict[str, Any]]]:
    """Sends a file. Under a key of its own, so that it is imported once however often it is sent."""
    if isinstance(file, bytes):
        body = file
    else:
        with open(file, "rb") as opened:
            body = opened.read()
    kind = "application/x-ndjson" if body.lstrip()[:1] == b"{" else "text/csv"
    path = "/v1/labels/import" + (f"?{urlencode({'source': source})}" if source else "")
    request = Request("POST", path, body, content_type=kind, idempotency_key=uuid.uuid4().hex)
    answer = read_object((yield from call(settings, request, settings.query_timeout)).body)
    faults = tuple((int(one["line"]), str(one["why"])) for one in answer.get("faults", ()))
    imported = Import(int(answer["labels"]), faults, int(answer.get("more_faults", 0)))
    return imported, (yield from get(settings, f"/v1/jobs/{int(answer['job'])}"))


def undo(settings: Settings, act: int) -> Op[dict[str, Any]]:
    """Undoes one act."""
    reply = yield from call(settings, Request("POST", f"/v1/acts/{int(act)}/undo", dump({}), again=False))
    return read_object(reply.body)


class Labels:
    """`client.labels`."""

    def __init__(self, link: Link, settings: Settings) -> None:
        self._link, self._settings = link, settings

    def put(
        self,
        subject: Subject,
        label: str,
        says: bool = True,
        *,
        source: str | None = None,
        confidence: float | None = None,
        expires: HowLong | None = None,
        until: When | None = None,
        note: str | None = None,
        time: When | None = None,
    ) -> Said:
        """Says that a subject bears a label, or (`says=False`) that it does not. Other sources' opinions stay."""
        row = _row(subject, label, says, source, confidence, expires, until, note, time)
        return self._link.run(put(self._settings, [row]))[0]

    def put_many(self, rows: Iterable[Mapping[str, Any]]) -> list[Said]:
        """Says up to 1,000 labels, each a mapping with `subject`, `label` and what else `put` takes."""
        return self._link.run(put(self._settings, [{**row, "subject": _subject(row["subject"])} for row in rows]))

    def import_file(self, file: File, *, source: str | None = None) -> tuple[Import, Job]:
        """Says the labels of a file (CSV with a head, or NDJSON; its path, or its bytes) as a job that can be undone."""
        imported, job = self._link.run(import_(self._settings, file, source))
        return imported, Job(self._link, self._settings, job)

    def of(self, subject: Subject, *, as_of: When | None = None) -> Known:
        """All that was said of a subject up to a time, and what of it counted then."""
        return self._link.run(known(self._settings, subject, as_of))

    def undo(self, act: int) -> dict[str, Any]:
        """Undoes one act: what it changed is what it was, where nothing has changed it since; `left` tells the rest."""
        return self._link.run(undo(self._settings, act))


class AsyncLabels:
    """`client.labels`."""

    def __init__(self, link: AsyncLink, settings: Settings) -> None:
        self._link, self._settings = link, settings

    async def put(
        self,
        subject: Subject,
        label: str,
        says: bool = True,
        *,
        source: str | None = None,
        confidence: float | None = None,
        expires: HowLong | None = None,
        until: When | None = None,
        note: str | None = None,
        time: When | None = None,
    ) -> Said:
        """Says that a subject bears a label, or (`says=False`) that it does not. Other sources' opinions stay."""
        row = _row(subject, label, says, source, confidence, expires, until, note, time)
        return (await self._link.run(put(self._settings, [row])))[0]

    async def put_many(self, rows: Iterable[Mapping[str, Any]]) -> list[Said]:
        """Says up to 1,000 labels, each a mapping with `subject`, `label` and what else `put` takes."""
        said = [{**row, "subject": _subject(row["subject"])} for row in rows]
        return await self._link.run(put(self._settings, said))

    async def import_file(self, file: File, *, source: str | None = None) -> tuple[Import, AsyncJob]:
        """Says the labels of a file (CSV with a head, or NDJSON; its path, or its bytes) as a job that can be undone."""
        imported, job = await self._link.run(import_(self._settings, file, source))
        return imported, AsyncJob(self._link, self._settings, job)

    async def of(self, subject: Subject, *, as_of: When | None = None) -> Known:
        """All that was said of a subject up to a time, and what of it counted then."""
        return await self._link.run(known(self._settings, subject, as_of))

    async def undo(self, act: int) -> dict[str, Any]:
        """Undoes one act: what it changed is what it was, where nothing has changed it since; `left` tells the rest."""
        return await self._link.run(undo(self._settings, act))
