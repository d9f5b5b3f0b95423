# SPDX-License-Identifier: Apache-2.0
"""Tables: what is in them stays what it is in every form, and nothing that was drawn is markup."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wardroom
from wardroom import Column, Table
from wardroom.table import moment

UTC = dt.timezone.utc

#: A column of each type: how a value is sent, and what it is here.
TYPES: dict[str, Any] = {
    "int": st.integers(-(2**63), 2**63 - 1).map(lambda n: (n, n)),
    "number": st.floats(allow_nan=False, allow_infinity=False).map(lambda x: (x, x)),
    "bool": st.booleans().map(lambda b: (b, b)),
    "account": st.text(max_size=20).map(lambda t: (t, t)),
    "time": st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1)).map(
        lambda t: (t.isoformat() + "Z", t.replace(tzinfo=UTC))
    ),
    "duration": st.integers(-(10**15), 10**15).map(lambda us: (us / 1e6, dt.timedelta(microseconds=us))),
}


@st.composite
def answers(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=5))
    size = draw(st.integers(0, 8))
    pairs = [draw(st.lists(st.one_of(st.just((None, None)), TYPES[k]), min_size=size, max_size=size)) for k in kinds]
    columns = [{"name": f"c{n}", "type": kind} for n, kind in enumerate(kinds)]
    sent = [[column[row][0] for column in pairs] for row in range(size)]
    return {"columns": columns, "rows": sent}, [tuple(column[row][1] for column in pairs) for row in range(size)]


@settings(deadline=None)  # The first example imports three large packages.
@given(answers())
def test_values_survive_every_form(answer: tuple[dict[str, Any], list[tuple[Any, ...]]]) -> None:
    sent, expected = answer
    table = Table.read(sent)
    names = [column["name"] for column in sent["columns"]]
    assert table.tuples() == expected
    assert table.rows() == [dict(zip(names, row, strict=True)) for row in expected]
    assert [list(row.values()) for row in table.arrow().to_pylist()] == [list(row) for row in expected]
    assert table.polars().rows() == expected
    frame = table.pandas()
    for name in names:
        back = [None if absent else v for v, absent in zip(frame[name].astype(object), frame[name].isna(), strict=True)]
        assert back == table.column(name)
    for drawn in (str(table), table._repr_html_(), table._repr_markdown_(), repr(table)):
        assert isinstance(drawn, str)


def test_without_optional_packages_rows_are_there_and_the_rest_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table.read({"columns": [{"name": "n", "type": "int"}], "rows": [[1]]})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for module, ask in (("pyarrow", table.arrow), ("polars", table.polars), ("pandas", table.pandas)):
        with pytest.raises(wardroom.MissingExtra, match=rf"{module}.*pip install 'wardroom\["):
            ask()
    assert table.rows() == [{"n": 1}]


def test_the_package_itself_needs_none_of_them() -> None:
    wanted = {"pyarrow", "polars", "pandas", "numpy", "tqdm", "IPython"}
    code = f"import sys, wardroom; assert not {wanted!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m|`*_"


def test_whatever_is_drawn_is_harmless() -> None:
    table = Table.read(
        {
            "columns": [{"name": HOSTILE, "type": "text", "role": "key"}, {"name": "count", "type": "int"}],
            "rows": [[HOSTILE, 3]],
            "notes": [HOSTILE],
        }
    )
    decision = wardroom.Decision(
        wardroom.Verdict.BLOCK, HOSTILE, signals=(wardroom.Signal(HOSTILE, wardroom.Verdict.BLOCK, "live", HOSTILE),)
    )
    for drawn in (table._repr_html_(), table.bars()._repr_html_(), decision._repr_html_()):
        assert "<script" not in drawn
        assert "&lt;script" in drawn
    for drawn in (str(table), str(table.bars()), table._repr_markdown_(), table.bars()._repr_markdown_()):
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn
    assert "<script" not in table._repr_markdown_()
    assert "\\|\\`\\*\\_" in table._repr_markdown_()


def test_bars_are_drawn_to_scale() -> None:
    table = Table([Column("ip", "ip", "key"), Column("count", "int", "sum")], [("192.0.2.1", 10), ("192.0.2.2", 5)], {})
    first, second = str(table.bars()).splitlines()
    assert (first.count("█"), second.count("█")) == (24, 12)
    assert first.startswith("192.0.2.1")
    with pytest.raises(KeyError, match="no column `counts`; there are: ip, count"):
        table.bars("counts")


def test_moments_have_as_many_digits_as_they_need() -> None:
    assert moment("2026-01-05T12:00:00Z") == dt.datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert moment("2026-01-05T12:00:00.000001Z").microsecond == 1
    assert moment("2026-01-05T12:00:00.25Z").microsecond == 250_000
