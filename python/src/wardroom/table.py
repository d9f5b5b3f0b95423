# SPDX-License-Identifier: Apache-2.0
"""Answers as tables: plain rows always, Arrow, Polars and pandas where they are installed, and drawn in notebooks."""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, overload

from . import _html
from . import _limits as limits
from .errors import Unreadable, need

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["Bars", "Column", "Table"]


@dataclass(frozen=True)
class Column:
    """A column of an answer."""

    name: str
    #: Its type, as policy names it: `int`, `time`, `account`, …
    type: str
    #: `plain`, `key`, `step`, `sum`, `before` or `change`.
    role: str | None = None
    #: How far its values may be off, as a share of themselves, in 95 of 100 answers; none where they are exact.
    error: float | None = None
    #: For how many events what was added up is unknown.
    unknown: int | None = None


class Table(Sequence[dict[str, Any]]):
    """An answer. It is a sequence of rows, each a `dict`; `table["name"]` is a column's values."""

    def __init__(self, columns: Sequence[Column], values: Sequence[Sequence[Any]], about: Mapping[str, Any]) -> None:
        self.columns = tuple(columns)
        self._values = values
        #: Whether there are more rows than the limit allowed.
        self.truncated: bool = bool(about.get("truncated"))
        #: For how many events the condition holds, and for how many it is unknown: those are in no answer.
        self.matched: int | None = about.get("matched")
        self.unknown: int | None = about.get("unknown")
        #: How many groups there were, before `top` and the limit.
        self.groups: int | None = about.get("groups")
        #: The period, where it is bounded.
        self.start: dt.datetime | None = _time(about.get("from"))
        self.end: dt.datetime | None = _time(about.get("to"))
        #: What else there is to say: values that nobody kept, estimates, warnings.
        self.notes: tuple[str, ...] = tuple(about.get("notes", ()))

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Table:
        """From the server's JSON."""
        try:
            columns = [_column(one) for one in answer["columns"]]
            forms = [_FORMS.get(column.type) for column in columns]
            values = [
                tuple(v if v is None or f is None else f(v) for v, f in zip(row, forms, strict=True))
                for row in answer["rows"]
            ]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unreadable(f"the answer is no table: {error}") from error
        return cls(columns, values, answer)

    # Rows

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def rows(self) -> list[dict[str, Any]]:
        """All rows as plain Python values: times are `datetime` in UTC, lengths of time `timedelta`."""
        return [dict(zip(self.names, row, strict=True)) for row in self._values]

    def tuples(self) -> list[tuple[Any, ...]]:
        """The same without the names."""
        return [tuple(row) for row in self._values]

    def column(self, name: str) -> list[Any]:
        """The values of a column."""
        at = self._at(name)
        return [row[at] for row in self._values]

    def _at(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no column `{name}`; there are: {', '.join(self.names)}") from None

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.names, row, strict=True)) for row in self._values)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    @overload
    def __getitem__(self, at: str) -> list[Any]: ...
    def __getitem__(self, at: int | slice | str) -> Any:
        if isinstance(at, str):
            return self.column(at)
        if isinstance(at, slice):
            return [dict(zip(self.names, row, strict=True)) for row in self._values[at]]
        return dict(zip(self.names, self._values[at], strict=True))

    # Other people's tables

    def arrow(self) -> pyarrow.Table:
        """As a `pyarrow.Table`, each column with its type."""
        pa = _module("pyarrow", "arrow", "`arrow()`")
        arrays = [pa.array(self.column(c.name), type=_arrow_type(pa, c.type)) for c in self.columns]
        return pa.Table.from_arrays(arrays, names=list(self.names))

    def polars(self) -> polars.DataFrame:
        """As a `polars.DataFrame`, each column with its type."""
        pl = _module("polars", "polars", "`polars()`")
        schema = {c.name: _polars_type(pl, c.type) for c in self.columns}
        frame = pl.DataFrame({c.name: self.column(c.name) for c in self.columns}, schema=schema)
        return cast("polars.DataFrame", frame)

    def pandas(self) -> pandas.DataFrame:
        """As a `pandas.DataFrame`; whole numbers and truth values stay what they are beside unknown ones."""
        pd = _module("pandas", "pandas", "`pandas()`")
        kinds = {"int": "Int64", "size": "Int64", "bool": "boolean", "number": "float64", "rate": "float64"}
        kinds |= {"time": "datetime64[us, UTC]", "duration": "timedelta64[us]"}
        columns = {c.name: pd.Series(self.column(c.name), dtype=kinds.get(c.type, "object")) for c in self.columns}
        return pd.DataFrame(columns)

    # What is drawn

    def bars(self, value: str | None = None, label: str | None = None) -> Bars:
        """A chart of bars: a number of each row beside what names the row; by default the first number and the keys."""
        numbers = [c.name for c in self.columns if c.type in ("int", "number", "size", "rate", "duration")]
        value = value or next((n for n in numbers), None)
        if value is None:
            raise ValueError(f"there is no number to draw among {', '.join(self.names)}")
        at, named = self._at(value), [self._at(label)] if label else self._labels()
        rows = [(" · ".join(_html.text(row[n]) for n in named), _number(row[at])) for row in self._values]
        return Bars(value, rows)

    def _labels(self) -> list[int]:
        keys = [at for at, c in enumerate(self.columns) if c.role in ("key", "step")]
        return keys or [at for at, c in enumerate(self.columns) if c.type not in ("int", "number")][:2] or [0]

    def _summary(self) -> str:
        parts = [f"{len(self):,} row{'' if len(self) == 1 else 's'}"]
        parts += [f"of {self.groups:,} groups"] if self.groups is not None and self.groups > len(self) else []
        parts += [f"{self.matched:,} events"] if self.matched is not None else []
        parts += [f"unknown for {self.unknown:,}"] if self.unknown else []
        parts += ["more were cut off: raise the limit"] if self.truncated else []
        return " · ".join(parts)

    def __repr__(self) -> str:
        return f"Table({', '.join(self.names)}; {self._summary()})"

    def __str__(self) -> str:
        shown = self._values[: limits.TABLE_SHOWN]
        lines = [_html.plain(self.names, shown)] if self.columns else []
        lines += ["…"] if len(self) > len(shown) else []
        return "\n".join([*lines, self._summary(), *(f"note: {_html.note(note)}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(_html.section("", f"note: {note}") for note in self.notes)
        return _html.table(self.names, self._values[: limits.TABLE_SHOWN]) + _html.section("", self._summary()) + notes

    def _repr_markdown_(self) -> str:
        return _html.markdown(self.names, self._values[: limits.TABLE_SHOWN]) + f"\n\n{self._summary()}\n"


class Bars:
    """A chart of bars, in a notebook or a terminal."""

    def __init__(self, value: str, rows: Sequence[tuple[str, float]]) -> None:
        self.value = value
        self.rows = tuple(rows[: limits.BARS_SHOWN])
        self._more = max(0, len(rows) - limits.BARS_SHOWN)
        self._most = max((size for _, size in self.rows), default=0.0) or 1.0

    def __str__(self) -> str:
        wide = max((len(name) for name, _ in self.rows), default=0)
        lines = [f"{name.ljust(wide)}  {_bar(size / self._most)} {_html.text(size)}" for name, size in self.rows]
        return "\n".join(lines + ([f"and {self._more} more"] if self._more else []))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [(_html.show(name), _html.bar(size / self._most, _html.text(size))) for name, size in self.rows]
        more = f"{self.value}; {self._more} more are not drawn" if self._more else self.value
        return _html.section("", more) + _html.grid(rows)

    def _repr_markdown_(self) -> str:
        rows = [(name, _bar(size / self._most), size) for name, size in self.rows]
        return _html.markdown(("", self.value, ""), rows) + "\n"


def _bar(share: float) -> str:
    eighths = round(max(0.0, min(1.0, share)) * 24 * 8)
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")


def _number(value: Any) -> float:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return float(value) if _html.is_number(value) else 0.0


def _column(one: Mapping[str, Any]) -> Column:
    return Column(str(one["name"]), str(one["type"]), one.get("role"), one.get("error"), one.get("unknown"))


def moment(text: str) -> dt.datetime:
    """A moment that the server wrote: RFC 3339 in UTC, with as many digits of a second as it needs.

    >>> moment("2026-01-05T12:00:00.25Z")
    datetime.datetime(2026, 1, 5, 12, 0, 0, 250000, tzinfo=datetime.timezone.utc)
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    at = dt.datetime.fromisoformat(whole).replace(tzinfo=dt.timezone.utc)
    return at + dt.timedelta(microseconds=int(fraction[:6].ljust(6, "0")) if fraction else 0)


def _time(text: object) -> dt.datetime | None:
    return moment(text) if isinstance(text, str) else None


_FORMS: dict[str, Any] = {
    "time": moment,
    "duration": lambda secs: dt.timedelta(microseconds=round(secs * 1e6)),
    "number": float,
    "rate": float,
}


def _arrow_type(pa: Any, kind: str) -> Any:
    known = {
        "bool": pa.bool_(),
        "int": pa.int64(),
        "size": pa.int64(),
        "number": pa.float64(),
        "rate": pa.float64(),
        "time": pa.timestamp("us", tz="UTC"),
        "duration": pa.duration("us"),
    }
    return known.get(kind, pa.string())


def _polars_type(pl: Any, kind: str) -> Any:
    known = {
        "bool": pl.Boolean,
        "int": pl.Int64,
        "size": pl.Int64,
        "number": pl.Float64,
        "rate": pl.Float64,
        "time": pl.Datetime("us", "UTC"),
        "duration": pl.Duration("us"),
    }
    return known.get(kind, pl.String)


def _module(name: str, extra: str, what: str) -> Any:
    if importlib.util.find_spec(name) is None:
        raise need(name, extra, what)
    return importlib.import_module(name)
