# SPDX-License-Identifier: Apache-2.0
"""What is said when no server answers: stated beforehand, marked, counted, and logged once an outage, not once a call."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from .decision import Decision, Verdict
from .errors import Unavailable

log = logging.getLogger("wardroom")


@dataclass(frozen=True)
class Counts:
    """How often a client was answered, and how often it was not."""

    #: Decisions and records that a server gave.
    answered: int
    #: Decisions that are the fallback verdict.
    fallbacks: int


class Fallback:
    """The verdict for when there is none. Safe to share by threads."""

    def __init__(self, verdict: str | None) -> None:
        #: `None`: raise instead.
        self.verdict = None if verdict is None else _verdict(verdict)
        self._lock = threading.Lock()
        self._answered = self._fallbacks = self._since = 0

    def counts(self) -> Counts:
        with self._lock:
            return Counts(self._answered, self._fallbacks)

    def answered(self) -> None:
        """A server answered."""
        with self._lock:
            self._answered += 1
            missed, self._since = self._since, 0
        if missed:
            log.warning("wardroom answers again, after %d fallback verdicts", missed)

    def give(self, event_id: str, why: Unavailable) -> Decision:
        """The fallback decision, or the error where none is stated."""
        if self.verdict is None:
            raise why
        with self._lock:
            self._fallbacks += 1
            self._since += 1
            first = self._since == 1
        if first:
            words = "wardroom does not answer: the fallback verdict is `%s` until it does (%s)"
            log.warning(words, self.verdict, why)
        return Decision(self.verdict, event_id, fallback=True, problem=why)


def _verdict(name: str) -> Verdict:
    try:
        return Verdict(name)
    except ValueError:
        names = ", ".join(verdict.value for verdict in Verdict)
        raise ValueError(f"the fallback must be one of {names}, or None to raise; this is {name!r}") from None
