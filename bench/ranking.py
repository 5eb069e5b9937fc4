"""`python -m bench.ranking`: what the ranker costs with many articles, names and invented names.

A process of its own ranks as Lambda's would; this one answers for DynamoDB over HTTP, with pages of
1 MB as it makes them. Printed are the first run ever, which packs the days one by one; a fresh
process's first run afterwards; and a run in the process that goes on. `CPU` is processor time,
which is what Lambda gives less of than this machine; `MB` is the fresh process's peak.
"""

import base64
import json
import os
import resource
import subprocess
import sys
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chalicelib import aws
from chalicelib.articles.stores import known
from chalicelib.articles.stores.counts import DAY_BUCKETS

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PAGE = 1_000_000  # bytes
BATCH = 16_000_000
MB_KEPT = 1024  # on Linux `ru_maxrss` is in KB
Item = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """How many articles are known, how many different names are read a day, how many invented."""

    known: int
    daily: int
    invented: int = 0


@dataclass(frozen=True)
class Figures:
    """Seconds and processor seconds of the three runs, the peak in MB, and calls of a warm run."""

    first: float
    fresh: float
    fresh_cpu: float
    warm: float
    warm_cpu: float
    peak: float
    calls: int


SETTINGS = (
    Setting(100_000, 4_500),
    Setting(100_000, 4_500, 5_000),
    Setting(100_000, 4_500, 60_000),
    Setting(100_000, 30_000),
    Setting(100_000, 100_000),
)


def name(number: int) -> str:
    """Return the name of an article."""
    return f"ratgeber.gold-und-silber-als-geldanlage-{number:06}"


class Table:
    """The `view-counts` table: every day brings the same names, as ready pages of the index."""

    def __init__(self, setting: Setting) -> None:
        self.items: dict[str, dict[str, Item]] = defaultdict(dict)
        self.calls = 0
        self._pages = {only: list(self._make(setting, only)) for only in (True, False)}
        rows: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for number in range(setting.known):
            each, section = name(number), ("Markt", "Ratgeber", "Wissen")[number % 3]
            page = f"https://www.site.example/ratgeber/{each}"
            rows[known.bucket(each)][each] = [f"Titel {number}", page, "", section]
        for bucket, told in rows.items():
            data = base64.b64encode(zlib.compress(json.dumps(told).encode())).decode()
            item = {"version": {"N": "1"}, "rows": {"B": data}}
            self.put({"pk": {"S": f"KNOWN#{bucket}"}, "sk": {"S": "ARTICLES"}, **item})
        self.put(aws.pack_item({"pk": "KNOWN", "sk": "VERSIONS", **dict.fromkeys(rows, 1)}))

    @staticmethod
    def _make(setting: Setting, only: bool) -> Iterator[list[bytes]]:
        """Yield the pages of each of the index's keys."""
        names = [name(number) for number in range(setting.daily)]
        names += [f"invented-{number:08}-{'x' * 20}" for number in range(setting.invented)]
        keys: list[list[str]] = [[] for _ in range(DAY_BUCKETS)]
        for each in names:
            keys[zlib.crc32(each.encode()) % DAY_BUCKETS].append(each)
        a_page = PAGE // 160  # an item's bytes, with its keys and a few hours
        for members in keys:
            parts = [members[at : at + a_page] for at in range(0, len(members), a_page)] or [[]]
            pages = []
            for at, part in enumerate(parts):
                answer: Item = {"Items": [Table._row(each, only) for each in part]}
                if at + 1 < len(parts):
                    answer["LastEvaluatedKey"] = {"pk": {"S": str(at + 1)}}
                pages.append(json.dumps(answer).encode())
            yield pages

    @staticmethod
    def _row(each: str, only: bool) -> Item:
        row = {"pk": {"S": f"ARTICLE#{each}"}, "views": {"N": str(1 + len(each) % 7)}}
        if not only:
            row |= {"sk": {"S": "DAY#x#00"}, "day_key": {"S": "DAY#x"}}
            row |= {"h08": {"N": "1"}, "h17": {"N": str(len(each) % 7)}}
        return row

    def put(self, item: Item) -> None:
        """Keep an item."""
        self.items[item["pk"]["S"]][item["sk"]["S"]] = item

    def answer(self, operation: str, asked: Item) -> bytes:
        """Carry out a call."""
        self.calls += 1
        match operation:
            case "PutItem":
                self.put(asked["Item"])
                return b"{}"
            case "DeleteItem":
                self._of(asked["Key"], drop=True)
                return b"{}"
            case "GetItem":
                found = self._of(asked["Key"])
                return json.dumps({"Item": found} if found else {}).encode()
            case "BatchGetItem":
                return self._batch(asked)
            case "Query" if "IndexName" in asked:
                bucket = int(asked["ExpressionAttributeValues"][":day"]["S"].rpartition("#")[2])
                at = int(asked.get("ExclusiveStartKey", {"pk": {"S": "0"}})["pk"]["S"])
                return self._pages["ProjectionExpression" in asked][bucket][at]
            case "Query":
                pk = asked["ExpressionAttributeValues"][":pk"]["S"]
                return json.dumps({"Items": list(self.items[pk].values())}).encode()
        raise NotImplementedError(operation)

    def _of(self, key: Item, drop: bool = False) -> Item | None:
        items = self.items[key["pk"]["S"]]
        return items.pop(key["sk"]["S"], None) if drop else items.get(key["sk"]["S"])

    def _batch(self, asked: Item) -> bytes:
        ((table, wanted),) = asked["RequestItems"].items()
        found, size, left = [], 0, []
        for key in wanted["Keys"]:
            item = self._of(key)
            size += len(json.dumps(item)) if item else 0
            if size > BATCH:
                left.append(key)
            elif item:
                found.append(item)
        more = {table: {**wanted, "Keys": left}} if left else {}
        return json.dumps({"Responses": {table: found}, "UnprocessedKeys": more}).encode()


@contextmanager
def served(table: Table) -> Iterator[str]:
    """Serve a table on this machine while entered; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = table.answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def measure(setting: Setting) -> Figures:
    """Rank with a setting, and return the figures."""
    table = Table(setting)
    with served(table) as url:
        (first, *_), _ = _child(url, 1)
        before = table.calls
        (fresh, warm), peak = _child(url, 2)
        calls = table.calls - before
    return Figures(first[0], fresh[0], fresh[1], warm[0], warm[1], peak, calls)


def _child(url: str, runs: int) -> tuple[list[tuple[float, float]], float]:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "VIEW_COUNTS_TABLE": "counts",
    }
    command = [sys.executable, "-m", "bench.ranking", "child", str(runs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return [tuple(each) for each in told["runs"]], told["peak"]


def child(runs: int) -> None:
    """Rank so many times in this process; print seconds, processor seconds and the peak in MB."""
    from datetime import timedelta

    from chalicelib.articles import ranking

    told = []
    for run in range(runs):
        began, cpu = time.perf_counter(), time.process_time()
        ranking.rank(NOW + timedelta(minutes=run), lambda: 600.0)
        told.append((time.perf_counter() - began, time.process_time() - cpu))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB_KEPT
    print(json.dumps({"runs": told, "peak": peak}))


def main() -> None:
    """Print a table of the settings' figures."""
    print("  known   a day invented | first, s | fresh, s   CPU   MB | warm, s   CPU | calls")
    for each in SETTINGS:
        found = measure(each)
        print(
            f"{each.known:7} {each.daily:7} {each.invented:8} | {found.first:8.1f} |"
            f" {found.fresh:8.2f} {found.fresh_cpu:5.2f} {found.peak:4.0f} |"
            f" {found.warm:7.2f} {found.warm_cpu:5.2f} | {found.calls:5}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(int(sys.argv[2]))
    else:
        main()
