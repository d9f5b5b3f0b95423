# SPDX-License-Identifier: Apache-2.0
"""The notebooks, from top to bottom against a real server; what they show is what the repository shows.

After a change: `BLESS=1 cargo xtask test --only python` runs them and keeps what came out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from serving import Server, run

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

#: Seconds for one cell.
PATIENCE_SECS = 300

#: What one notebook may weigh in the repository, with its charts.
MOST_BYTES = 200_000

#: The day that the notebooks are about, as their README has it.
DAY = ("--lasts", "18h", "--accounts", "2000", "--attacks-within", "600", "--truth", "truth.csv")

#: What is another in each installation: tags of masked values, and ids of backtests.
OWN = re.compile(r"(?<=·)[-\w]{4}|\bb_\w+")

#: What would tell about the machine.
MACHINE = re.compile(r"/(?:home|root|tmp|Users)/|\bwk_\w+|127\.0\.0\.1|localhost")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_does_what_it_shows(
    path: Path, tmp_path: Path, machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = nbformat.read(path, as_version=4)
    done = nbformat.read(path, as_version=4)
    (tmp_path / "events.ndjson").write_text(run(tmp_path, "sim", *DAY), encoding="utf-8")
    with Server(tmp_path, policy=(FOLDER / "provider.ward").read_text(encoding="utf-8")) as server:
        monkeypatch.setenv("WARDROOM_URL", server.url)
        monkeypatch.setenv("WARDROOM_KEY", server.key)
        where = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(done, timeout=PATIENCE_SECS, record_timing=False, resources=where).execute()
    if os.environ.get("BLESS"):
        done.metadata = kept.metadata
        nbformat.write(done, path)
        kept = done
    check(kept, done)
    assert path.stat().st_size <= MOST_BYTES


def check(kept: Any, done: Any) -> None:
    """What is kept is what came out, whole, without complaints, and says nothing of the machine."""
    nbformat.validate(kept)
    cells = [pair for pair in zip(kept.cells, done.cells, strict=True) if pair[0].cell_type == "code"]
    assert [was.execution_count for was, _ in cells] == list(range(1, len(cells) + 1))
    for was, now in cells:
        assert not [out for out in now.outputs if out.output_type == "error" or out.get("name") == "stderr"]
        assert not MACHINE.search(was.source + nbformat.v4.writes(nbformat.v4.new_notebook(cells=[was])))
        assert kinds(was) == kinds(now), was.source
        if "varies" not in was.metadata.get("tags", ()):
            assert words(was) == words(now), was.source


def kinds(cell: Any) -> list[list[str]]:
    """Which forms the outputs of a cell have."""
    return [sorted(out.get("data", {"text": ""})) for out in cell.outputs]


def words(cell: Any) -> str:
    """What the outputs of a cell say, but for what each installation has of its own."""
    parts = []
    for out in cell.outputs:
        data = out.get("data", {})
        parts += [out.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", "")]
    return OWN.sub("····", "\n".join(parts))


def test_the_notebooks_are_all_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["1-sign-up-wave", "2-tune-a-rule", "3-label-delay"]
