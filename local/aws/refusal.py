"""An error that AWS answers with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """AWS's error code and its message; `status` is the HTTP status of the answer."""

    code: str
    message: str
    status: int = 400
