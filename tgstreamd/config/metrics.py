"""The table `[metrics]`: where metrics are served, and to whom. Without `listen`, no port is opened.

Judges what the file alone proves; whether the port is free shows when it is opened.
"""

from __future__ import annotations

import ipaddress
import re

import msgspec

from ..domain.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HINT = 'an address and a port, like "127.0.0.1:9187" or "[::1]:9187"'


class Metrics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`/metrics` and `/healthz` at `listen`, the status page at `/` with `page`."""

    listen: str = ""
    page: bool = False
    #: Host names accepted in requests, besides addresses and localhost.
    hosts: tuple[str, ...] = ()


def address(listen: str) -> tuple[str, int]:
    """Return address and port of `listen`. Raises ConfigError."""
    host, colon, port = listen.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if host == "localhost":
        bare = "127.0.0.1"
    try:
        parsed = ipaddress.ip_address(bare)
        good = bool(colon) and (parsed.version == 6) == host.startswith("[")
    except ValueError:
        good = False
    if not good or not re.fullmatch(r"[1-9]\d{0,4}", port) or int(port) > 65535:
        raise ConfigError(f'metrics.listen: "{listen}" is no address to listen at', hint=_HINT)
    return bare, int(port)


def judge(metrics: Metrics) -> None:
    """Refuse values that can never work. Raises ConfigError."""
    if metrics.listen:
        address(metrics.listen)
    elif metrics.page:
        raise ConfigError("metrics.page: nothing listens", hint='set metrics.listen = "127.0.0.1:9187" too')
    for name in metrics.hosts:
        if not _NAME.fullmatch(name):
            raise ConfigError(f'metrics.hosts: "{name}" is not a host name', hint="without scheme and port")
