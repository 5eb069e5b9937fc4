"""The five ports of the embedded cloud, all on loopback."""

import socket
from dataclasses import dataclass, fields

HOST = "127.0.0.1"


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


def following(base: int) -> Ports:
    """Return the ports from `base` on, in the order of the fields."""
    return Ports(*range(base, base + len(fields(Ports))))


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
