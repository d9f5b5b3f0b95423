# SPDX-License-Identifier: Apache-2.0
"""Wardroom from Python: verdicts on events, questions about the past, and acting on it.

It knows no policy and no rule: it asks a server over HTTP, and says plainly when that does not answer.
"""

from ._http import VERSION as __version__
from .aclient import AsyncClient
from .client import Client
from .decision import Decision, Record, Signal, Verdict
from .errors import (
    BadEvent,
    BadPolicy,
    BadRequest,
    Busy,
    Conflict,
    Fault,
    KeyRefused,
    MissingExtra,
    NotFound,
    Refused,
    ServerFault,
    TimedOut,
    Unavailable,
    Unreachable,
    Unreadable,
    WardroomError,
)
from .events import event

__all__ = [
    "AsyncClient",
    "BadEvent",
    "BadPolicy",
    "BadRequest",
    "Busy",
    "Client",
    "Conflict",
    "Decision",
    "Fault",
    "KeyRefused",
    "MissingExtra",
    "NotFound",
    "Record",
    "Refused",
    "ServerFault",
    "Signal",
    "TimedOut",
    "Unavailable",
    "Unreachable",
    "Unreadable",
    "Verdict",
    "WardroomError",
    "__version__",
    "event",
]
