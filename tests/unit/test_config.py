"""The configuration: what is accepted, what wins over what, and one line for everything that is refused."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.config import Config, load, locate, metrics, rules
from tgstreamd.domain.errors import ConfigError
from tgstreamd.domain.mirrors import Filter

HASH = "0123456789abcdef0123456789abcdef"
ACCOUNT = f'[telegram]\napi_id = 1\napi_hash = "{HASH}"\n'
MIRROR = '[[mirror]]\nname = "main"\nsource = -1001\ntarget = -1002\n'
SERVER = '[telegram.server]\ndc_id = 2\naddress = "h"\nport = 1\n'
ENVIRON = {"HOME": "/home/x"}
SESSION = "1" + base64.urlsafe_b64encode(bytes(263)).decode()


def read(tmp_path: Path, text: str, environ: Mapping[str, str] = ENVIRON, **more: bool) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return load(file, environ, **more)


def refusal(tmp_path: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> str:
    """The one line, without the path of the file that it begins with."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, environ)
    line = caught.value.line()
    assert "\n" not in line
    assert caught.value.exit_status == 78
    return line.removeprefix(f"{tmp_path / 'config.toml'}: ")


def test_the_least_file(tmp_path: Path) -> None:
    config = read(tmp_path, ACCOUNT + MIRROR)
    (mirror,) = config.mirrors
    assert (mirror.name, mirror.source, mirror.target) == ("main", -1001, -1002)
    assert (mirror.history, mirror.order, mirror.deletes, mirror.transfer) == (
        "all",
        "live-first",
        "keep",
        "stream",
    )
    assert (config.pace.interval, config.pace.account_interval) == (3.5, 1.0)
    assert (config.stream.buffer_parts, config.stream.parallel_uploads) == (20, 10)
    assert config.paths.state_dir == Path("/home/x/.local/state/tgstreamd")


def test_every_key(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("-----BEGIN RSA PUBLIC KEY-----\n…\n")
    config = read(
        tmp_path,
        """
        [telegram]
        api_id = 7
        api_hash = "x"
        session = "other"
        proxy = "socks5://me:hidden@[::1]:1080"
        [telegram.server]
        dc_id = 2
        address = "127.0.0.1"
        port = 4430
        public_key = "server.pem"
        [[mirror]]
        name = "ein Name"
        source = "https://t.me/+AbC_d-9"
        target = "t.me/c/1234567890"
        source_topic = 1
        target_topic = 4
        history = 2024-02-29
        order = "source"
        delay = 60
        attribution = "author-link"
        dates = "backlog"
        edits = false
        deletes = "mirror"
        pins = false
        transfer = "reference-only"
        unsupported = "skip"
        header = "{source}"
        footer = "end"
        drop_captions = true
        [mirror.replace]
        "old" = "new"
        [[mirror.filter]]
        name = "one"
        kinds = "gif"
        text = "x"
        author = 7
        topic = 1
        [[mirror.filter]]
        name = "two"
        action = "keep"
        kinds = ["text", "photo"]
        larger_than = "1.5 MB"
        smaller_than = 2_000_000
        regex = '(?i)a+'
        [[mirror]]
        name = "b"
        source = "some_chat"
        target = "-1005"
        history = 12
        [pace]
        interval = 0.01
        account_interval = 0
        [stream]
        buffer_parts = 5
        parallel_uploads = 2
        connections = 1
        [state]
        directory = "/srv/state"
        [log]
        level = "debug"
        format = "json"
        """,
    )
    first, second = config.mirrors
    assert (first.target, first.history, first.delay, first.pins) == (-1001234567890, "2024-02-29", 60, False)
    assert (second.source, second.target, second.history) == ("@some_chat", -1005, "12")
    assert (first.replace, first.drop_captions, second.filter) == ({"old": "new"}, True, ())
    assert first.filter == (
        Filter(name="one", kinds=("gif",), text=("x",), author=(7,), topic=(1,)),
        Filter(
            name="two", action="keep", kinds=("text", "photo"), larger_than=1_500_000, smaller_than=2_000_000,
            regex="(?i)a+",
        ),
    )  # fmt: skip
    assert config.telegram.server is not None
    assert config.telegram.server.key.startswith("-----BEGIN")
    assert config.paths.session == Path("/srv/state/other")
    assert config.paths.socket == Path("/srv/state/control.sock")


def test_the_environment_alone_is_enough() -> None:
    config = load(
        None,
        {
            "TG_API_ID": "1",
            "TG_API_HASH": HASH,
            "SOURCE_CHAT": "-1001",
            "TARGET_CHAT": "@b_chat",
            "SOURCE_TOPIC": "5",
            "TARGET_TOPIC": "",
            "TG_SESSION": SESSION,
            "STATE_DIRECTORY": "/state:/other",
            "RUNTIME_DIRECTORY": "/runtime",
        },
    )
    (mirror,) = config.mirrors
    assert (mirror.name, mirror.source, mirror.target) == ("main", -1001, "@b_chat")
    assert (mirror.source_topic, mirror.target_topic) == (5, None)
    assert config.telegram.session_string == SESSION
    assert config.file is None
    assert (config.paths.ledger, config.paths.socket) == (
        Path("/state/ledger.db"),
        Path("/runtime/control.sock"),
    )


def test_credentials_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "TG_API_ID").write_text("3\n")
    environ = {
        **ENVIRON,
        "TG_API_ID": "2",
        "TG_API_HASH": HASH[::-1],
        "TARGET_CHAT": "-1009",
        "CREDENTIALS_DIRECTORY": str(credentials),
    }
    config = read(tmp_path, ACCOUNT + MIRROR, environ)
    assert (config.telegram.api_id, config.telegram.api_hash) == (3, HASH[::-1])
    assert (config.mirrors[0].source, config.mirrors[0].target) == (-1001, -1009)


def test_login_needs_no_mirror(tmp_path: Path) -> None:
    assert read(tmp_path, ACCOUNT, need_mirror=False).mirrors == ()
    assert "no mirror is configured" in refusal(tmp_path, ACCOUNT)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[telegram", "not valid TOML: Expected ']' at the end of a table declaration (at end of document)"),
        (
            MIRROR,
            "telegram.api_id is missing (https://my.telegram.org gives one; here or in TG_API_ID)",
        ),
        (ACCOUNT + "[tellegram]\n" + MIRROR, "tellegram is not a key (did you mean telegram?)"),
        (ACCOUNT + MIRROR + "sorce = 1\n", 'mirror "main".sorce is not a key (did you mean source?)'),
        (ACCOUNT + MIRROR + "[pace]\nspeed = 1\n",
         "pace.speed is not a key (keys here: interval, account_interval)"),
        (ACCOUNT + 'session_string = "x"\n' + MIRROR,
         "telegram.session_string is not a key (did you mean session?)"),
        (ACCOUNT.replace("1", '"1"', 1) + MIRROR, "telegram.api_id: expected a whole number, found text"),
        (ACCOUNT.replace("1", "true", 1) + MIRROR,
         "telegram.api_id: expected a whole number, found true or false"),
        (ACCOUNT.replace(HASH, "abc") + MIRROR,
         "telegram.api_hash: not 32 hexadecimal digits (copy it from https://my.telegram.org)"),
        (ACCOUNT + MIRROR + 'edits = "yes"\n', 'mirror "main".edits: expected true or false, found text'),
        (ACCOUNT + MIRROR + "delay = -1\n", 'mirror "main".delay: must be at least 0'),
        (ACCOUNT + MIRROR + 'order = "live"\n',
         'mirror "main".order: "live" is not one of "live-first", "source" (did you mean "live-first"?)'),
        (ACCOUNT + MIRROR + "source_topic = 0\n", 'mirror "main".source_topic: must be at least 1'),
        (ACCOUNT + "mirror = 3\n", "telegram.mirror is not a key"),
        ("mirror = 3\n" + ACCOUNT, "mirror: expected a list of tables, found a whole number"),
        (ACCOUNT + '[alerts]\ncommand = "curl"\n', "alerts.command: expected a list, found text"),
        (ACCOUNT + "[[mirror]]\nsource = -1\ntarget = -2\n",
         "mirror 1.name is missing (a label of your choice)"),
        (ACCOUNT + MIRROR.replace("-1001", "1234567890"),
         'mirror "main".source: 1234567890 is a person\'s id, not a chat\'s (a supergroup or channel is '
         "-1001234567890, a basic group -1234567890; `tgstreamd chats` says which)"),
        (ACCOUNT + MIRROR.replace("-1001", "0"), 'mirror "main".source: 0 is no chat\'s id'),
        (ACCOUNT + MIRROR.replace("-1001", '"no chat"'), 'mirror "main".source: "no chat" names no chat'),
        (ACCOUNT + MIRROR.replace("-1001", '"t.me/c/55/7"'),
         'mirror "main".source: this link names more than a chat (write -10055, and the topic\'s number as'),
        (ACCOUNT + MIRROR + 'history = "90"\nhistory = 1', "not valid TOML"),
        (ACCOUNT + MIRROR + 'history = "2024-02-30"\n',
         "mirror \"main\".history: '2024-02-30' is not a beginning"),
        (ACCOUNT + MIRROR + "history = true\n", 'mirror "main".history: True is not a beginning'),
        (ACCOUNT + MIRROR + "[pace]\ninterval = 1\n",
         "pace.interval: 1 s is less than 3.5 s (Telegram blocks"),
        (ACCOUNT + MIRROR + "[stream]\nbuffer_parts = 0\n", "stream.buffer_parts: must be at least 1"),
        (ACCOUNT + MIRROR + '[log]\nlevel = "warn"\n',
         'log.level: "warn" is not one of "debug", "info", "warning", "error" (did you mean "warning"?)'),
        (ACCOUNT + 'proxy = "socks5:hidden"\n' + MIRROR,
         "telegram.proxy: cannot be understood (socks5://"),
        (ACCOUNT + 'proxy = "socks5://a:hidden@h:99999"\n' + MIRROR,
         "telegram.proxy: cannot be understood (socks5://"),
        (ACCOUNT + MIRROR + '[state]\ndirectory = "state"\n',
         "state.directory: 'state' is not an absolute path"),
        (ACCOUNT + MIRROR + MIRROR, 'two mirrors are named "main"'),
        (ACCOUNT + MIRROR + MIRROR.replace("main", "again"),
         'mirrors "main" and "again" are the same pair of chats'),
        (ACCOUNT + MIRROR.replace('"main"', '"a\\nb"'),
         "mirror 1.name: must be 1 to 64 printable characters"),
        (ACCOUNT + MIRROR.replace('"main"', '"--all"'),
         "mirror 1.name: must not begin with a dash"),
        (ACCOUNT + SERVER + 'public_key = "no"\n' + MIRROR,
         "telegram.server.public_key: "),
        (ACCOUNT + SERVER + 'public_key = "config.toml"\n' + MIRROR,
         "telegram.server.public_key: "),
        (ACCOUNT + '[telegram.server]\ndc_id = 2\nport = 1\n' + MIRROR, "telegram.server.address is missing"),
        *((ACCOUNT + SERVER.replace('"h"', f'"{address}"') + MIRROR,
           f"telegram.server.address: '{address}' is no address (")
          for address in ("", " ", "h:4430", "127.0.0.1:4430", "[::1]:4430", "[h]", "300.1.1.1", ":::1")),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, text: str, line: str) -> None:
    said = refusal(tmp_path, text)
    assert said.startswith(line)
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[2001:db8::5]", "2001:db8::5"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("telegram.example.org", "telegram.example.org"),
    ],
)
def test_the_address_of_a_server_of_ones_own(tmp_path: Path, written: str, meant: str) -> None:
    server = read(tmp_path, ACCOUNT + SERVER.replace('"h"', f'"{written}"') + MIRROR).telegram.server
    assert server is not None
    assert server.address == meant


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"TG_API_ID": "one"}, "TG_API_ID: not a whole number"),
        ({"TG_SESSION": "1abc"}, "TG_SESSION is not a Telethon string session"),
        ({"SOURCE_CHAT": "?"}, 'SOURCE_CHAT: "?" names no chat'),
        ({"TARGET_TOPIC": "x"}, "TARGET_TOPIC: not a whole number"),
    ],
)
def test_refused_variables(tmp_path: Path, environ: dict[str, str], line: str) -> None:
    assert refusal(tmp_path, ACCOUNT + MIRROR, {**ENVIRON, **environ}).startswith(line)


def test_variables_describe_one_mirror(tmp_path: Path) -> None:
    two = ACCOUNT + MIRROR + MIRROR.replace("main", "b").replace("-1001", "-1003")
    said = refusal(tmp_path, two, {**ENVIRON, "SOURCE_CHAT": "-1"})
    assert said.startswith("SOURCE_CHAT is set, but the file has 2 mirrors")
    assert refusal(tmp_path, ACCOUNT, {**ENVIRON, "SOURCE_CHAT": "-1"}).startswith(
        "SOURCE_CHAT is set, but TARGET_CHAT is not"
    )


def mirror(name: str, source: int, target: int, more: str = "") -> str:
    return f'[[mirror]]\nname = "{name}"\nsource = {source}\ntarget = {target}\n{more}\n'


def test_circles_that_ids_prove(tmp_path: Path) -> None:
    two = mirror("a", -1, -2) + mirror("b", -2, -1, "source_topic = 4")
    assert "in a circle: a → b → a" in refusal(tmp_path, ACCOUNT + two)
    assert 'mirror "a" copies a chat into itself' in refusal(tmp_path, ACCOUNT + mirror("a", -1, -1))
    topics = mirror("a", -1, -1, "source_topic = 4\ntarget_topic = 5")
    chain = mirror("b", -2, -3) + mirror("c", -3, -4) + mirror("d", -2, -5)
    assert len(read(tmp_path, ACCOUNT + topics + chain).mirrors) == 4


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml", ENVIRON)
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, ENVIRON)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe4'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "latin.toml", ENVIRON)


def test_the_repr_keeps_the_secrets(tmp_path: Path) -> None:
    config = read(
        tmp_path, ACCOUNT + 'proxy = "http://u:hidden@h:1"\n' + MIRROR, {**ENVIRON, "TG_SESSION": SESSION}
    )
    for secret in (HASH, "hidden", SESSION):
        assert secret not in repr(config)


@pytest.mark.parametrize(
    ("file", "environ", "state", "socket"),
    [
        ("/etc/tgstreamd/config.toml", {}, "/var/lib/tgstreamd", "/run/tgstreamd/control.sock"),
        ("/etc/tgstreamd/b.toml", {}, "/var/lib/tgstreamd/b", "/run/tgstreamd/b/control.sock"),
        ("/etc/tgstreamd/b.toml", {"STATE_DIRECTORY": "/s"}, "/s", "/s/control.sock"),
        ("/x/c.toml", {"STATE_DIRECTORY": "/s", "RUNTIME_DIRECTORY": "/r"}, "/s", "/r/control.sock"),
        ("/x/c.toml", {"XDG_STATE_HOME": "/xdg"}, "/xdg/tgstreamd", "/xdg/tgstreamd/control.sock"),
    ],
)
def test_where_the_state_lies(file: str, environ: dict[str, str], state: str, socket: str) -> None:
    from tgstreamd.config.paths import place

    paths = place(Path(file), environ)
    assert (paths.state_dir, paths.socket) == (Path(state), Path(socket))


def test_nothing_says_where_the_state_lies(tmp_path: Path) -> None:
    assert "nothing says where the state lies" in refusal(tmp_path, ACCOUNT + MIRROR, {})


def test_state_is_found_beside_an_incomplete_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[telegram]\nsession = "/s/other"\n[state]\ndirectory = "/srv"\n[pace]\ninterval = "x"\n')
    paths = locate(file, {})
    assert (paths.state_dir, paths.session) == (Path("/srv"), Path("/s/other"))
    assert locate(None, {"STATE_DIRECTORY": "/here"}).ledger == Path("/here/ledger.db")


@given(st.text(max_size=40))
def test_any_text_names_a_chat_or_is_refused(text: str) -> None:
    try:
        chat = rules.chat("here", text)
    except ConfigError as error:
        chat = error.what
    assert (
        chat < 0 if isinstance(chat, int) else chat.casefold().startswith(("here: ", "@", "http", "t", "www"))
    )


@given(st.integers() | st.text(max_size=12) | st.dates() | st.booleans() | st.none())
def test_history_is_stable(value: object) -> None:
    try:
        text = rules.history("here", value)
    except ConfigError:
        return
    assert rules.history("here", text) == text


def test_metrics(tmp_path: Path) -> None:
    assert read(tmp_path, ACCOUNT + MIRROR).metrics.listen == ""
    for listen, address in (
        ("127.0.0.1:9187", ("127.0.0.1", 9187)),
        ("[::1]:1", ("::1", 1)),
        ("localhost:9187", ("127.0.0.1", 9187)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),
    ):
        config = read(tmp_path, ACCOUNT + MIRROR + f'[metrics]\nlisten = "{listen}"\npage = true\n')
        assert metrics.address(config.metrics.listen) == address
    for listen in (
        "9187",
        ":9187",
        "::1:9187",
        "[127.0.0.1]:9187",
        "name:1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
    ):
        line = refusal(tmp_path, ACCOUNT + MIRROR + f'[metrics]\nlisten = "{listen}"\n')
        assert line.startswith(f'metrics.listen: "{listen}" is no address to listen at')
    line = refusal(tmp_path, ACCOUNT + MIRROR + "[metrics]\npage = true\n")
    assert line == 'metrics.page: nothing listens (set metrics.listen = "127.0.0.1:9187" too)'
    line = refusal(tmp_path, ACCOUNT + MIRROR + '[metrics]\nlisten = "[::1]:1"\nhosts = ["http://x"]\n')
    assert line.startswith('metrics.hosts: "http://x" is not a host name')
