# SPDX-License-Identifier: Apache-2.0
"""Every bound on what this package holds or waits for, each with a name and a reason."""

from __future__ import annotations

from typing import Final

#: Where a server listens when nobody says otherwise.
DEFAULT_URL: Final = "http://127.0.0.1:8320"

#: Seconds that one call may take, all its attempts together. Long enough for a busy server, short enough for a log-in.
TIMEOUT_SECS: Final = 2.0
#: Seconds that a question about the past may take: it may have to read years.
QUERY_TIMEOUT_SECS: Final = 60.0
#: How much longer than the server itself the client waits for a query, so that the server's reason arrives.
QUERY_GRACE_SECS: Final = 5.0
#: How often a call is tried again.
RETRIES: Final = 2

#: The longest pause before the first repetition; each further one may be twice as long. Pauses are drawn from zero to
#: that, so that many clients do not come back at one moment.
BACKOFF_FIRST_SECS: Final = 0.05
#: The longest pause between two attempts.
BACKOFF_MOST_SECS: Final = 5.0
#: The least of a time-out that is still worth another attempt.
ATTEMPT_LEAST_SECS: Final = 0.01

#: Connections kept for later calls; more may be open at once, and are closed when their call ends.
POOL_CONNECTIONS: Final = 32
#: How long a kept connection may lie idle. The server closes one after ten seconds; being first avoids a lost race.
POOL_IDLE_SECS: Final = 8.0
#: Bytes asked of a socket at once.
READ_BYTES: Final = 256 * 1024
#: The longest answer, in bytes: a million rows of a wide table. A stream of answers is not one answer.
ANSWER_BYTES: Final = 1 << 30

#: Lines of a stream under way without an answer. The server takes 1,024 before it stops reading.
STREAM_LINES: Final = 1024
#: Bytes of such lines.
STREAM_BYTES: Final = 4 << 20
#: Events taken from a stream's source ahead of what may be sent.
STREAM_AHEAD: Final = 64
#: Bytes handed to a socket at once.
STREAM_PIECE: Final = 64 * 1024
#: The longest line of a stream's answer, in bytes; a decision with all its reasons stays far below.
STREAM_ANSWER_BYTES: Final = 4 << 20
#: How long a stream waits for an answer to a line before it takes the connection for dead.
STREAM_QUIET_SECS: Final = 30.0
#: How often a stream connects again without one answer in between.
STREAM_RETRIES: Final = 5

#: Seconds between two looks at a job that runs on the server: the first, and the longest.
POLL_FIRST_SECS: Final = 0.1
POLL_MOST_SECS: Final = 2.0

#: Rows of a table that are drawn; `rows()` has all of them.
TABLE_SHOWN: Final = 20
#: Characters of one value that are drawn.
VALUE_SHOWN: Final = 120

#: Characters of a remark that are shown: a warning is to be read to its end.
NOTE_SHOWN: Final = 1000
#: Samples of a job's preview that are drawn; `samples` has all that the server sent.
SAMPLES_SHOWN: Final = 6
#: Bars of one chart.
BARS_SHOWN: Final = 60
#: Faults of a refused request that its message lists; `faults` has all that the server sent.
FAULTS_SHOWN: Final = 8
#: Characters of a server's words that an error repeats, where they are not a problem document.
WORDS_SHOWN: Final = 200
#: Lines of a job's log in one answer; more are fetched in several.
LOG_LINES: Final = 10_000
