# SPDX-License-Identifier: Apache-2.0
"""How far a job on the server is: tqdm's bar where that is installed, a line of its own in a terminal, nothing elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any, Protocol, TextIO

from ._html import bar, section


class Shows(Protocol):
    """What can show progress: anything with these two methods will do."""

    def update(self, share: float, words: str) -> None:
        """So far it is, from 0 to 1."""

    def close(self) -> None:
        """There is no more to come."""


class Silent:
    """Shows nothing."""

    def update(self, share: float, words: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Line:
    """One line of a terminal, drawn anew."""

    def __init__(self, out: TextIO, title: str) -> None:
        self._out, self._title, self._drawn = out, title, 0

    def update(self, share: float, words: str) -> None:
        """Draws the line again."""
        full = round(max(0.0, min(1.0, share)) * 24)
        text = f"{self._title} {'█' * full}{'░' * (24 - full)} {share:4.0%} {words}"
        self._out.write("\r" + text.ljust(self._drawn))
        self._out.flush()
        self._drawn = len(text)

    def close(self) -> None:
        """Leaves the line as it is."""
        if self._drawn:
            self._out.write("\n")
            self._out.flush()


class Tqdm:
    """The bar of tqdm, which knows notebooks."""

    def __init__(self, title: str) -> None:
        self._bar: Any = importlib.import_module("tqdm.auto").tqdm(total=100, desc=title, unit="%", leave=False)

    def update(self, share: float, words: str) -> None:
        """Moves the bar."""
        self._bar.n = round(max(0.0, min(1.0, share)) * 100)
        self._bar.set_postfix_str(words)

    def close(self) -> None:
        """Takes it away."""
        self._bar.close()


class Notebook:
    """A line of a notebook's cell, drawn anew and gone at the end."""

    def __init__(self, title: str) -> None:
        display: Any = importlib.import_module("IPython.display")
        self._title, self._html = title, display.HTML
        self._handle: Any = display.display(self._draw(0.0, ""), display_id=True)

    def _draw(self, share: float, words: str) -> Any:
        return self._html(section(self._title, words) + bar(share, f"{share:.0%}"))

    def update(self, share: float, words: str) -> None:
        """Draws it again."""
        self._handle.update(self._draw(share, words))

    def close(self) -> None:
        """Takes it away."""
        self._handle.update(self._html(""))


def shows(wanted: bool | Shows | None, title: str) -> Shows:
    """What is asked for: something of the caller's own, nothing, or what fits where this runs."""
    if wanted is not None and not isinstance(wanted, bool):
        return wanted
    if wanted is False:
        return Silent()
    notebook = _in_notebook()
    if (notebook or sys.stderr.isatty()) and importlib.util.find_spec("tqdm") is not None:
        return Tqdm(title)
    if notebook:
        return Notebook(title)
    return Line(sys.stderr, title) if sys.stderr.isatty() or wanted else Silent()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
