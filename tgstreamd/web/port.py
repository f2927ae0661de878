"""Opens the port of `[metrics]`, or explains why it cannot.

Knows nothing of HTTP, so that `check` can try it at no cost.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from ..domain.errors import TgstreamdError

#: Connections at once, and how many may wait to be accepted.
BACKLOG = 32


def is_own(host: str) -> bool:
    """Return whether the address can be reached from this machine only."""
    return ipaddress.ip_address(host).is_loopback


def look(address: tuple[str, int]) -> dict[str, Any]:
    """Return a line of `check`: whether the port could be opened now."""
    text, remedy = f"{address[0]}, port {address[1]} is free", ""
    try:
        opened(address).close()
    except TgstreamdError as error:
        level, text, remedy = "fail", error.what, error.hint
    else:
        level = "ok" if is_own(address[0]) else "warn"
    if level == "warn":
        text += "; whoever reaches this machine over the network can read what is shown there"
        remedy = f'listen = "127.0.0.1:{address[1]}", or let a firewall say who may'
    return {"level": level, "mirror": "", "subject": "metrics", "text": text, "remedy": remedy}


def opened(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens there. Raises TgstreamdError."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    found.setblocking(False)
    try:
        # Connections from before a restart may linger; no other process can take the port by this option.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        shown = f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"
        why, hint = _refusal(error, port)
        raise TgstreamdError(f"metrics.listen: cannot listen at {shown}: {why}", hint=hint) from None
    return found


def _refusal(error: OSError, port: int) -> tuple[str, str]:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program does", f"`ss -ltnp 'sport = :{port}'` says which; or choose another port"
        case errno.EACCES | errno.EPERM:
            if port < 1024:
                return "not allowed", "ports below 1024 are for root alone; 9187 is not"
            return "not allowed", f"`systemctl edit tgstreamd`, [Service], SocketBindAllow=tcp:{port}"
        case errno.EADDRNOTAVAIL:
            return "no address of this machine", '"127.0.0.1" is one'
    return str(error.strerror), ""
