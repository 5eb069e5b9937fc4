"""The measured process: a function as Lambda's runtime client runs it. `python -I -S child.py`, a job on stdin.

`until` says where to stop: `runtime` (the client is loaded), `import a,b` (these modules are), `import` (the handler
is, which is Lambda's init phase), `first` (one request), or the requests go on `repeat` times. The difference of two
runs is what lies between them. It tells times in milliseconds and the highest resident set; it ends without Python's
tidying up, as Lambda's do.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any


class _Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = "bench"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:bench"
    memory_limit_in_mb = "512"
    log_group_name = "bench"
    log_stream_name = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 20_000


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Runs the job; raises where an answer is not the one that is wanted."""
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.path[:0] = job["path"]
    from awslambdaric import bootstrap  # type: ignore[import-not-found,unused-ignore]  # of the bench's own folder

    told: dict[str, Any] = {}
    if job["until"] == "runtime":
        return told
    if job["until"].startswith("import "):
        for each in job["until"].split()[1].split(","):
            importlib.import_module(each)
        return told
    module, _, name = job["environment"]["_HANDLER"].rpartition(".")
    started = time.perf_counter()
    handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    told["import"] = _since(started)
    if job["until"] == "import":
        return told

    def request(number: int) -> float:
        begun = time.perf_counter()
        answer = bootstrap.to_json(
            handler(json.loads(job["event"].replace("TURN", f"{number:06}")), _Context())
        )
        took = _since(begun)
        if job["answers"] not in answer:
            raise RuntimeError(answer)
        return took

    told["first"] = request(0)
    if job["skip"]:
        _skip(job["skip"])
    if job["until"] == "repeat":
        told["warm"] = median([request(1 + at) for at in range(job["repeat"])])
    with open("/proc/self/status") as status:
        told["rss"] = next(
            int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")
        )
    return told


class _Empty:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


def _skip(event: str) -> None:
    """From now on botocore does nothing of a call to DynamoDB that comes after an event of its own."""
    from botocore.awsrequest import AWSResponse

    from chalicelib import aws

    def answer(**_: Any) -> Any:
        http = AWSResponse("https://localhost", 200, {}, _Empty())
        return http if event == "before-send" else (http, {})

    aws.client("dynamodb").meta.events.register_first(f"{event}.dynamodb.*", answer)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    print("\n" + json.dumps(main(json.load(sys.stdin))), flush=True)
    os._exit(0)
