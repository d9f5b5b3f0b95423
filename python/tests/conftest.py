# SPDX-License-Identifier: Apache-2.0
"""What the tests share: a real server in a directory of its own, ended by its process id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import wardroom

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


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home for what Jupyter and matplotlib keep; nothing of it is in the tree or in anybody's home."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            (home / name).mkdir()
            patch.setenv(name, str(home / name))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        yield
