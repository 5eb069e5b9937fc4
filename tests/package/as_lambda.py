"""One function of the unzipped package, as Lambda runs it: `python -I -S as_lambda.py`, told what to do by stdin.

Isolated and without `site`, only the standard library and the folders of the job can be imported, so that what the
package lacks is missing here too.
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
    """Answers the events of a job (path, environment, events); says which top-level modules that took."""
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.path[:0] = job["path"]
    function = getattr(importlib.import_module("app"), os.environ["_HANDLER"].removeprefix("app."))
    answers = [function(event, _CONTEXT) for event in job["events"]]
    return {"answers": answers, "modules": sorted({name.partition(".")[0] for name in sys.modules})}


if __name__ == "__main__":
    print(
        "\n" + json.dumps(main(json.load(sys.stdin)))
    )  # the last line: the functions' log lines come before
