# SPDX-License-Identifier: Apache-2.0
"""A real server: the binary that `WARDROOM_BIN` names, on a free port, with a key and a policy."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from types import TracebackType

#: Only a hang can miss it.
PATIENCE_SECS = 60.0

#: What the tests' key may do.
ROLES = ("ingest", "read", "reveal", "policy", "admin", "act", "approve")

POLICY = """\
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    client: text?

event signup:
    account: account
    ip: ip
    email: email?
    username: text?
    form_time: duration?
    score: number?

list blocked: ip = ["198.51.100.66"]

feature failures = count(login, where=not ok, by=ip, last="1h")
feature signups  = count(signup, by=ip.net, last="1h")

rule brute_force on login:
    when    not ok and failures >= 3
    then    block
    because "{failures} failed logins from {ip}; now for {account}"

rule signup_burst on signup:
    when    signups >= 10
    then    challenge("captcha")
    because "{signups} sign-ups from {ip.net} in the last hour"

rule listed on login:
    when    ip in blocked
    then    review, list(ip, blocked, expires="1h")
    because "{ip} is blocked"
    mode    shadow

rule watched on signup:
    when    username == "watched"
    then    review
    because "a name that is watched"
    mode    shadow
"""


def binary() -> str:
    """The program under test."""
    found = os.environ.get("WARDROOM_BIN") or shutil.which("wardroom")
    if not found:
        raise RuntimeError("name the program in WARDROOM_BIN, or run `cargo xtask test --only python`")
    return found


def run(folder: Path, *words: str) -> str:
    """Runs a command of the program, for what it prints."""
    done = subprocess.run([binary(), *words], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECS)
    if done.returncode != 0:
        raise RuntimeError(f"wardroom {' '.join(words)}: {done.stderr or done.stdout}")
    return done.stdout


#: The policy that `wardroom init` writes.
FIRST: None = None


class Server:
    """A server in a folder."""

    def __init__(self, folder: Path, policy: str | None = POLICY) -> None:
        self.folder = folder
        run(folder, "init")
        if policy is not None:
            for shipped in (folder / "policy").iterdir():
                shipped.unlink()
            (folder / "policy" / "main.ward").write_text(policy, encoding="utf-8")
        self.key = self.new_key("tests", *ROLES)
        #: One that may only send events.
        self.weak_key = self.new_key("weak", "ingest")
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def new_key(self, name: str, *roles: str) -> str:
        """A key with these roles; a running server takes it when it starts again."""
        made = run(self.folder, "key", "new", name, "--role", ",".join(roles))
        found = re.search(r"\bwk_\S+", made)
        assert found, made
        return found[0]

    def start(self, port: int = 0) -> None:
        """Serves, and waits until it does."""
        words = [binary(), "serve", "--listen", f"127.0.0.1:{port}"]
        process = subprocess.Popen(words, cwd=self.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._process = process
        address, seen = threading.Event(), []

        def read() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                seen.append(line)
                if "serving address=" in line:
                    self.url = "http://" + line.split("address=")[1].split()[0]
                    address.set()
            address.set()

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()
        address.wait(PATIENCE_SECS)
        if not self.url or process.poll() is not None:
            self.stop()
            raise RuntimeError("the server did not start:\n" + "".join(seen))

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends this process, and no other."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(PATIENCE_SECS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join(PATIENCE_SECS)
        if process.stderr is not None:
            process.stderr.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
