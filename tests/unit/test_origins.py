"""`config show`: every key with its origin, and nothing secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tgstreamd.cli import config as verb
from tgstreamd.config import locate
from tgstreamd.config.provenance import MASK, Setting, explain
from tgstreamd.domain.errors import ConfigError

FILE = """
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
proxy = "socks5://me:geheim@proxy.example:1080"

[[mirror]]
name = "main"
source = -1001
target = -1002

[pace]
interval = 5

[alerts]
heartbeat_url = "https://monitor.example/ping/geheim"
command = ["/usr/bin/curl", "--header", "Authorization: geheim"]
"""


def explained(folder: Path, **environ: str) -> dict[str, Setting]:
    file = folder / "config.toml"
    file.write_text(FILE)
    _, settings = explain(file, {"HOME": str(folder), **environ})
    return {setting.key: setting for setting in settings}


def test_where_each_key_comes_from(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "TG_API_HASH").write_text("f" * 32)
    keys = explained(
        tmp_path, CREDENTIALS_DIRECTORY=str(credentials), TG_API_ID="7", SOURCE_CHAT="-1003",
        TG_API_HASH="e" * 32, STATE_DIRECTORY="/var/lib/elsewhere",
    )  # fmt: skip
    assert keys["telegram.api_id"] == Setting(
        key="telegram.api_id", value=7, origin="environment", name="TG_API_ID"
    )
    assert (keys["telegram.api_hash"].origin, keys["telegram.api_hash"].name) == ("credential", "TG_API_HASH")
    assert (keys['mirror "main".source'].value, keys['mirror "main".source'].name) == (-1003, "SOURCE_CHAT")
    assert (keys['mirror "main".target'].value, keys['mirror "main".target'].origin) == (-1002, "file")
    assert (keys['mirror "main".history'].value, keys['mirror "main".history'].origin) == ("all", "default")
    assert (keys["pace.interval"].value, keys["pace.interval"].origin) == (5.0, "file")
    assert (keys["state.directory"].value, keys["state.directory"].name) == (
        "/var/lib/elsewhere",
        "STATE_DIRECTORY",
    )


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    keys = explained(tmp_path)
    text = "\n".join(verb.lines(list(keys.values())))
    assert "geheim" not in text
    assert "0123456789abcdef" not in text
    assert keys["telegram.proxy"].value == f"socks5://{MASK}@proxy.example:1080"
    assert keys["alerts.heartbeat_url"].value == f"https://monitor.example/{MASK}"
    assert keys["alerts.command"].value == ["/usr/bin/curl", MASK, MASK]
    assert '  api_hash          "********"                            file' in text


def test_a_file_that_is_no_toml_still_has_its_place(tmp_path: Path) -> None:
    """`status` beside a running daemon works whatever the file has become."""
    file = tmp_path / "config.toml"
    file.write_text("[log")
    assert locate(file, {"HOME": str(tmp_path)}).state_dir == tmp_path / ".local/state/tgstreamd"
    with pytest.raises(ConfigError, match="not valid TOML"):
        explain(file, {"HOME": str(tmp_path)})
