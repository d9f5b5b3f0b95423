# SPDX-License-Identifier: Apache-2.0
"""What a call does, written once for both clients: generators that ask for a request to be sent or for a pause.

A driver (`_link.py`, `_alink.py`) carries out each step and sends the outcome in; errors are thrown in. So attempts, pauses
and fallbacks are decided here, without a socket and without a clock of their own but `Settings.clock`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import _limits as limits
from ._http import Reply, Request
from .errors import PASSING, Busy, Refused, Unavailable, Unreadable, WardroomError, _Answered

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """Send this and give me the reply, until `deadline` of the settings' clock."""

    request: Request
    deadline: float


@dataclass(frozen=True)
class Pause:
    """Wait."""

    secs: float


Step = Send | Pause
Op = Generator[Step, Any, T]


@dataclass(frozen=True)
class Settings:
    """What holds for every call of a client."""

    #: Seconds for one call, all its attempts together.
    timeout: float = limits.TIMEOUT_SECS
    #: Seconds for a question about the past.
    query_timeout: float = limits.QUERY_TIMEOUT_SECS
    #: How often a call is tried again.
    retries: int = limits.RETRIES
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        if not self.timeout > 0 or not self.query_timeout > 0:
            raise ValueError("a time-out is a number of seconds above zero")
        if self.retries < 0:
            raise ValueError("retries cannot be negative; 0 means one attempt")

    def backoff(self, attempt: int, failure: WardroomError) -> float:
        """Seconds before the attempt after this one: what the server asked for and a little more, or a draw."""
        most = min(limits.BACKOFF_FIRST_SECS * 2.0 ** min(attempt - 1, 16), limits.BACKOFF_MOST_SECS)
        asked = failure.retry_after if isinstance(failure, _Answered) else None
        return (asked or 0.0) + self.chance.uniform(0.0, most)


def call(settings: Settings, request: Request, timeout: float | None = None) -> Op[Reply]:
    """Sends a request until it is answered, refused, or its time or attempts are used up."""
    deadline = settings.clock() + (settings.timeout if timeout is None else timeout)
    attempt = 0
    while True:
        attempt += 1
        try:
            reply: Reply = yield Send(request, deadline)
        except Unavailable as error:
            failure: WardroomError = error
        else:
            problem = reply.problem()
            if problem is None:
                return reply
            failure = problem
        if not _worth_another(request, failure):
            raise failure
        pause = settings.backoff(attempt, failure)
        late = settings.clock() + pause + limits.ATTEMPT_LEAST_SECS > deadline
        if attempt > settings.retries or late:
            if isinstance(failure, Unavailable):
                failure.attempts = attempt
            raise failure
        yield Pause(pause)


def _worth_another(request: Request, failure: WardroomError) -> bool:
    """Whether the same request may be sent again. What is not safe to do twice is repeated only where the server said
    that it did nothing, or was never reached."""
    if isinstance(failure, Refused):
        return failure.problem in PASSING
    if request.again or isinstance(failure, Busy):
        return True
    return isinstance(failure, Unavailable) and not failure.sent


def ask_json(settings: Settings, request: Request, timeout: float | None = None) -> Op[dict[str, Any]]:
    """The same, for an answer that is a JSON object."""
    reply = yield from call(settings, request, timeout)
    return read_object(reply.body)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, or the error that it is none."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unreadable("the answer is not JSON: is this address a Wardroom server?") from error
    if not isinstance(value, dict):
        raise Unreadable("the answer is no JSON object: is this address a Wardroom server?")
    return value


def post(path: str, body: object, *, again: bool = False, accept: str = "application/json") -> Request:
    """A request with a JSON body."""
    return Request("POST", path, dump(body), accept=accept, again=again)


def dump(body: object) -> bytes:
    """Compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
