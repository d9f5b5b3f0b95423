# SPDX-License-Identifier: Apache-2.0
"""Wardroom from Python: verdicts on events, questions about the past, and acting on it.

It knows no policy and no rule: it asks a server over HTTP, and says plainly when that does not answer.
"""

from ._http import VERSION as __version__
from .aclient import AsyncClient
from .backtest import BacktestFailed, BacktestResult
from .client import Client
from .decision import Decision, Record, Signal, Verdict
from .deeds import again, case, label, put_on, take_off, webhook
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
from .jobs import Job, JobNotDone
from .table import Bars, Column, Table

__all__ = [
    "AsyncClient",
    "BacktestFailed",
    "BacktestResult",
    "BadEvent",
    "BadPolicy",
    "BadRequest",
    "Bars",
    "Busy",
    "Client",
    "Column",
    "Conflict",
    "Decision",
    "Fault",
    "Job",
    "JobNotDone",
    "KeyRefused",
    "MissingExtra",
    "NotFound",
    "Record",
    "Refused",
    "ServerFault",
    "Signal",
    "Table",
    "TimedOut",
    "Unavailable",
    "Unreachable",
    "Unreadable",
    "Verdict",
    "WardroomError",
    "__version__",
    "again",
    "case",
    "event",
    "label",
    "put_on",
    "take_off",
    "webhook",
]
