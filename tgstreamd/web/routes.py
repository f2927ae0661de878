"""Answers HTTP requests: /metrics, /healthz and, if configured, the page and the status that it polls.

Read-only: GET and HEAD of four fixed paths; answers are complete and may be neither shared nor cached.
Another site's page cannot read them through a host name that it points here (DNS rebinding): only addresses,
localhost and configured names are answered. Reveals no secret; whoever can reach the port can read its
content.
"""

from __future__ import annotations

import ipaddress
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..domain.holds import FOREVER
from .health import illness
from .prometheus import render
from .reading import Meter

_HEADERS = {
    b"cache-control": b"no-store",
    b"connection": b"close",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def answers(meter: Meter, *, page: bool, hosts: Iterable[str]) -> ASGIApp:
    """Return the application. `hosts` are the names accepted besides addresses and localhost."""

    async def metrics(request: Request) -> Response:
        body, content_type = render(await meter.read(), request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    async def healthz(request: Request) -> Response:
        reading = await meter.read()
        why = illness(reading)
        said = {
            "healthy": not why,
            "reason": why,
            "state": reading.status.get("state", ""),
            "connected": reading.connected,
            "version": reading.status.get("version", ""),
        }
        return _json(said, status=503 if why else 200)

    async def status(request: Request) -> Response:
        reading = await meter.read()
        if reading.trouble:
            return _json({"error": reading.trouble}, status=503)
        account = reading.status.get("account")
        shown = {
            **reading.status,
            # The account's name only: its numeric id could be used to identify it to others.
            "account": account and {"name": account["name"], "premium": account["premium"]},
            "at": reading.at,
            "started_at": reading.started_at,
            "illness": illness(reading),
            "connected": reading.connected,
        }
        return _json(shown)

    routes = [Route("/metrics", metrics), Route("/healthz", healthz)]
    if page:
        routes += [Route("/", _page()), Route("/status.json", status)]
    else:
        routes += [Route("/", _nothing_here)]
    return _guard(Router(routes, redirect_slashes=False), frozenset(name.lower() for name in hosts))


def _json(what: object, *, status: int = 200) -> Response:
    body = json.dumps(what, ensure_ascii=False) + "\n"
    return Response(body, status, headers={"content-type": "application/json"})


async def _nothing_here(request: Request) -> Response:
    return PlainTextResponse("/metrics, /healthz; a page with page = true in [metrics]\n")


def _page() -> Callable[[Request], Awaitable[Response]]:
    """Return the page's handler, with a policy that permits only its own script and style."""
    text = resources.files(__package__).joinpath("page.html").read_text()
    text = text.replace("@PERMANENT@", f"{FOREVER:.0f}")
    policy = "; ".join(
        (_NOTHING, f"script-src {_digest(text, 'script')}", f"style-src {_digest(text, 'style')}",
         "connect-src 'self'", "img-src data:")
    )  # fmt: skip

    async def shown(request: Request) -> Response:
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        return Response(text, headers=headers)

    return shown


def _digest(text: str, tag: str) -> str:
    inside = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"


def _guard(app: ASGIApp, hosts: frozenset[str]) -> ASGIApp:
    """Wrap `app`: refuse foreign host names and add the headers common to all answers."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = dict(message.get("headers", ()))
                extra = {**_HEADERS, b"content-security-policy": _NOTHING.encode()}
                message = {**message, "headers": list((extra | given).items())}
            await send(message)

        asked = [value for name, value in scope["headers"] if name == b"host"]
        if len(asked) == 1 and _is_own_host(asked[0].decode("latin-1"), hosts):
            await app(scope, receive, sending)
        else:
            refusal = PlainTextResponse(
                "not by this name; metrics.hosts in the configuration allows it\n", 421
            )
            await refusal(scope, receive, sending)

    return guarded


def _is_own_host(host: str, hosts: frozenset[str]) -> bool:
    """Return whether the host is ours: an address cannot be made to point elsewhere, a name can."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    name = name.rstrip(".").lower()
    if name == "localhost" or name in hosts:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name
