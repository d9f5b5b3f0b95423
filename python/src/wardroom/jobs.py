# SPDX-License-Identifier: Apache-2.0
"""Jobs: doing something with many events of the past. Planned first, with a preview; then run, waited for, undone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from . import _html
from . import _limits as limits
from ._alink import AsyncLink
from ._calls import get, segment
from ._http import Request
from ._link import Link
from ._op import Op, Pause, Settings, call, dump, post, read_object
from ._past import given
from .deeds import Deed
from .errors import WardroomError
from .progress import Shows, shows
from .table import Table

__all__ = ["AsyncJob", "Job", "JobNotDone"]

#: What a job is about: a query of the policy language, numbers of events, a table with a column `seq`, or entities.
Where = str | Table | Iterable[int] | Iterable[Mapping[str, str]]

_ENDED = frozenset({"done", "stopped", "undone"})


class JobNotDone(WardroomError):
    """A job cannot go on by itself: it wants somebody's approval, or was not started."""


class Preview:
    """What would become of a job: nothing is done yet."""

    def __init__(self, preview: Mapping[str, Any]) -> None:
        #: All of it, as the server sends it.
        self.document: dict[str, Any] = dict(preview)
        #: Items that would change something; of which all is so already; that could not be done.
        self.changes: int = int(preview.get("changes", 0))
        self.same: int = int(preview.get("same", 0))
        self.refused: int = int(preview.get("refused", 0))
        #: How many items there are.
        self.items: int = int(preview.get("items", 0))
        #: Why some could not be done: each reason once, and of how many.
        self.why: tuple[tuple[str, int], ...] = tuple((str(why), int(n)) for why, n in preview.get("why", ()))
        #: Some of the items, in words.
        self.samples: tuple[str, ...] = tuple(preview.get("samples", ()))

    def _rows(self) -> list[tuple[str, Any]]:
        rows: list[tuple[str, Any]] = [("would change", self.changes), ("so already", self.same)]
        rows += [(f"not done: {why}", count) for why, count in self.why] or [("not done", self.refused)]
        return rows

    def _shown(self) -> list[str]:
        more = len(self.samples) - limits.SAMPLES_SHOWN
        return [*self.samples[: limits.SAMPLES_SHOWN], *([f"… {more} more in `samples`"] if more > 0 else [])]

    def __str__(self) -> str:
        samples = [f"  {_html.note(sample)}" for sample in self._shown()]
        return "\n".join([_html.plain(("items", f"{self.items:,}"), self._rows()), *samples])

    def _repr_html_(self) -> str:
        samples = _html.table(("for example",), [(sample,) for sample in self._shown()])
        return _html.table(("items", f"{self.items:,}"), self._rows()) + samples


def plan(
    settings: Settings, do: Deed, where: Where | None, sql: str | None, reason: str, cap: int | None,
    dry_run: bool, reveal: bool,
) -> Op[dict[str, Any]]:  # fmt: skip
    """Plans a job. Under a key of its own, so that a plan that is sent twice is one."""
    body = {"do": do, "where": _where(where, sql), "reason": reason, **given(cap=cap)}
    body |= {name: True for name, wanted in (("dry_run", dry_run), ("reveal", reveal)) if wanted}
    request = Request("POST", "/v1/jobs", dump(body), idempotency_key=uuid.uuid4().hex)
    reply = yield from call(settings, request, settings.query_timeout)
    return read_object(reply.body)


def _where(where: Where | None, sql: str | None) -> dict[str, Any]:
    if (where is None) == (sql is None):
        raise ValueError("say which events: a query, a table with a column `seq`, numbers, entities, or sql=")
    if where is None:
        return {"sql": sql}
    if isinstance(where, str):
        return {"query": where}
    if isinstance(where, Table):
        if "seq" not in where.names:
            raise ValueError("the table has no column `seq`, by which events are known: `show seq, …`")
        if where.truncated:
            raise ValueError("the table was cut off at its limit, so it is not all that was asked for: raise the limit")
        return {"seqs": [str(number) for number in where.column("seq")]}
    items: list[Any] = list(where)
    if items and all(isinstance(item, Mapping) for item in items):
        return {"entities": [dict(item) for item in items]}
    return {"seqs": [str(int(item)) for item in items]}


def step(settings: Settings, id: str, name: str, timeout: float | None = None) -> Op[dict[str, Any]]:
    """Takes a job a step on. One that was taken already is refused as a conflict, and nothing happens twice."""
    reply = yield from call(settings, post(f"/v1/jobs/{segment(id)}/{name}", {}), timeout)
    return read_object(reply.body)


def wait(settings: Settings, id: str, bar: Shows, timeout: float | None) -> Op[dict[str, Any]]:
    """Looks until the job is at an end."""
    until = None if timeout is None else settings.clock() + timeout
    pause = limits.POLL_FIRST_SECS
    try:
        while True:
            state = yield from get(settings, f"/v1/jobs/{segment(id)}")
            bar.update(float(state.get("progress") or 0.0), f"{state.get('state')} {state.get('done')}")
            if state.get("state") in _ENDED:
                return state
            if state.get("state") == "preview":
                wants = "another person's approval" if state.get("needs_approval") else "to be run"
                raise JobNotDone(f"job {id} is a preview: it wants {wants}")
            if until is not None and settings.clock() + pause > until:
                raise TimeoutError(f"job {id} is not done yet; `wait` again")
            yield Pause(pause)
            pause = min(pause * 1.5, limits.POLL_MOST_SECS)
    finally:
        bar.close()


def log(settings: Settings, id: str, reveal: bool) -> Op[list[dict[str, Any]]]:
    """The whole log, piece by piece."""
    entries: list[dict[str, Any]] = []
    while True:
        after = entries[-1]["seq"] if entries else None
        path = f"/v1/jobs/{segment(id)}/log?limit={limits.LOG_LINES}"
        path += (f"&after={segment(after)}" if after else "") + ("&reveal=true" if reveal else "")
        reply = yield from call(settings, Request("GET", path, accept="application/x-ndjson"))
        piece = [json.loads(line) for line in reply.body.splitlines() if line.strip()]
        entries += piece
        if len(piece) < limits.LOG_LINES:
            return entries


class _Shown:
    """What both kinds of job know of themselves."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document: dict[str, Any] = dict(document)
        #: None for a dry run, of which nothing is on record.
        self.id: str | None = document.get("id")
        preview = document.get("preview")
        #: What would become of it, as of when it was planned.
        self.preview: Preview | None = Preview(preview) if isinstance(preview, Mapping) else None

    @property
    def state(self) -> str:
        """As it was last seen: `preview`, `running`, `done`, `stopped`, `undoing`, `undone`; `dry run`."""
        return str(self._document.get("state", "dry run"))

    @property
    def needs_approval(self) -> bool:
        """Whether another person has to approve it first."""
        return bool(self._document.get("needs_approval"))

    @property
    def counts(self) -> dict[str, int]:
        """Of its items: `made`, `same`, `refused`, and of those undone `restored` and `left`."""
        return dict(self._document.get("counts", {}))

    def _number(self) -> str:
        if self.id is None:
            raise JobNotDone("this was a dry run, of which nothing is on record; plan it without dry_run")
        return self.id

    def _update(self, document: Mapping[str, Any]) -> None:
        self._document = dict(document)

    def __repr__(self) -> str:
        return f"Job({self.id or 'dry run'}, {self.state}, {self.counts})"

    def __str__(self) -> str:
        counts = ", ".join(f"{n:,} {_html.text(name)}" for name, n in self.counts.items() if n)
        preview = [str(self.preview)] if self.preview is not None and self.state in ("preview", "dry run") else []
        approval = " (wants another person's approval)" if self.needs_approval else ""
        return "\n".join([f"job {_html.text(self.id or '')} {self.state}{approval} {counts}".strip(), *preview])

    def _repr_html_(self) -> str:
        counts = [(name, n) for name, n in self.counts.items() if n]
        note = self.state + (", wants another person's approval" if self.needs_approval else "")
        parts = [_html.section(f"Job {self.id or ''}", note)]
        parts += [_html.table(("", ""), counts)] if counts else []
        if self.preview is not None and self.state in ("preview", "dry run"):
            parts.append(self.preview._repr_html_())
        return "".join(parts)


class Job(_Shown):
    """A job on the server."""

    def __init__(self, link: Link, settings: Settings, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self._link, self._settings = link, settings

    def run(self) -> Job:
        """Starts it; nothing of it has been done before."""
        self._update(self._link.run(step(self._settings, self._number(), "start")))
        return self

    def approve(self) -> Job:
        """Approves it, with a key of another name than the one that planned it."""
        self._update(self._link.run(step(self._settings, self._number(), "approve")))
        return self

    def wait(self, *, progress: bool | Shows | None = None, timeout: float | None = None) -> Job:
        """Waits until it is done or undone; after `timeout` seconds `TimeoutError`, and it goes on."""
        bar = shows(progress, f"job {self._number()}")
        self._update(self._link.run(wait(self._settings, self._number(), bar, timeout)))
        return self

    def undo(self) -> Job:
        """Begins to undo all that was done, the last item first; what was changed since is left, and told in the log."""
        self._update(self._link.run(step(self._settings, self._number(), "undo")))
        return self

    def cancel(self) -> Job:
        """Stops it; what was done stays, and can be undone."""
        self._update(self._link.run(step(self._settings, self._number(), "cancel")))
        return self

    def refresh(self) -> Job:
        """Looks where it stands."""
        self._update(self._link.run(get(self._settings, f"/v1/jobs/{segment(self._number())}")))
        return self

    def log(self, *, reveal: bool = False) -> list[dict[str, Any]]:
        """What was done with each item, and what was not."""
        return self._link.run(log(self._settings, self._number(), reveal))


class AsyncJob(_Shown):
    """A job on the server."""

    def __init__(self, link: AsyncLink, settings: Settings, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self._link, self._settings = link, settings

    async def run(self) -> AsyncJob:
        """Starts it; nothing of it has been done before."""
        self._update(await self._link.run(step(self._settings, self._number(), "start")))
        return self

    async def approve(self) -> AsyncJob:
        """Approves it, with a key of another name than the one that planned it."""
        self._update(await self._link.run(step(self._settings, self._number(), "approve")))
        return self

    async def wait(self, *, progress: bool | Shows | None = None, timeout: float | None = None) -> AsyncJob:
        """Waits until it is done or undone; after `timeout` seconds `TimeoutError`, and it goes on."""
        bar = shows(progress, f"job {self._number()}")
        self._update(await self._link.run(wait(self._settings, self._number(), bar, timeout)))
        return self

    async def undo(self) -> AsyncJob:
        """Begins to undo all that was done, the last item first; what was changed since is left, and told in the log."""
        self._update(await self._link.run(step(self._settings, self._number(), "undo")))
        return self

    async def cancel(self) -> AsyncJob:
        """Stops it; what was done stays, and can be undone."""
        self._update(await self._link.run(step(self._settings, self._number(), "cancel")))
        return self

    async def refresh(self) -> AsyncJob:
        """Looks where it stands."""
        self._update(await self._link.run(get(self._settings, f"/v1/jobs/{segment(self._number())}")))
        return self

    async def log(self, *, reveal: bool = False) -> list[dict[str, Any]]:
        """What was done with each item, and what was not."""
        return await self._link.run(log(self._settings, self._number(), reveal))
