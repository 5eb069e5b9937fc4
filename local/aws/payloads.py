"""How much a function may answer.

Source: Lambda's developer guide, "Lambda quotas": 6 MB for a synchronous invocation. The service
counts 6,291,556 bytes of JSON, as its error says. API Gateway answers 502 for such a
failure, unless a gateway response of the API's says otherwise.
"""

import base64
import json
from collections.abc import Mapping

from local.aws.refusal import Refusal

LARGEST = 6_291_556  # bytes of an answer's JSON
_WORST = 6  # bytes of JSON that one byte of an answer can become: a control character is \u00XX


def refusal(payload: bytes) -> Refusal | None:
    """Return how an invocation fails whose answer has this JSON, None if it does not."""
    if len(payload) <= LARGEST:
        return None
    return Refusal(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({len(payload)} bytes) exceeded maximum allowed payload size "
        f"({LARGEST} bytes).",
        502,
    )


def refusal_of_answer(status: int, headers: Mapping[str, str], content: bytes) -> Refusal | None:
    """Return how the invocation fails that had to give API Gateway this HTTP answer."""
    if len(content) * _WORST < LARGEST:
        return None
    try:
        body, encoded = content.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(content).decode(), True
    answer = {
        "statusCode": status,
        "headers": dict(headers),
        "body": body,
        "isBase64Encoded": encoded,
    }
    return refusal(json.dumps(answer).encode())
