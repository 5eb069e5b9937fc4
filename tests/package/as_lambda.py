"""Run one function of the unzipped package, as Lambda runs it.

It is called by `python -I -S as_lambda.py`, with its job on stdin. Isolated and without `site`, it
can import only the standard library and the job's folders. So what the package lacks is missing
here, too.
"""

import importlib
import json
import os
import sys
from types import SimpleNamespace
from typing import Any

_CONTEXT = SimpleNamespace(
    aws_request_id="request", function_name="function", get_remaining_time_in_millis=lambda: 20_000
)


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Answer a job's events. Return the answers and all top-level modules imported by then."""
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.path[:0] = job["path"]
    function = getattr(importlib.import_module("app"), os.environ["_HANDLER"].removeprefix("app."))
    answers = [function(event, _CONTEXT) for event in job["events"]]
    return {"answers": answers, "modules": sorted({name.partition(".")[0] for name in sys.modules})}


if __name__ == "__main__":
    # It is the last line. The function's log lines come before it.
    print("\n" + json.dumps(main(json.load(sys.stdin))))
