"""Connects through a proxy, and distinguishes refusals: by the proxy itself, its rules, or what is behind it.

python-socks does the connecting. Telethon's own proxy code is not used: it replaces that library's error
classes, so that they cannot be told apart.
"""

from __future__ import annotations

import socket
from typing import Any, Final

import python_socks
from telethon.network import ConnectionTcpFull

from .addresses import Address
from .network_trouble import reason
from .settings import ProxyTuple

_KINDS: Final = {"socks5": "SOCKS5", "socks4": "SOCKS4", "http": "HTTP"}
#: SOCKS5 answers of a proxy that tried and failed (RFC 1928, section 6).
_BEHIND: Final = {1, 3, 4, 5, 6}
_UNAUTHORISED: Final = 407


class ProxyTrouble(ConnectionError):
    """No connection through the proxy; `hint` is what to do about it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


async def through(proxy: ProxyTuple, host: str, port: int, timeout: float | None) -> socket.socket:
    """Return a socket connected to `host` through the proxy. Raises ProxyTrouble."""
    # Imported here, so that it costs nothing without a proxy.
    from python_socks.async_.asyncio import Proxy

    kind, at, at_port, rdns, user, password = proxy
    where = f"the proxy {Address(0, at, at_port)}"
    made = Proxy(python_socks.ProxyType[_KINDS[kind]], at, at_port, user, password, rdns)
    try:
        return await made.connect(host, port, timeout=timeout)
    except python_socks.ProxyTimeoutError as error:
        raise ProxyTrouble(f"{where} does not answer in time", "is it up, and the way to it?") from error
    except python_socks.ProxyConnectionError as error:
        why = reason(error.__cause__ or error)
        hint = "is it up? telegram.proxy says where it is"
        raise ProxyTrouble(f"{where} cannot be reached: {why}", hint) from error
    except python_socks.ProxyError as error:
        raise _explain_refusal(error, where, kind, f"{Address(0, host, port)}", known=bool(user)) from error


def _explain_refusal(error: Any, where: str, kind: str, target: str, *, known: bool) -> ProxyTrouble:
    """Explain the proxy's answer. A wrong password has no code, only python-socks' message."""
    text, code = str(error), error.error_code
    if (kind == "http" and code == _UNAUTHORISED) or "uthentication" in text:
        wants = "does not take that user and password" if known else "wants a user and a password"
        hint = f"put the right ones into telegram.proxy: {kind}://USER:PASSWORD@HOST:PORT"
        return ProxyTrouble(f"{where} {wants} (authentication failed)", hint)
    if code is None:
        hint = "telegram.proxy must name its kind: socks5://, socks4:// or http://"
        return ProxyTrouble(f"{where} does not answer as a {_KINDS[kind]} proxy does", hint)
    if kind == "socks5" and code in _BEHIND:
        return ProxyTrouble(f"{where} cannot reach {target}: {text}", "is the network behind the proxy up?")
    hint = f"it must allow connections to {target}, and to Telegram's other addresses"
    return ProxyTrouble(f"{where} refuses to connect to {target}: {text}", hint)


class Tcp(ConnectionTcpFull):
    """Telethon's connection to a data centre, through the proxy if there is one."""

    async def _proxy_connect(self, timeout: float | None = None, local_addr: Any = None) -> socket.socket:
        return await through(self._proxy, self._ip, self._port, timeout)
