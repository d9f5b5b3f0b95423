# SPDX-License-Identifier: Apache-2.0
"""What notebooks and terminals are shown of backtests and jobs: whole, and harmless whatever strangers are called."""

from __future__ import annotations

import datetime as dt
import io
import sys
import types
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from wardroom import progress
from wardroom._html import text
from wardroom.backtest import BacktestResult
from wardroom.jobs import Preview, _Shown

HOSTILE = "<img src=x onerror=alert(1)>\"'\u202e\x1b[31m</td><script>alert(2)</script>"

#: All that the pictures are made of.
TAGS = {"div", "span", "b", "table", "tr", "th", "td"}

VERDICTS = ["allow", "limit", "challenge", "review", "block"]


def report(name: str) -> dict[str, Any]:
    """A report in which everything that somebody could choose has this name."""
    matrix = [[0] * 5 for _ in range(5)]
    matrix[0][0], matrix[0][2] = 756, 1127
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    hits = {"all": 1127, "abuse": 5, "good": 5, "disputed": 0, "unlabelled": 1117}
    return {
        "ask": {"title": name},
        "from": name,
        "to": name,
        "events": {"all": 1883},
        "together": {"hits": hits, "precision": share, "recall": share, "f1": share},
        "change": {
            "verdicts": VERDICTS,
            "matrix": matrix,
            "new_blocks": 0,
            "new_challenges": 1127,
            "new_reviews": 0,
        },
        "warnings": [name],
        "broken": [{"limit": name, "allowed": 0, "found": 1}],
        "rules": [
            {
                "id": name,
                "event": name,
                "verdict": name,
                "way": name,
                "why": name,
                "series": {"from": name, "hits": [1, 2]},
                "top": [
                    {"field": "account", "distinct": 2, "values": [["lonely", 1], ["alone", 1]]},
                    {"field": name, "distinct": 2, "values": [[name, 3], ["other", 1]]},
                ],
                "examples": [{"seq": 1, "time": name, "class": name, "was": name, "because": name}],
            }
        ],
    }


class Tags(HTMLParser):
    """Whatever a browser would take for markup."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.names: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.names |= {name for name, _ in attrs}


def drawn(of: Any) -> Tags:
    return Tags(of._repr_html_())


def test_no_name_of_a_stranger_is_markup() -> None:
    result = BacktestResult("b_1", report(HOSTILE), passes=False)
    preview = {"items": 1, "changes": 1, "samples": [HOSTILE], "why": [[HOSTILE, 1]]}
    job = _Shown({"id": HOSTILE, "state": "preview", "preview": preview, "counts": {HOSTILE: 3}})
    for one in (result, job, Preview(preview)):
        tags = drawn(one)
        assert tags.seen <= TAGS
        assert tags.names <= {"style"}
        assert "\u202e" not in one._repr_html_()
        assert not {"\u202e", "\x1b"} & set(str(one))
    assert "<script" not in result._repr_markdown_()


def test_a_backtest_is_drawn_with_what_would_change() -> None:
    result = BacktestResult("b_1", report("wave"), passes=True)
    html = result._repr_html_()
    verdicts = html[html.index("Verdicts") :]
    # What nobody got before has a column all the same, since somebody would get it now.
    assert verdicts.index(">allow<") < verdicts.index(">challenge<") < verdicts.index(">block<")
    assert ">limit<" not in verdicts
    assert verdicts.count(">1127<") == 1
    assert "50.0% (40.0%–60.0%)" in html
    # Of an account each there is nothing to see.
    assert "lonely" not in html
    assert "other" in html
    assert "new challenges" in str(result)


def test_a_preview_shows_some_samples_and_says_how_many_there_are() -> None:
    preview = Preview({"items": 20, "samples": [f"account {n}: abuse" for n in range(20)]})
    for form in (str(preview), preview._repr_html_()):
        assert "account 5: abuse" in form
        assert "account 6: abuse" not in form
        assert "14 more" in form


def test_a_warning_is_read_to_its_end() -> None:
    long = "one label of ten is late: " + "very " * 60 + "late"
    result = BacktestResult("b_1", {**report("wave"), "warnings": [long]}, passes=True)
    for form in (str(result), result._repr_html_(), result._repr_markdown_()):
        assert long in form


def test_lengths_of_time_are_read_by_people() -> None:
    for value, expect in [
        (dt.timedelta(seconds=3.9), "3.9s"),
        (dt.timedelta(seconds=4), "4s"),
        (dt.timedelta(microseconds=-1500), "-0.0015s"),
        (dt.timedelta(minutes=2), "0:02:00"),
        (dt.timedelta(days=3, hours=1, seconds=0.4), "3 days, 1:00:00"),
    ]:
        assert text(value) == expect


def test_a_line_of_a_terminal_is_drawn_anew() -> None:
    out = io.StringIO()
    line = progress.Line(out, "backtest")
    line.update(0.5, "running")
    line.update(1.0, "")
    line.close()
    first, second = out.getvalue().removeprefix("\r").split("\r")
    assert "█" * 12 + "░" * 12 in first
    assert " 50% running" in first
    assert len(second.rstrip("\n")) == len(first)
    assert "100%" in second


def test_tqdm_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    class Bar:
        n = 0

        def __init__(self, **how: Any) -> None:
            said.append(how["desc"])

        def set_postfix_str(self, words: str) -> None:
            said.append((self.n, words))

        def close(self) -> None:
            said.append("closed")

    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    auto = types.ModuleType("tqdm.auto")
    auto.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm.auto", auto)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = progress.shows(None, "backtest")
    bar.update(0.25, "running")
    bar.close()
    assert said == ["backtest", (25, "running"), "closed"]
    assert isinstance(progress.shows(False, "backtest"), progress.Silent)


def test_a_notebook_has_a_bar_of_its_own_and_nothing_left_of_it(machine: None) -> None:
    source = """\
import importlib.util
from wardroom import progress

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "tqdm" else found(name, *more)
bar = progress.shows(None, "<script>backtest")
drawn = bar._draw(0.5, "half").data
bar.update(0.5, "half")
bar.close()
print(type(bar).__name__, drawn.count("<script"), "50%" in drawn)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    (cell,) = NotebookClient(notebook, timeout=60).execute().cells
    outputs = {out.output_type: out for out in cell.outputs}
    assert outputs["display_data"].data["text/html"] == ""
    assert outputs["stream"].text == "Notebook 0 True\n"
