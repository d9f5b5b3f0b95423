# SPDX-License-Identifier: Apache-2.0
"""Small pieces of HTML, text and Markdown for notebooks. Whatever came from outside goes through `show`: no value that an
abuser chose becomes markup in an analyst's browser."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable, Sequence
from typing import Any

from . import _limits as limits

_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top;white-space:pre-wrap"
_NUMBER = "text-align:right;padding:2px 10px 2px 0;vertical-align:top;font-variant-numeric:tabular-nums"


def text(value: Any, most: int = limits.VALUE_SHOWN) -> str:
    """A value as a person reads it: one line, of bounded length."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        shown = f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    elif isinstance(value, dt.datetime):
        shown = value.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
    elif isinstance(value, dt.timedelta):
        shown = _length(value)
    elif isinstance(value, (list, tuple)):
        shown = ", ".join(text(item) for item in value[: limits.TABLE_SHOWN])
    elif isinstance(value, dict):
        shown = ", ".join(f"{key}={text(item)}" for key, item in list(value.items())[: limits.TABLE_SHOWN])
    else:
        shown = str(value)
    # Control characters and overrides of direction can make one thing look like another, in a terminal too.
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _length(value: dt.timedelta) -> str:
    """A length of time: `3.9s` up to two minutes, beyond that as a clock counts."""
    if abs(value) < dt.timedelta(minutes=2):
        return f"{value.total_seconds():.4g}s"
    return str(dt.timedelta(seconds=round(value.total_seconds())))


def note(value: Any) -> str:
    """A remark, which is longer than a value."""
    return text(value, limits.NOTE_SHOWN)


def show(value: Any) -> str:
    """A value, harmless in HTML."""
    return html.escape(text(value), quote=True)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def section(title: str, remark: str = "") -> str:
    """A heading with a remark."""
    small = f' <span style="opacity:.65">{html.escape(note(remark), quote=True)}</span>' if remark else ""
    return f'<div style="margin:.4em 0"><b>{show(title)}</b>{small}</div>'


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A plain table."""
    head = "".join(f'<th style="{_CELL}">{show(name)}</th>' for name in columns)
    lines = [f"<tr>{head}</tr>"]
    for row in rows:
        cells = "".join(f'<td style="{_NUMBER if is_number(v) else _CELL}">{show(v)}</td>' for v in row)
        lines.append(f"<tr>{cells}</tr>")
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def bar(share: float, words: str = "", color: str = "#4878a8") -> str:
    """A bar of a share from 0 to 1, with words beside it."""
    wide = max(0.0, min(1.0, share)) * 100
    return (
        f'<div style="display:flex;align-items:center;gap:8px"><div style="width:16em;background:#8882">'
        f'<div style="width:{wide:.1f}%;height:.8em;background:{color}"></div></div>{show(words)}</div>'
    )


def grid(rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    lines = ["<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>" for row in rows]
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def plain(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table for a terminal."""
    cells = [[text(value) for value in row] for row in rows]
    wide = [max([len(name), *(len(row[at]) for row in cells)]) for at, name in enumerate(columns)]
    right = [bool(rows) and all(is_number(row[at]) or row[at] is None for row in rows) for at in range(len(columns))]

    def line(values: Sequence[str]) -> str:
        padded = (v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, wide, right, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join([line([text(name) for name in columns]), *(line(row) for row in cells)])


def prose(value: Any) -> str:
    """A value as words of Markdown, none of which is markup."""
    escaped = html.escape(note(value), quote=False)
    return "".join(f"\\{c}" if c in "\\|`*_[]~" else c for c in escaped)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown."""

    def cell(value: Any) -> str:
        return prose(text(value))

    lines = ["| " + " | ".join(map(cell, columns)) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    return "\n".join(lines)
