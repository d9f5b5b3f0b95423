# SPDX-License-Identifier: Apache-2.0
"""A stream of events without sockets: what is under way, what an answer belongs to, what is sent again.

Answers come in the order of the lines. So what is not yet answered is a queue; a connection that ends leaves the queue as it
is, and the next connection begins with all of it, under the same ids. Sent twice, an event counts once.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import h11

from . import _limits as limits
from ._http import Place, Streamed
from ._op import Settings, dump
from .errors import PASSING, Refused, TimedOut, Unavailable, Unreachable, Unreadable, WardroomError, from_document
from .events import Event, event

A = TypeVar("A")

#: Told of a line that the server refused; without it the stream raises.
OnRefused = Callable[[Event, Refused], None]


@dataclass(frozen=True)
class Line:
    """An event as it is sent."""

    event: Event
    text: bytes


def line(source: Mapping[str, Any], kind: str | None) -> Line:
    """An event to send; it gets an id where it has none, so that sending it again is harmless."""
    made = event(source if kind is None or "type" in source else {"type": kind, **source})
    return Line(made, dump(made) + b"\n")


class Flow(Generic[A]):
    """What one stream keeps in mind."""

    def __init__(self, settings: Settings, read: Callable[[Mapping[str, Any]], A], refused: OnRefused | None) -> None:
        self._settings, self._read, self._refused = settings, read, refused
        #: Lines without an answer, oldest first.
        self._waiting: deque[Line] = deque()
        self._bytes = 0
        #: How many of them this connection has been given.
        self._sent = 0
        #: How many lines this connection has answered.
        self._answers = 0
        self._rest = b""
        self._fruitless = 0

    @property
    def waiting(self) -> int:
        """How many lines have no answer yet."""
        return len(self._waiting)

    @property
    def unsent(self) -> bool:
        """Whether this connection has not been given everything."""
        return self._sent < len(self._waiting)

    def has_room(self) -> bool:
        """Whether one more line may be under way."""
        return len(self._waiting) < limits.STREAM_LINES and self._bytes < limits.STREAM_BYTES

    def add(self, line: Line) -> None:
        """One more line is under way."""
        self._waiting.append(line)
        self._bytes += len(line.text)

    def connected(self) -> None:
        """A new connection: everything without an answer is sent on it."""
        self._sent = self._answers = 0
        self._rest = b""

    def to_send(self) -> bytes:
        """The next piece to send on this connection; empty when all has been handed out."""
        piece = bytearray()
        while self._sent < len(self._waiting) and len(piece) < limits.STREAM_PIECE:
            piece += self._waiting[self._sent].text
            self._sent += 1
        return bytes(piece)

    def lost(self, why: Unavailable) -> float:
        """The connection is gone: seconds before the next, or the error when there have been too many in vain."""
        self._fruitless += 1
        if self._fruitless > limits.STREAM_RETRIES:
            why.attempts = self._fruitless
            raise why
        return self._settings.backoff(self._fruitless, why)

    def take(self, data: bytes) -> tuple[list[A], WardroomError | None]:
        """The answers in what arrived, and what ended them: `Unavailable` where the connection is of no more use,
        `Refused` for a line that is, unless somebody is told of those."""
        answers: list[A] = []
        *whole, self._rest = (self._rest + data).split(b"\n")
        try:
            if len(self._rest) > limits.STREAM_ANSWER_BYTES:
                raise Unreadable("a line of answer that does not end")
            for text in whole:
                if text.strip():
                    self._one(text, answers)
        except WardroomError as error:
            return answers, error
        return answers, None

    def _one(self, text: bytes, out: list[A]) -> None:
        answer = _object(text)
        if not self._sent or answer.get("line") != self._answers + 1:
            raise Unreadable(f"an answer to line {answer.get('line')}, where one to {self._answers + 1} was due")
        line = self._waiting[0]
        problem = answer.get("problem")
        if isinstance(problem, dict):
            failure = from_document(_status(problem), problem)
            failure.event = line.event
            if not isinstance(failure, Refused):
                raise failure
            if failure.problem in PASSING:
                raise Unreachable(str(failure)) from failure
            self._settle(line)
            if self._refused is None:
                raise failure
            self._refused(line.event, failure)
            return
        read = self._read(answer)
        self._settle(line)
        out.append(read)

    def _settle(self, line: Line) -> None:
        self._waiting.popleft()
        self._bytes -= len(line.text)
        self._sent -= 1
        self._answers += 1
        self._fruitless = 0


class Hearing(Generic[A]):
    """What one connection of a stream is answered, and how long it has been silent."""

    def __init__(self, flow: Flow[A], settings: Settings, place: Place, wire: h11.Connection) -> None:
        self._flow, self._clock, self._place = flow, settings.clock, place
        self._reply, self._heard = Streamed(wire), settings.clock()
        flow.connected()

    def quiet(self) -> float | None:
        """How long it may still be silent; as long as it likes while nothing waits for an answer."""
        return self._heard + limits.STREAM_QUIET_SECS - self._clock() if self._flow.waiting else None

    def silent(self) -> None:
        """Nothing came: raises where that has been so for too long."""
        if self._flow.waiting and self._clock() > self._heard + limits.STREAM_QUIET_SECS:
            raise TimedOut(f"no answer in the stream from {self._place} in time")

    def take(self, data: bytes) -> Iterator[A]:
        """The answers in what came; then it raises what ends this connection."""
        answers, failure = self._flow.take(self._reply.feed(data))
        yield from answers
        self._heard = self._clock()
        if failure is not None:
            raise failure
        if self._reply.done and self._flow.waiting:
            raise Unreachable(f"{self._place} ended the stream; the rest is sent again")

    def done(self) -> bool:
        """Whether the server has said its last word."""
        return self._reply.done


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Unreadable("a line of answer that is not JSON") from error
    if not isinstance(value, dict):
        raise Unreadable("a line of answer that is no object")
    return value


def _status(problem: Mapping[str, Any]) -> int:
    status = problem.get("status")
    return status if isinstance(status, int) else 500
