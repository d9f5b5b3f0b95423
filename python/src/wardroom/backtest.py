# SPDX-License-Identifier: Apache-2.0
"""Backtests: what a rule or a whole policy would have done; begun, waited for, and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _html
from . import _limits as limits
from ._alink import AsyncLink
from ._calls import get, segment
from ._http import Request
from ._link import Link
from ._op import Op, Pause, Settings, ask_json, call, post
from ._past import HowLong, When, given, how_long, when
from .errors import Unreadable, WardroomError
from .progress import Shows, shows

__all__ = ["AsyncBacktest", "Backtest", "BacktestFailed", "BacktestResult"]


class BacktestFailed(WardroomError):
    """A backtest that ended without a result: it failed, or somebody stopped it."""


@dataclass(frozen=True)
class Share:
    """A share with its interval of confidence: it lies within, 19 times of 20."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%}–{self.high:.1%})"


class BacktestResult:
    """What a backtest found. `report` has all of it, as the server sends it."""

    def __init__(self, id: str, report: Mapping[str, Any], passes: bool) -> None:
        self.id, self.report, self.passes = id, report, passes
        try:
            together = report["together"]
            #: Hits by class: `all`, `abuse`, `good`, `disputed`, `unlabelled`.
            self.hits: dict[str, int] = dict(together["hits"])
            #: Of labelled hits, the share that is abuse.
            self.precision = _share(together["precision"])
            #: Of abusive events, the share that is hit.
            self.recall = _share(together["recall"])
            self.f1 = _share(together["f1"])
            #: Events that would be blocked and were not.
            self.new_blocks: int = report["change"]["new_blocks"]
            #: What a reader must know before believing the figures.
            self.warnings: tuple[str, ...] = tuple(report["warnings"])
            #: Each rule, as the report has it.
            self.rules: list[dict[str, Any]] = list(report["rules"])
            #: Limits that do not hold: `limit`, `allowed`, `found`.
            self.broken: list[dict[str, Any]] = list(report["broken"])
        except (KeyError, TypeError) as error:
            raise Unreadable(f"the answer is no report of a backtest: {error}") from error

    def matrix(self) -> dict[str, dict[str, int]]:
        """Events by what was answered and what would be: `matrix()["allow"]["block"]`."""
        change = self.report["change"]
        names = change["verdicts"]
        return {was: dict(zip(names, row, strict=True)) for was, row in zip(names, change["matrix"], strict=True)}

    def _figures(self) -> list[tuple[str, Any]]:
        rows: list[tuple[str, Any]] = [
            ("events", self.report["events"]["all"]),
            ("hits", self.hits["all"]),
            ("of them abuse, good", f"{self.hits['abuse']:,}, {self.hits['good']:,}"),
            ("precision", str(self.precision) if self.precision else "nothing labelled"),
            ("recall", str(self.recall) if self.recall else "nothing labelled"),
            ("F1", str(self.f1) if self.f1 else "nothing labelled"),
            ("new blocks", self.new_blocks),
            ("new challenges", self.report["change"].get("new_challenges", 0)),
            ("new reviews", self.report["change"].get("new_reviews", 0)),
        ]
        if cost := self.report.get("cost"):
            rows.append(("cost", f"{cost['was']:,.0f} → {cost['would_be']:,.0f}"))
        return rows

    def _title(self) -> tuple[str, str]:
        title = self.report["ask"].get("title") or ", ".join(rule["id"] for rule in self.rules) or "backtest"
        state = "keeps its limits" if self.passes else "breaks " + ", ".join(b["limit"] for b in self.broken)
        return title, f"{self.report['from']} to {self.report['to']}; {state}"

    def __repr__(self) -> str:
        return f"BacktestResult({self.id!r}, hits={self.hits['all']}, passes={self.passes})"

    def __str__(self) -> str:
        title, note = self._title()
        warnings = [f"warning: {_html.note(one)}" for one in self.warnings]
        return "\n".join(
            [f"{_html.text(title)}  {_html.note(note)}", _html.plain(("", ""), self._figures()).lstrip(), *warnings]
        )

    def _repr_html_(self) -> str:
        parts = [_html.section(*self._title()), _html.table(("", ""), self._figures())]
        parts += [_html.section("", f"⚠ {warning}") for warning in self.warnings]
        parts += [_html.section("Verdicts", "rows as it was, columns as it would be"), _verdicts(self.matrix())]
        parts += [_rule(rule) for rule in self.rules]
        return "<div>" + "".join(parts) + "</div>"

    def _repr_markdown_(self) -> str:
        title, note = self._title()
        warnings = "".join(f"- ⚠ {_html.prose(one)}\n" for one in self.warnings)
        return (
            f"**{_html.prose(title)}** {_html.prose(note)}\n\n{_html.markdown(('', ''), self._figures())}\n\n{warnings}"
        )


def _share(value: Mapping[str, float] | None) -> Share | None:
    return None if value is None else Share(value["value"], value["low"], value["high"])


def _verdicts(matrix: Mapping[str, Mapping[str, int]]) -> str:
    """The matrix, with the verdicts that somebody got or would get."""

    def is_there(name: str) -> bool:
        return name in ("allow", "block") or any(matrix[name].values()) or any(row[name] for row in matrix.values())

    names = [name for name in matrix if is_there(name)]
    return _html.table(("", *names), [(was, *(matrix[was][now] for now in names)) for was in names])


def _rule(rule: Mapping[str, Any]) -> str:
    """One rule's part of the picture."""
    verdict, event = rule.get("verdict") or "no verdict", rule.get("event", "")
    parts = [_html.section(str(rule["id"]), f"on {event}, {verdict}; {rule.get('way')}: {rule.get('why', '')}")]
    series = rule.get("series") or {}
    if hits := [float(n) for n in series.get("hits", ())]:
        parts.append(_columns(hits, f"hits from {series.get('from', '')} on"))
    # A field that is another in every hit says nothing of them.
    tops = [top for top in rule.get("top", ()) if any(count > 1 for _, count in top["values"])]
    for top in tops[:3]:
        rows = [(value, count) for value, count in top["values"][:5]]
        parts += [_html.section("", f"{top['field']}: {top['distinct']:,} different"), _html.table(("", ""), rows)]
    examples = [(e["seq"], e["time"], e.get("class"), e.get("was"), e["because"]) for e in rule.get("examples", ())[:5]]
    if examples:
        parts.append(_html.table(("decision", "time", "class", "was", "because"), examples))
    return "".join(parts)


def _columns(values: list[float], words: str) -> str:
    """A small chart of columns."""
    most = max(values) or 1.0
    wide = max(1, 480 // max(1, len(values)))
    drawn = "".join(
        f'<div style="width:{wide}px;height:{max(0.0, v) / most * 40:.1f}px;background:#4878a8"></div>'
        for v in values[-480:]
    )
    return f'<div style="display:flex;align-items:flex-end;height:40px">{drawn}</div>' + _html.section("", words)


def question(
    rule: str | None, files: Mapping[str, str] | None, rules: list[str] | None, last: HowLong | None,
    start: When | None, end: When | None, as_of: When | None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """What is asked, as the server reads it."""
    if rule is None and files is None and rules is None:
        raise ValueError("say what is tried: rule= the text of one, rules= ids in force, or files= a whole policy")
    period = given(last=how_long(last), from_=when(start, "start"), to=when(end, "end"), as_of=when(as_of, "as_of"))
    return {**given(rule=rule, files=files, rules=rules, **more), **period}


def begin(settings: Settings, asked: Mapping[str, Any]) -> Op[str]:
    """Begins it. Asked twice it is one: the same question over the same past has the same id."""
    answer = yield from ask_json(settings, post("/v1/backtests", asked, again=True))
    return str(answer["id"])


def wait(settings: Settings, id: str, bar: Shows, timeout: float | None) -> Op[BacktestResult]:
    """Looks until it is done."""
    until = None if timeout is None else settings.clock() + timeout
    pause = limits.POLL_FIRST_SECS
    try:
        while True:
            state = yield from get(settings, f"/v1/backtests/{segment(id)}")
            bar.update(float(state.get("progress") or 0.0), str(state.get("state")))
            if state.get("state") == "done":
                return BacktestResult(id, state["report"], bool(state.get("passes")))
            if state.get("state") in ("failed", "stopped"):
                raise BacktestFailed(f"the backtest {id} {state['state']}: {state.get('error') or 'by request'}")
            if until is not None and settings.clock() + pause > until:
                raise TimeoutError(f"the backtest {id} is not done yet; `wait` again")
            yield Pause(pause)
            pause = min(pause * 1.5, limits.POLL_MOST_SECS)
    finally:
        bar.close()


def remove(settings: Settings, id: str) -> Op[None]:
    """Stops and removes it."""
    yield from call(settings, Request("DELETE", f"/v1/backtests/{segment(id)}"))


def page(settings: Settings, id: str) -> Op[str]:
    """The report as Markdown."""
    reply = yield from call(settings, Request("GET", f"/v1/backtests/{segment(id)}", accept="text/markdown"))
    return reply.body.decode("utf-8", "replace")


class Backtest:
    """A backtest on the server."""

    def __init__(self, link: Link, settings: Settings, id: str) -> None:
        self._link, self._settings = link, settings
        self.id = id

    def status(self) -> dict[str, Any]:
        """Its `state` (`waiting`, `running`, `done`, `failed`, `stopped`) and `progress`, as the server says it."""
        return self._link.run(get(self._settings, f"/v1/backtests/{segment(self.id)}"))

    def wait(self, *, progress: bool | Shows | None = None, timeout: float | None = None) -> BacktestResult:
        """Waits for the result, with a bar where somebody looks; after `timeout` seconds `TimeoutError`, and it goes on."""
        bar = shows(progress, "backtest")
        return self._link.run(wait(self._settings, self.id, bar, timeout))

    def markdown(self) -> str:
        """The whole report as a page, once it is done."""
        return self._link.run(page(self._settings, self.id))

    def remove(self) -> None:
        """Stops it where it is under way, and removes it."""
        self._link.run(remove(self._settings, self.id))

    def __repr__(self) -> str:
        return f"Backtest({self.id!r})"


class AsyncBacktest:
    """A backtest on the server."""

    def __init__(self, link: AsyncLink, settings: Settings, id: str) -> None:
        self._link, self._settings = link, settings
        self.id = id

    async def status(self) -> dict[str, Any]:
        """Its `state` (`waiting`, `running`, `done`, `failed`, `stopped`) and `progress`, as the server says it."""
        return await self._link.run(get(self._settings, f"/v1/backtests/{segment(self.id)}"))

    async def wait(self, *, progress: bool | Shows | None = None, timeout: float | None = None) -> BacktestResult:
        """Waits for the result, with a bar where somebody looks; after `timeout` seconds `TimeoutError`, and it goes on."""
        bar = shows(progress, "backtest")
        return await self._link.run(wait(self._settings, self.id, bar, timeout))

    async def markdown(self) -> str:
        """The whole report as a page, once it is done."""
        return await self._link.run(page(self._settings, self.id))

    async def remove(self) -> None:
        """Stops it where it is under way, and removes it."""
        await self._link.run(remove(self._settings, self.id))

    def __repr__(self) -> str:
        return f"AsyncBacktest({self.id!r})"
