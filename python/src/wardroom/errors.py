# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exceptions: each says what happened, where, and what would be right.

Two kinds want two reactions. `Refused`: the server answered, and said no; the same request will be refused again, so
something has to be mended. `Unavailable`: there was no useful answer; the same request may succeed later. A fallback
verdict stands in for the second kind only, since hiding the first would hide a fault of one's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _limits as limits

__all__ = [
    "BadEvent",
    "BadPolicy",
    "BadRequest",
    "Busy",
    "Conflict",
    "Fault",
    "KeyRefused",
    "MissingExtra",
    "NotFound",
    "Refused",
    "ServerFault",
    "TimedOut",
    "Unavailable",
    "Unreachable",
    "Unreadable",
    "WardroomError",
]


class WardroomError(Exception):
    """Everything that this package raises on its own account."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with what was sent."""

    #: Where: a JSON pointer (RFC 6901); empty for the whole.
    pointer: str
    #: A stable name for programs.
    code: str
    #: What is wrong and what would be right.
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class _Answered(WardroomError):
    """An error with the problem document (RFC 9457) that the server sent."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        #: The document as it came.
        self.document: dict[str, Any] = dict(document)
        kind = document.get("type")
        #: The problem's name, such as `bad_event`: what programs should look at.
        self.problem: str = kind.rsplit("/", 1)[-1] if isinstance(kind, str) else f"status_{status}"
        self.title: str = str(document.get("title") or f"HTTP status {status}")
        self.detail: str = str(document.get("detail") or "")
        self.faults: tuple[Fault, ...] = tuple(_faults(document.get("faults")))
        #: Finds the line in the server's log, where the fault is the server's.
        self.incident: str | None = _text(document.get("incident"))
        #: The diagnostics of a policy, a rule or a query, drawn for a terminal.
        self.rendered: str | None = _text(document.get("rendered"))
        #: After how many seconds to come back, where the server knows.
        self.retry_after: float | None = _seconds(document.get("retry_after_secs"))
        #: The event that was refused, in a stream.
        self.event: Mapping[str, Any] | None = None
        super().__init__(self._words())

    def _words(self) -> str:
        more = document_more(self.document) + max(0, len(self.faults) - limits.FAULTS_SHOWN)
        if self.rendered:
            words = f"{self.title}\n{self.rendered.rstrip()}"
        elif len(self.faults) > 1 or more:
            lines = [f"  {fault}" for fault in self.faults[: limits.FAULTS_SHOWN]]
            lines += [f"  and {more} more"] if more else []
            words = "\n".join([f"{self.title}:", *lines])
        else:
            words = f"{self.title}: {self.detail}" if self.detail else self.title
        return f"{words} (incident {self.incident})" if self.incident else words

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.status, self.document))


def document_more(document: Mapping[str, Any]) -> int:
    """How many faults the server found beyond those it listed."""
    more = document.get("more")
    return more if isinstance(more, int) and more > 0 else 0


def _faults(listed: object) -> list[Fault]:
    if not isinstance(listed, list):
        return []
    return [
        Fault(str(one.get("pointer", "")), str(one.get("code", "")), str(one.get("message", "")))
        for one in listed
        if isinstance(one, dict)
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value >= 0 else None


class Refused(_Answered):
    """The server said no, and will say it again: what was sent has to be mended."""


class BadEvent(Refused):
    """The event does not fit its type; `faults` has a place and a remedy for each fault."""


class BadPolicy(Refused):
    """A rule, policy or query has faults; `rendered` shows them in place."""


class BadRequest(Refused):
    """The request is not understood: a parameter, a body or its size."""


class KeyRefused(Refused):
    """No such key (401), or one without the role this needs (403)."""


class NotFound(Refused):
    """There is no such thing, or nothing at this path: an older server, perhaps."""


class Conflict(Refused):
    """Something changed meanwhile, or the state does not allow this."""


class Unavailable(WardroomError):
    """No useful answer came. The same request may succeed later; events under the same id count once."""

    #: How many attempts were made.
    attempts: int = 1
    #: Whether anything of the last attempt may have reached the server.
    sent: bool = True


class Unreachable(Unavailable):
    """No connection, or one that broke before the answer was whole."""


class TimedOut(Unavailable):
    """The time for the call is up."""


class Busy(_Answered, Unavailable):
    """The server takes nothing at the moment (429, 503, 507), and recorded nothing."""


class ServerFault(_Answered, Unavailable):
    """A fault of the server; `incident` finds the line in its log."""


class Unreadable(Unavailable):
    """What came is no answer of a Wardroom server: another program, or a proxy's own page."""


class MissingExtra(WardroomError, ImportError):
    """An optional package is not installed; the message says how to get it."""


def need(module: str, extra: str, what: str) -> MissingExtra:
    """The error for an optional package that is absent."""
    return MissingExtra(
        f"{what} needs the package {module}, which is not installed: pip install 'wardroom[{extra}]'. "
        "`rows()` gives the same as plain Python values without it."
    )


_BY_PROBLEM: dict[str, type[Refused]] = {"bad_event": BadEvent, "bad_policy": BadPolicy}
_BY_STATUS: dict[int, type[Refused]] = {
    400: BadRequest,
    401: KeyRefused,
    403: KeyRefused,
    404: NotFound,
    405: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: BadRequest,
    415: BadRequest,
    422: BadRequest,
    501: BadRequest,
}
#: Refusals that pass: a policy was swapped at that moment, or a body arrived too slowly.
PASSING = frozenset({"type_changed", "slow_body", "cut_body"})
_BUSY = frozenset({429, 503, 507})


def from_document(status: int, document: Mapping[str, Any]) -> Refused | Busy | ServerFault:
    """The exception for a problem document."""
    if status in _BUSY:
        return Busy(status, document)
    if status >= 500 and status != 501:
        return ServerFault(status, document)
    kind = document.get("type")
    slug = kind.rsplit("/", 1)[-1] if isinstance(kind, str) else ""
    refused: type[Refused] = _BY_PROBLEM.get(slug) or _BY_STATUS.get(status, Refused)
    if refused is BadRequest and document.get("rendered"):
        refused = BadPolicy
    return refused(status, document)


def from_reply(status: int, content_type: str, body: bytes, retry_after: str | None) -> WardroomError:
    """The exception for a reply that is no success."""
    document: object = None
    if "json" in content_type:
        try:
            document = json.loads(body)
        except ValueError:
            document = None
    if 300 <= status < 400:
        words = "the server points elsewhere; give the client the final address, since a key is sent nowhere else"
        document = {"title": f"HTTP status {status}", "detail": words}
    if not isinstance(document, dict):
        # Not ours: a proxy, most often. Its status still says whether to come back.
        words = " ".join(body[: 4 * limits.WORDS_SHOWN].decode("utf-8", "replace").split())[: limits.WORDS_SHOWN]
        document = {"title": f"HTTP status {status}, without a problem document", "detail": words}
    if retry_after is not None and "retry_after_secs" not in document and retry_after.strip().isdigit():
        document = {**document, "retry_after_secs": int(retry_after)}
    return from_document(status, document)
