"""`python -m local.preview [--port PORT]`: all mails and pages in a browser, until Ctrl-C."""

import argparse
import signal
import sys
import threading
from importlib import import_module

from local import ports
from local.preview.scene import stage
from local.preview.server import Preview


def main() -> int:
    """Serve until Ctrl-C (exit code 0); return 1 where the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m local.preview", description=__doc__)
    parser.add_argument("--port", type=int, default=8310, help="where to serve (8310)")
    try:
        listener = ports.listen(parser.parse_args().port, "preview")
    except (ports.PortTaken, OverflowError) as error:
        print(error, file=sys.stderr)
        return 1
    over = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: over.set())
    with stage():
        import_module("app")  # it declares every route
        preview = Preview(listener)
        preview.start()
        print(f"\n  preview  {preview.url}    every mail and page; Ctrl-C ends it\n", flush=True)
        over.wait()
        preview.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
