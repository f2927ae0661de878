"""What comes from outside never breaks the parsers: any answer is ours, or a refusal of ours.

`FUZZ=100000 pytest tests/unit/test_fuzz.py` tries more inputs than `make test` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telethon.tl import types

from tgstreamd import config as configuration
from tgstreamd.cli.output.format import clean
from tgstreamd.control import control_socket
from tgstreamd.domain.errors import TgstreamdError
from tgstreamd.domain.messages import Chat
from tgstreamd.policy.links import named
from tgstreamd.policy.text import Text, sane, split
from tgstreamd.telegram.entities import from_tl
from tgstreamd.telegram.files import harmless

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ", "60")),
    derandomize="FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)

CHAT = Chat(id=-1001234567890, kind="supergroup", title="Source", username="source")

_values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=30)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)
_names = st.sampled_from(
    ["telegram", "api_id", "api_hash", "mirror", "name", "source", "target", "history", "pace", "interval",
     "stream", "state", "log", "level", "source_topic", "server", "proxy", "delay", "deletes"]
)  # fmt: skip
_tables = st.dictionaries(
    _names, st.one_of(_values, st.dictionaries(_names, _values, max_size=5)), max_size=6
)


@FUZZ
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode(errors="replace"))))
def test_any_bytes_as_a_configuration(content: bytes) -> None:
    refused_or_whole(content)


@FUZZ
@given(_tables)
def test_any_values_in_a_configuration(tree: dict[str, Any]) -> None:
    """Of the right names, with whatever in them."""
    refused_or_whole("\n".join(f"{key} = {toml(value)}" for key, value in tree.items()).encode())


def refused_or_whole(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_bytes(content)
        error: TgstreamdError | None = None
        try:
            configuration.load(file, {"HOME": folder})
        except TgstreamdError as refused:
            error = refused
        if error is not None:
            assert error.exit_status == 78


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    return str(value)


@FUZZ
@given(st.one_of(st.binary(max_size=500), _values.map(lambda v: json.dumps(v).encode() + b"\n")))
def test_any_bytes_at_the_control_socket(request: bytes) -> None:
    """It answers with an error or closes the line, and goes on answering others."""

    async def answer(asked: dict[str, Any]) -> dict[str, Any]:
        return {"ok": 1}

    async def ask() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "s"
            ready = asyncio.Event()
            serving = asyncio.ensure_future(control_socket.serve(path, answer, listening=ready.set))
            await ready.wait()
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(request)
            writer.write_eof()
            json.loads(await reader.read() or b"{}")
            writer.close()
            assert await asyncio.to_thread(control_socket.ask, path, {"verb": "status"}) == {"ok": 1}
            serving.cancel()

    asyncio.run(ask())


@FUZZ
@given(st.text())
def test_other_peoples_text_on_a_terminal(text: str) -> None:
    """One line, nothing that a terminal obeys."""
    shown = clean(text)
    assert shown.isprintable()
    assert len(shown) <= 60


_kinds = st.sampled_from([types.MessageEntityBold, types.MessageEntityItalic, types.MessageEntityUrl])


@FUZZ
@given(
    st.text(st.characters(), max_size=60),
    st.lists(st.tuples(_kinds, st.integers(-9, 99), st.integers(-9, 99)), max_size=6),
    st.integers(2, 30),
)
def test_entities_of_a_liar(text: str, told: list[tuple[Any, int, int]], room: int) -> None:
    """Those that are left lie within the text, also of its parts, and no unit of the text is lost."""
    entities = from_tl([kind(offset, length) for kind, offset, length in told])
    whole = sane(Text(text=text, entities=entities))
    for part in (whole, *split(whole, room, room)):
        assert all(e.offset >= 0 and 0 < e.length <= part.units - e.offset for e in part.entities)
    if text.strip():
        assert all(part.units <= room for part in split(whole, room, room))


@FUZZ
@given(
    st.one_of(
        st.text(max_size=80),
        st.from_regex(r"https?://t\.me/(c/1234567890|source|c/[\d]{0,12}|[\w+-]{0,20})(/\d{0,30}){0,3}\?\w*"),
    )
)
def test_any_text_as_a_link(url: str) -> None:
    """A message of the chat, or none."""
    found = named(url, CHAT)
    assert found is None or 0 < found < 2**31


@FUZZ
@given(st.text(max_size=200))
def test_a_file_name_chooses_no_path(name: str) -> None:
    """Nothing of it leads out of a folder, is hidden from sight, or turns the line around."""
    kept = harmless(name)
    assert not set(kept) & set("/\\\0\n\r\u202e")
    assert kept not in (".", "..")
