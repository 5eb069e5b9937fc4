"""The measured process: a function as Lambda's runtime client runs it.

`python -I -S child.py` reads a job from stdin. The job's `until` says where to stop:

    runtime      the runtime client is loaded
    import a,b   these modules are loaded
    import       the handler is loaded, the end of Lambda's init phase
    first        one request is answered
    repeat       after it, `repeat` further requests are answered

The difference of two runs is the cost of what lies between them. The process prints times in
milliseconds and its peak resident set in MB. It ends without Python's clean-up, as in Lambda.
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
    """Run the job and return what was measured. Raises RuntimeError for an unexpected answer."""
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.path[:0] = job["path"]
    # The package is in the bench's own folder.
    from awslambdaric import bootstrap  # type: ignore[import-not-found,unused-ignore]

    measured: dict[str, Any] = {}
    if job["until"] == "runtime":
        return measured
    if job["until"].startswith("import "):
        for each in job["until"].split()[1].split(","):
            importlib.import_module(each)
        return measured
    module, _, name = job["environment"]["_HANDLER"].rpartition(".")
    started = time.perf_counter()
    handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    measured["import"] = _since(started)
    if job["until"] == "import":
        return measured

    def request(number: int) -> float:
        begun = time.perf_counter()
        answer = bootstrap.to_json(
            handler(json.loads(job["event"].replace("TURN", f"{number:06}")), _Context())
        )
        took = _since(begun)
        if job["answers"] not in answer:
            raise RuntimeError(answer)
        return took

    measured["first"] = request(0)
    if job["skip"]:
        _skip(job["skip"])
    if job["until"] == "repeat":
        measured["warm"] = median([request(1 + at) for at in range(job["repeat"])])
    with open("/proc/self/status") as status:
        measured["rss"] = next(
            int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")
        )
    return measured


class _Empty:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


def _skip(event: str) -> None:
    """Have botocore answer calls to DynamoDB at its `event`, and leave out all that comes after."""
    from botocore.awsrequest import AWSResponse

    from chalicelib import aws

    def answer(**_: Any) -> Any:
        http = AWSResponse("https://localhost", 200, {}, _Empty())
        return http if event == "before-send" else (http, {})

    aws.client("dynamodb").meta.events.register_first(f"{event}.dynamodb.*", answer)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000  # milliseconds


if __name__ == "__main__":
    print("\n" + json.dumps(main(json.load(sys.stdin))), flush=True)
    os._exit(0)
