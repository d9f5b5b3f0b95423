# SPDX-License-Identifier: Apache-2.0
"""The snippets of the pages, run against a real server: what a page shows is what happens."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import FIRST, Server

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("python/README.md", "docs/src/python.md")

#: A block of Python: its first line in the page, and its text.
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> Iterator[tuple[int, str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield text[: found.start()].count("\n") + 2, found[1]


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page_do_what_it_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    seen = 0
    with Server(tmp_path, policy=FIRST) as server:
        monkeypatch.setenv("WARDROOM_URL", server.url)
        monkeypatch.setenv("WARDROOM_KEY", server.key)
        monkeypatch.chdir(tmp_path)
        for line, text in blocks(page):
            seen += 1
            if ">>>" in text:
                test = doctest.DocTestParser().get_doctest(text, names, f"{page}:{line}", page, line - 1)
                runner.run(test, out=said.append, clear_globs=False)
                names.update(test.globs)
            else:
                exec(compile("\n" * (line - 1) + text, page, "exec"), names)  # noqa: S102, our own page
        for name in ("client", "desk"):
            if name in names:
                names[name].close()
    assert seen > 0
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_the_doctests_of_the_package() -> None:
    from wardroom import decision, events

    for module in (decision, events):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0
