"""AWS WAF, as its API reference documents it, on a port of its own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ARN = "arn:aws:wafv2:eu-central-1:000000000000:regional/webacl/{}/{}"


class Refused(Exception):
    """What AWS answers with an error of this name."""


class Firewall:
    """Web ACLs, and what they stand before.

    A new one is not known everywhere at once, nor is the end of an association: the first try
    after either is refused, as AWS documents. Lists come a page at a time.
    """

    def __init__(self, denied: bool = False) -> None:
        self.acls: dict[str, dict[str, Any]] = {}
        self.before: dict[str, str] = {}  # by resource: the ARN of its web ACL
        self.calls: list[str] = []
        self.denied = denied
        self._fresh: set[str] = set()
        self._lingering: set[str] = set()
        self._versions = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = owner.answer(self.headers["x-amz-target"].rpartition(".")[2], body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(operation)
        try:
            if self.denied:
                raise Refused("AccessDeniedException")
            return 200, getattr(self, f"_{operation}")(body)
        except Refused as error:
            return 400, {"__type": str(error), "message": "as documented"}

    def add(self, name: str) -> str:
        """Make a web ACL of somebody else's, and return its ARN."""
        made = self._CreateWebACL({"Name": name, "Rules": []})["Summary"]
        self._fresh.clear()
        return str(made["ARN"])

    def _lock(self) -> str:
        self._versions += 1
        return f"lock-{self._versions}"

    def _summary(self, acl: dict[str, Any]) -> dict[str, Any]:
        return {name: acl[name] for name in ("Name", "Id", "ARN", "LockToken")}

    def _ListWebACLs(self, body: dict[str, Any]) -> dict[str, Any]:
        names = sorted(self.acls)
        begin = names.index(body["NextMarker"]) + 1 if "NextMarker" in body else 0
        page = names[begin : begin + 1]
        more = {"NextMarker": page[-1]} if page else {}
        return {"WebACLs": [self._summary(self.acls[name]) for name in page], **more}

    def _CreateWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["Name"]
        if name in self.acls:
            raise Refused("WAFDuplicateItemException")
        made = {**body, "Id": f"id-{name}", "ARN": ARN.format(name, f"id-{name}")}
        self.acls[name] = {**made, "LockToken": self._lock()}
        self._fresh.add(made["ARN"])
        return {"Summary": self._summary(self.acls[name])}

    def _known(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["Name"] not in self.acls:
            raise Refused("WAFNonexistentItemException")
        return self.acls[body["Name"]]

    def _GetWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        known = self._known(body)
        return {"WebACL": known, "LockToken": known["LockToken"]}

    def _locked(self, body: dict[str, Any]) -> dict[str, Any]:
        known = self._known(body)
        if body["LockToken"] != known["LockToken"]:
            raise Refused("WAFOptimisticLockException")
        return known

    def _UpdateWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        known = self._locked(body)
        known |= {**body, "LockToken": self._lock()}
        return {"NextLockToken": known["LockToken"]}

    def _DeleteWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        arn = self._locked(body)["ARN"]
        if arn in self.before.values():
            raise Refused("WAFAssociatedItemException")
        if arn in self._lingering:
            self._lingering.remove(arn)
            raise Refused("WAFAssociatedItemException")
        del self.acls[body["Name"]]
        return {}

    def _AssociateWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        arn = body["WebACLArn"]
        if arn in self._fresh:
            self._fresh.remove(arn)
            raise Refused("WAFUnavailableEntityException")
        self.before[body["ResourceArn"]] = arn
        return {}

    def _DisassociateWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        self._lingering.add(self.before.pop(body["ResourceArn"], ""))
        return {}

    def _ListResourcesForWebACL(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["ResourceType"] == "API_GATEWAY"
        arn = body["WebACLArn"]
        return {"ResourceArns": [each for each, acl in self.before.items() if acl == arn]}

    def _GetWebACLForResource(self, body: dict[str, Any]) -> dict[str, Any]:
        arn = self.before.get(body["ResourceArn"])
        found = [each for each in self.acls.values() if each["ARN"] == arn]
        return {"WebACL": found[0]} if found else {}
