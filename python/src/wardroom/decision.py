# SPDX-License-Identifier: Apache-2.0
"""What a server answers about one event: a verdict with its reasons, or the number of a record."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _html
from .errors import Unreadable, WardroomError

__all__ = ["Decision", "Record", "Signal", "Verdict"]


class Verdict(str, enum.Enum):
    """What to do. Verdicts are ordered by strength, and equal to their names.

    >>> Verdict.BLOCK > Verdict.REVIEW, Verdict.ALLOW == "allow", Verdict("limit") >= "challenge"
    (True, True, False)
    """

    ALLOW = "allow"
    LIMIT = "limit"
    CHALLENGE = "challenge"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def strength(self) -> int:
        """0 for `allow` to 4 for `block`."""
        return _ORDER.index(self.value)

    def __str__(self) -> str:
        return self.value

    def __lt__(self, other: str) -> bool:
        return self.strength < Verdict(other).strength

    def __le__(self, other: str) -> bool:
        return self.strength <= Verdict(other).strength

    def __gt__(self, other: str) -> bool:
        return self.strength > Verdict(other).strength

    def __ge__(self, other: str) -> bool:
        return self.strength >= Verdict(other).strength


_ORDER = ["allow", "limit", "challenge", "review", "block"]


@dataclass(frozen=True)
class Signal:
    """A rule that fired."""

    rule: str
    verdict: Verdict
    #: `live` where it had a say, `shadow` where it was only watched.
    mode: str
    #: Its reason, in words.
    because: str
    #: Its condition is unknown, and it says what that means.
    missing: bool = False
    #: What follows beyond the answer.
    effects: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it had a say."""
        return self.mode == "live"


@dataclass(frozen=True)
class Decision:
    """A verdict on an event. With `fallback` true no server said it: it is what the client was told to say then."""

    verdict: Verdict
    event_id: str
    #: What to ask the person for, with `challenge`.
    ask: str | None = None
    #: Every rule that fired, deciding ones first, strongest first.
    signals: tuple[Signal, ...] = ()
    #: The decision's number in the journal; none with `fallback`.
    seq: int | None = None
    #: The version of the policy that decided.
    policy: str | None = None
    #: The same id came before; this is what was answered then.
    repeated: bool = False
    #: What the verdict lacks: `judge`, `budget`.
    degraded: tuple[str, ...] = ()
    fallback: bool = False
    #: With `fallback`: why there was no answer.
    problem: WardroomError | None = field(default=None, compare=False)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words of the rules that had a say."""
        return tuple(signal.because for signal in self.signals if signal.live)

    @property
    def allowed(self) -> bool:
        """Whether the verdict is `allow`."""
        return self.verdict is Verdict.ALLOW

    def __bool__(self) -> bool:
        raise TypeError("a decision is neither true nor false: ask for .verdict or .allowed")

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Decision:
        """From the server's JSON."""
        try:
            return cls(
                verdict=Verdict(answer["verdict"]),
                event_id=str(answer["event_id"]),
                ask=answer.get("ask"),
                signals=tuple(_signal(one) for one in answer["signals"]),
                seq=int(answer["decision"]),
                policy=answer.get("policy"),
                repeated=bool(answer.get("repeated")),
                degraded=tuple(answer.get("degraded", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"the answer is no decision: {_missing(error)}") from error

    def __str__(self) -> str:
        number = "fallback" if self.fallback else f"#{self.seq}"
        ask = f" ({self.ask})" if self.ask else ""
        reasons = "; ".join(self.reasons) or (str(self.problem) if self.problem else "")
        return f"{self.verdict}{ask} {number}" + (f": {reasons}" if reasons else "")

    def _repr_html_(self) -> str:
        rows = [(s.rule, f"{s.verdict}{'' if s.live else ' (shadow)'}", s.because) for s in self.signals]
        title = f"{self.verdict}{f' ({self.ask})' if self.ask else ''}"
        note = f"fallback: {self.problem}" if self.fallback else f"decision {self.seq}, event {self.event_id}"
        return _html.section(title, note) + (_html.table(("rule", "says", "because"), rows) if rows else "")


def _signal(one: Mapping[str, Any]) -> Signal:
    return Signal(
        rule=str(one["rule"]),
        verdict=Verdict(one["verdict"]),
        mode=str(one["mode"]),
        because=str(one["because"]),
        missing=bool(one.get("missing")),
        effects=tuple(one.get("effects", ())),
    )


@dataclass(frozen=True)
class Record:
    """An event that was counted and written down without being judged."""

    seq: int
    event_id: str
    #: The same id came before; this is the number it was given then.
    repeated: bool = False

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Record:
        """From the server's JSON."""
        try:
            return cls(int(answer["record"]), str(answer["event_id"]), bool(answer.get("repeated")))
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"the answer is no record: {_missing(error)}") from error


def _missing(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
