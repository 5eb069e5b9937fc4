"""The five ports of the embedded cloud, all on loopback."""

import re
import socket
from dataclasses import dataclass, fields

HOST = "127.0.0.1"


class BadPort(ValueError):
    """What was given is no port to begin with; the text says what is."""


class PortTaken(RuntimeError):
    """A port is in use; the text names it and the part that wanted it."""


@dataclass(frozen=True)
class Ports:
    """One port for each part; 0 lets the system choose."""

    api: int
    site: int
    mailbox: int
    emulator: int
    handlers: int


ANY = Ports(0, 0, 0, 0, 0)


def following(written: str) -> Ports:
    """Return the ports from the written number on, in the order of the fields. Raises BadPort."""
    count = len(fields(Ports))
    highest = 65535 - count + 1
    base = int(written) if re.fullmatch(r"[0-9]{1,5}", written) else 0
    if not 1 <= base <= highest:
        raise BadPort(
            f"the port must be a number from 1 to {highest}, the first of {count}, not {written!r}"
        )
    return Ports(*range(base, base + count))


def listen(port: int, part: str) -> socket.socket:
    """Return a socket that listens on a port of loopback. Raises PortTaken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
    )  # a port is free again right after a stop
    try:
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"the {part} needs port {port}, which cannot be had: {error.strerror}"
        ) from None
    return listener


def free(port: int, part: str) -> int:
    """Return the port if it is free, and any free one for 0. Raises PortTaken."""
    with listen(port, part) as listener:
        return int(listener.getsockname()[1])
