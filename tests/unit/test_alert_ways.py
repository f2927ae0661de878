"""The ways of an alert: a real command, a real HTTP server; bounded in time and output, without secrets."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.running import until
from tgstreamd.alerts import command
from tgstreamd.alerts.heartbeat import Heartbeat, fetched
from tgstreamd.config.alerts import Alerts, judge, look
from tgstreamd.domain.errors import ConfigError


def script(folder: Path, body: str) -> list[str]:
    path = folder / "alert"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return [str(path)]


async def test_a_command_gets_the_alert_and_is_heard(tmp_path: Path) -> None:
    ran = await command.run(script(tmp_path, f"cat > {tmp_path}/got; echo sent; exit 3"), b'{"a": 1}\n')
    assert (ran.status, ran.output, ran.why) == (3, "sent", "")
    assert json.loads((tmp_path / "got").read_text()) == {"a": 1}


async def test_arguments_are_no_shell(tmp_path: Path) -> None:
    words = ["$(id)", "; rm -rf /", "`x`", "a b", "\x1b[31m", "\n"]
    say = "import json, sys; print(json.dumps(sys.argv[1:]))"
    ran = await command.run([sys.executable, "-c", say, *words], b"")
    assert json.loads(ran.output) == words


async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    body = f"sleep 1000 & echo $! > {tmp_path}/child; echo begun; wait"
    ran, limit = await given_up(script(tmp_path, body))
    assert ran.why == f"killed after {limit:g} s"
    assert ran.output == "begun"
    child = int((tmp_path / "child").read_text())

    async def gone() -> bool | None:
        try:
            return True if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z" else None
        except FileNotFoundError:
            return True

    await until(gone, every=0.01)


async def given_up(hangs: list[str]) -> tuple[command.Ran, float]:
    """How a command that says something and hangs is ended, with a limit that lets it say so here and now."""
    for limit in (0.3, 3.0, 30.0):
        ran = await command.run(hangs, b"", limit=limit)
        if ran.output:
            break
    return ran, limit


async def test_a_command_that_reads_nothing_and_says_much_is_bounded(tmp_path: Path) -> None:
    ran = await command.run(script(tmp_path, "head -c 5000000 /dev/zero | tr '\\0' x"), b"x" * 1_000_000)
    assert ran.status == 0
    assert ran.output == "x" * command.OUTPUT_MAX


async def test_what_a_command_leaves_running_holds_nobody_up(tmp_path: Path) -> None:
    """A mailer that delivers in the background keeps our line open."""
    ran = await command.run(script(tmp_path, "sleep 1000 & echo $!"), b"")
    assert (ran.status, ran.why) == (0, "")
    # It holds the line to this very moment.
    os.kill(int(ran.output), 9)


def test_all_that_on_the_loop_that_the_daemon_runs_on(tmp_path: Path) -> None:
    """uvloop starts and ends processes in a way of its own."""

    async def four() -> tuple[command.Ran, command.Ran, tuple[command.Ran, float], command.Ran]:
        heard = await command.run(script(tmp_path, "cat; exit 3"), b"told")
        left = await command.run(script(tmp_path, "sleep 1000 & echo $!"), b"")
        hung = await given_up(script(tmp_path, "echo begun; sleep 1000"))
        missing = await command.run([str(tmp_path / "missing")], b"")
        return heard, left, hung, missing

    heard, left, (hung, limit), missing = uvloop.run(four())
    assert (heard.status, heard.output) == (3, "told")
    assert left.status == 0
    os.kill(int(left.output), 9)
    assert (hung.why, hung.output) == (f"killed after {limit:g} s", "begun")
    assert missing.why == "cannot be run: No such file or directory"


async def test_what_cannot_be_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    for path in ("plain", "missing"):
        ran = await command.run([str(tmp_path / path)], b"")
        assert ran.status is None
        assert ran.why.startswith("cannot be run: ")


async def test_no_secret_is_in_the_environment(tmp_path: Path) -> None:
    ours = {"PATH": "/usr/bin:/bin", "TG_API_HASH": "secret", "CREDENTIALS_DIRECTORY": "/x", "TZ": "UTC",
            "TG_SESSION": "secret", "NOTIFY_SOCKET": "/y", "https_proxy": "http://p"}  # fmt: skip
    ran = await command.run(script(tmp_path, "env"), b"", environ=ours)
    names = {row.partition("=")[0] for row in ran.output.splitlines()}
    assert {"PATH", "TZ", "https_proxy"} <= names
    assert "secret" not in ran.output
    assert not names & {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"}


# -- the heartbeat


class Monitor(BaseHTTPRequestHandler):
    """Answers as the path says."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        status, _, where = self.path[1:].partition("/")
        self.send_response(int(status))
        if where:
            self.send_header("Location", "/" + where)
        self.send_header("Content-Length", "1000000000")  # nobody reads that
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def monitor() -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
    kind = type("Kind", (Monitor,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


async def test_a_heartbeat_is_one_request(monitor: tuple[str, list[str]]) -> None:
    at, seen = monitor
    assert await Heartbeat().beat(f"{at}/200") == ""
    assert await Heartbeat().beat(f"{at}/204") == ""
    assert seen == ["/200", "/204"]


async def test_redirections_are_followed_a_few_times(monitor: tuple[str, list[str]]) -> None:
    at, seen = monitor
    assert await Heartbeat().beat(f"{at}/302/301/200") == ""
    assert len(seen) == 3
    assert await Heartbeat().beat(f"{at}/302/302/302/302/302/302/200") != ""
    assert len(seen) <= 3 + 5


async def test_what_is_no_success_is_said_without_the_address(monitor: tuple[str, list[str]]) -> None:
    at, _ = monitor
    assert await Heartbeat().beat(f"{at}/404") == "HTTP status 404"
    assert await Heartbeat().beat(f"{at}/500") == "HTTP status 500"
    assert await Heartbeat().beat("http://127.0.0.1:1/secret") == "Connection refused"
    assert "secret" not in fetched("http://127.0.0.1:1/secret")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A monitor behind https, and the certificate that it signed itself; `/302/…` leads to http."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    class Away(Monitor):
        seen: list[str] = []

        def do_GET(self) -> None:
            self.send_response(302 if "away" in self.path else 200)
            self.send_header("Location", "http://localhost:1/secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    with ThreadingHTTPServer(("127.0.0.1", 0), Away) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{server.server_port}", pem
        server.shutdown()
        thread.join()


def test_https_is_checked_and_not_left(secure: tuple[str, Path]) -> None:
    """Of a certificate that nobody vouches for nothing is asked; from https none is sent on to http."""
    at, pem = secure
    assert "certificate" in fetched(f"{at}/beat")
    trusting = {"SSL_CERT_FILE": str(pem), "PATH": os.environ["PATH"]}
    say = "import sys; from tgstreamd.alerts.heartbeat import fetched; print(fetched(sys.argv[1]))"
    for path, why in (("beat", ""), ("away", "is sent on from https to an unencrypted address")):
        told = subprocess.run(
            [sys.executable, "-c", say, f"{at}/{path}"],
            env=trusting,
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == why


async def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    """And a second fetch does not pile up behind it."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    heartbeat = Heartbeat(timeout=0.1)
    assert await heartbeat.beat(url) == "no answer within 0.1 s"
    assert await heartbeat.beat(url) == "the last one has not come back yet"
    gone.set()
    server.close()


# -- the configuration


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        (Alerts(heartbeat_url="ftp://example.org/x"), "http(s)"),
        (Alerts(heartbeat_url="https://"), "http(s)"),
        (Alerts(heartbeat_url="https://a b/"), "http(s)"),
        (Alerts(heartbeat_url="https://example.org/secret\n"), "http(s)"),
        (Alerts(command=("curl",)), "absolute"),
        (Alerts(command=("/usr/bin/x", "\0")), "zero byte"),
        (Alerts(chat="me"), "only way"),
        (Alerts(chat=-1001, command=("/bin/true",)), 'source of mirror "main"'),
        (Alerts(chat=-1002, command=("/bin/true",)), 'target of mirror "main"'),
    ],
)
def test_what_would_tell_nobody_is_refused(alerts: Alerts, words: str) -> None:
    class Main:
        name, source, target, source_topic, target_topic = "main", -1001, -1002, None, None

    with pytest.raises(ConfigError) as refused:
        judge(alerts, [Main()])
    assert words in refused.value.line()
    assert "secret" not in refused.value.line()


def test_check_says_whether_the_command_can_be_run(tmp_path: Path) -> None:
    [program] = script(tmp_path, "true")
    told = {line["level"]: line["text"] for line in look(Alerts(command=(program,)))}
    assert set(told) == {"ok"}
    Path(program).chmod(0o644)
    for program, text, remedy in (
        ("/etc/passwd", "cannot be executed", "sudo chmod 755 /etc/passwd"),
        ("/nowhere/x", "does not exist", "sudo ls -l /nowhere/x"),
    ):
        [line] = look(Alerts(command=(program,)))
        assert text in line["text"]
        assert line["remedy"] == remedy
    [line] = look(Alerts())
    assert "nobody is told" in line["text"]
    assert line["remedy"]
    [_, line] = look(Alerts(heartbeat_url="http://monitor.example.org/x"))
    assert line["remedy"].startswith("use https")
    secret = Alerts(heartbeat_url="https://monitor.example.org/0123-secret")
    assert "secret" not in str(look(secret)) + repr(secret)
