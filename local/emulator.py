"""MiniStack as a child process, and boto3 clients for it.

`python -m local.emulator` is that child: MiniStack behind the gate that applies AWS's rules. It
ends with the process that started it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local import ports

REGION = "eu-central-1"
_NOT_INHERITED = ("AWS_", "MINISTACK_", "LAMBDA_", "LOCALSTACK_", "S3_", "DOCKER_")
# The emulator is on this machine. A long wait would hide that it is gone.
_CONFIG = Config(
    connect_timeout=2, read_timeout=60, retries={"total_max_attempts": 2, "mode": "standard"}
)


class EmulatorFailed(RuntimeError):
    """The emulator did not come up; the text has the end of its log."""


class Emulator:
    """One MiniStack process; it writes to `folder` alone."""

    def __init__(self, folder: Path, port: int, *, persist: bool, auth: bool = False) -> None:
        self.url = f"http://{ports.HOST}:{port}"
        self.log = folder / "emulator.log"
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = _settings(folder, port, persist, auth)

    def start(self) -> None:
        """Start the process; `wait` returns when it serves."""
        for name in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"):
            Path(self._settings[name]).mkdir(parents=True, exist_ok=True)
        _rewind_streams(Path(self._settings["STATE_DIR"]) / "lambda.json")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.emulator"],
                cwd=Path(__file__).parent.parent,
                env={**inherited(), **self._settings},
                stdin=subprocess.PIPE,  # never written to; at its end the child ends, too
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # else Ctrl-C at the terminal would end it before us
            )

    def wait(self, seconds: float = 60) -> None:
        """Wait until it serves, at most about `seconds`. Raises EmulatorFailed."""
        pause = threading.Event()
        for _ in range(int(seconds / 0.05)):
            if not self.process or self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pause.wait(0.05)
        raise EmulatorFailed(
            f"the emulator did not start; the end of {self.log}:\n{tail(self.log)}"
        )

    def stop(self) -> None:
        """End the process; it saves its state first if it persists."""
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def ses_account(self, method: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change (PUT) or renew (DELETE) the SES account, and return it as `aws.gate` says."""
        request = urllib.request.Request(
            f"{self.url}/_local/ses", json.dumps(changes).encode(), method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            account: dict[str, Any] = json.load(answer)
        return account

    def forget_mails(self) -> None:
        """Empty the list of mails that were sent."""
        request = urllib.request.Request(f"{self.url}/_local/mails", method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def hasten(self, minute: float) -> None:
        """Let a minute of the schedules take as many seconds."""
        self._put("minute", minute)

    def publish_dkim(self, domain: str) -> None:
        """Publish the DNS records by which SES signs the mails of a domain."""
        self._put("dkim", domain)

    def _put(self, what: str, value: Any) -> None:
        request = urllib.request.Request(
            f"{self.url}/_local/{what}", json.dumps(value).encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def client(self, service: str) -> Any:
        """Return a boto3 client for one of its services."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=_CONFIG,
        )


def inherited() -> dict[str, str]:
    """Return our environment without variables that point at a real account or another emulator."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_NOT_INHERITED)}


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, indented; empty if there is none."""
    written = log.read_text("utf-8", "replace") if log.exists() else ""
    return "\n".join(f"  {line}" for line in written.splitlines()[-lines:])


def _rewind_streams(saved: Path) -> None:
    # MiniStack saves how many records of a stream were read, but not the records. After a restart
    # it counts anew and would skip as many new records.
    if saved.exists():
        state = json.loads(saved.read_text())
        state["payload"]["dynamodb_stream_positions"] = {}
        saved.write_text(json.dumps(state))


def _settings(folder: Path, port: int, persist: bool, auth: bool) -> dict[str, str]:
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": ports.HOST,
        "MINISTACK_HOST": ports.HOST,  # in the queue URLs it hands out: `localhost` may mean ::1
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1" if persist else "0",
        "S3_PERSIST": "1" if persist else "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder / "tmp"),
        "AUTH": "true" if auth else "false",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",  # as an AWS account has it, whatever this machine has
        # MiniStack removes containers it takes for its own: keep it away from the machine's Docker.
        "DOCKER_HOST": f"unix://{folder}/no-docker",
        "AWS_ACCESS_KEY_ID": "test",  # the root of the emulated account
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONUNBUFFERED": "1",
    }


def end_with_parent() -> None:
    """End this process by SIGTERM when its stdin ends, and by force 15 seconds later."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(15)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _main() -> None:
    # Only the child needs these, which take half a second to load.
    import ministack.app as emulator

    from local.aws import ministack
    from local.aws.gate import Gate

    end_with_parent()
    sys.argv = ["ministack"]
    ministack.complete_notices()
    ministack.keep_backups()
    ministack.read_metrics()
    emulator.app = Gate(emulator.app)  # what its `main` serves
    emulator.main()


if __name__ == "__main__":
    _main()
