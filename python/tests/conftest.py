# SPDX-License-Identifier: Apache-2.0
"""What the tests share: a real server in a directory of its own, ended by its process id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import wardroom
from wardroom import _calls

from serving import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests; each uses accounts and ids of its own."""
    with Server(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may stop."""
    with Server(tmp_path) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[wardroom.Client]:
    with wardroom.Client(server.url, server.key, timeout=30) as made:
        yield made


#: Asks for paths of the API.
Needs = Callable[..., None]

#: Paths that the server may lack while they are being built. Empty once they all are there.
COMING = frozenset({"/v1/query", "/v1/backtests", "/v1/labels", "/v1/labels/import", "/v1/lists", "/v1/jobs"})


@pytest.fixture
def needs(client: wardroom.Client) -> Needs:
    """Skips a test, by name, where the server lacks a path that is still to come."""
    reply = client._link.run(_calls.get(client._core.settings, "/openapi.json"))

    def ask(*paths: str) -> None:
        absent = [path for path in paths if path not in reply["paths"]]
        assert COMING.issuperset(absent)
        if absent:
            pytest.skip(f"the server has no {', '.join(absent)} yet")
        if "/v1/query" in paths and (why := _no_history(client)):
            pytest.skip(why)

    return ask


def _no_history(client: wardroom.Client) -> str | None:
    """Why nothing of the past can be asked, where the path is there and the history is still to come."""
    try:
        client.query("login show count")
    except wardroom.Refused as error:
        return str(error) if error.problem == "no_history" and "/v1/query" in COMING else None
    return None
