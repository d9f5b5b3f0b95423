# SPDX-License-Identifier: Apache-2.0
"""`AsyncClient`: the same as `Client`, for asyncio. One is enough for a program; it belongs to one event loop at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, overload

from . import _calls, _past
from . import backtest as _backtest
from . import jobs as _jobs
from ._alink import AsyncLink
from ._common import Common
from ._flow import OnRefused
from ._past import HowLong, When, given, when
from .astream import AsyncStream, Source
from .backtest import AsyncBacktest
from .decision import Decision, Record
from .deeds import Deed
from .events import event as make_event
from .jobs import AsyncJob, Where
from .labels import AsyncLabels
from .lists import AsyncLists
from .table import Table

__all__ = ["AsyncClient"]


class AsyncClient(Common[AsyncLink]):
    """A connection to a Wardroom server, for asyncio.

    `url` and `key` come from `WARDROOM_URL` and `WARDROOM_KEY` where they are not given. `timeout` is in seconds, for one
    call with all its `retries`; `query_timeout` the same for questions about the past. `fallback` is the verdict when no
    server answers in time: a name, or `None` to raise instead.
    """

    _pool = AsyncLink

    # Events

    async def decide(
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
        return await self._link.run(_calls.decide(self._core, made))

    async def record(
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
        return await self._link.run(_calls.record(self._core, made))

    @overload
    def stream(
        self, events: Source, type: str | None = None, *, refused: OnRefused | None = None
    ) -> AsyncStream[Decision]: ...
    @overload
    def stream(
        self,
        events: Source,
        type: str | None = None,
        *,
        mode: Literal["record"],
        refused: OnRefused | None = None,
    ) -> AsyncStream[Record]: ...
    @overload
    def stream(
        self,
        events: Source,
        type: str | None = None,
        *,
        mode: Literal["decide"],
        refused: OnRefused | None = None,
    ) -> AsyncStream[Decision]: ...
    def stream(
        self,
        events: Source,
        type: str | None = None,
        *,
        mode: Literal["decide", "record"] = "decide",
        refused: OnRefused | None = None,
    ) -> AsyncStream[Any]:
        """Judges (or records) many events over one connection, and gives the answers in their order.

        `type` is for events that have none. The source may be
        asynchronous; a plain one is iterated in the event loop, a few events ahead, and should not block. A broken
        connection is made again, and what had no answer is sent again under the same ids. There is no fallback: after
        some attempts in vain `Unavailable` is raised. A line that is refused raises `Refused` with its `event`, unless
        `refused` is given: that is called with both, and the stream goes on.
        """
        reader = _calls.answered(self._core.fallback, Record.read if mode == "record" else Decision.read)
        return AsyncStream(self._link, self._core.settings, f"/v1/stream?mode={mode}", events, type, reader, refused)

    async def explain(
        self, seq: int | None = None, *, event: str | None = None, source: str | None = None, reveal: bool = False
    ) -> dict[str, Any]:
        """A decision with its features, rules and reasons, as the server's JSON; by its number or the event's id."""
        return await self._link.run(_calls.explain(self._core, seq, event, source, reveal))

    # The past

    async def query(
        self,
        query: str,
        *,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        limit: int | None = None,
        reveal: bool = False,
    ) -> Table:
        """Asks the past in the policy language: `client.query('login where not ok last "7d" by ip.net show count')`.

        `start` and `end` are a period, whatever the query says; labels are as they were known `as_of`; `limit` is the most
        rows (1,000, and never more than a million); `reveal` shows identifiers of people whole, which takes that role.
        """
        period = given(from_=when(start, "start"), to=when(end, "end"), as_of=when(as_of, "as_of"))
        question = {"query": query, **period, **given(limit=limit, reveal=reveal or None)}
        return await self._link.run(_past.ask(self._core.settings, question))

    async def sql(
        self, sql: str, *, as_of: When | None = None, limit: int | None = None, reveal: bool = False
    ) -> Table:
        """The same in SQL, where the server has that built in."""
        question = {"sql": sql, **given(as_of=when(as_of, "as_of"), limit=limit, reveal=reveal or None)}
        return await self._link.run(_past.ask(self._core.settings, question))

    async def backtest(
        self,
        rule: str | None = None,
        *,
        files: Mapping[str, str] | None = None,
        rules: list[str] | None = None,
        last: HowLong | None = None,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        title: str | None = None,
        costs: Mapping[str, float] | None = None,
        limits: Mapping[str, float] | None = None,
        **more: Any,
    ) -> AsyncBacktest:
        """Begins a backtest: what `rule` (a text), `rules` (ids in force) or `files` (a whole policy) would have done.

        `costs` are `false_block`, `missed_abuse`, `review_minute`; `limits` are `max_new_blocks`, `min_precision` and
        others; `more` is what else the server takes (`against`, `brief`, `recorded`, `as_written`, `way`, `reveal`).
        `wait()` gives the result. Whoever reads gets a `BadPolicy` for a rule with faults, drawn in place.
        """
        asked = _backtest.question(
            rule, files, rules, last, start, end, as_of, title=title, costs=costs, limits=limits, **more
        )
        return AsyncBacktest(
            self._link, self._core.settings, await self._link.run(_backtest.begin(self._core.settings, asked))
        )

    async def act(
        self,
        do: Deed,
        where: Where | None = None,
        *,
        sql: str | None = None,
        reason: str = "",
        cap: int | None = None,
        dry_run: bool = False,
        reveal: bool = False,
    ) -> AsyncJob:
        """Plans to do something with events of the past, and gives the job with its preview: nothing is done yet.

        `do` is one of `wardroom.label(…)`, `put_on(…)`, `take_off(…)`, `case(…)`, `again()`, `webhook(…)`. `where` is a query
        of the policy language, a table with a column `seq`, numbers of events, or entities such as `{"account": "ann"}`.
        Then `job.run()`, `job.wait()`, and where it was wrong `job.undo()`.
        """
        made = await self._link.run(_jobs.plan(self._core.settings, do, where, sql, reason, cap, dry_run, reveal))
        return AsyncJob(self._link, self._core.settings, made)

    async def job(self, id: str | int) -> AsyncJob:
        """A job that was planned before."""
        document = await self._link.run(_calls.get(self._core.settings, f"/v1/jobs/{_calls.segment(id)}"))
        return AsyncJob(self._link, self._core.settings, document)

    @property
    def labels(self) -> AsyncLabels:
        """What is said of accounts, addresses and events."""
        return AsyncLabels(self._link, self._core.settings)

    @property
    def lists(self) -> AsyncLists:
        """Lists of the policy in force, and people's entries."""
        return AsyncLists(self._link, self._core.settings)

    # The server and this client

    async def status(self) -> dict[str, Any]:
        """How the server is, and why it is not well where it is not."""
        return await self._link.run(_calls.get(self._core.settings, "/v1/status"))

    async def close(self) -> None:
        """Closes kept connections."""
        await self._link.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
