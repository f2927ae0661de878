"""The session file: what it keeps, and that it is whole at any instant."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from telethon.crypto import AuthKey
from telethon.sessions import StringSession
from telethon.tl import types

from tgstreamd.domain.errors import ConfigError, NotAuthorised
from tgstreamd.telegram.addresses import Address
from tgstreamd.telegram.session import StoredSession, parse_string, to_string
from tgstreamd.telegram.settings import Server

KEY = bytes(range(256))


def filled(path: Path) -> StoredSession:
    session = StoredSession(path)
    session.set_dc(2, "149.154.167.51", 443)
    session.auth_key = AuthKey(KEY)
    session.set_key(4, bytes(256))
    session.process_entities(
        types.contacts.ResolvedPeer(
            types.PeerUser(7),
            [types.Channel(50, "Title", types.ChatPhotoEmpty(), None, access_hash=5, username="Name")],
            [
                types.User(7, first_name="Ann", access_hash=77, phone="1234567"),
                types.User(8, first_name="Min", access_hash=1, min=True),
            ],
        )
    )
    return session


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "session"
    filled(path).save()
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["session"]
    session = StoredSession.load(path)
    assert (session.dc_id, session.server_address, session.port) == (2, "149.154.167.51", 443)
    assert session.auth_key.key == KEY
    assert session.keys == {4: bytes(256)}
    assert session.entities == {-1_000_000_000_050: (5, "name"), 7: (77, "")}
    assert session.get_input_entity(-1_000_000_000_050).access_hash == 5
    assert not session.dirty


def test_names_and_numbers_are_not_in_it(tmp_path: Path) -> None:
    content = filled(tmp_path / "session").encode()
    for word in (b"Title", b"Ann", b"1234567"):
        assert word not in content


def test_a_wide_open_file_is_closed_by_the_next_save(tmp_path: Path) -> None:
    path = tmp_path / "session"
    path.touch(0o644)
    filled(path).save()
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_changed_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "session"
    filled(path).save()
    before = path.stat().st_ino
    StoredSession.load(path).save()
    assert path.stat().st_ino == before


def test_a_file_that_is_no_session(tmp_path: Path) -> None:
    path = tmp_path / "session"
    path.write_bytes(b"SQLite format 3\0")
    with pytest.raises(NotAuthorised, match="not a session"):
        StoredSession.load(path)


def test_telethons_string_sessions_are_understood(tmp_path: Path) -> None:
    theirs = StringSession()
    theirs.set_dc(4, "149.154.167.91", 443)
    theirs.auth_key = AuthKey(KEY)
    string = theirs.save()
    assert parse_string(string) == (4, "149.154.167.91", 443, KEY)
    session = StoredSession.load(tmp_path / "session", string)
    assert session.auth_key.key == KEY
    assert to_string(session) == string


def test_a_string_for_the_same_login_keeps_what_the_file_knows(tmp_path: Path) -> None:
    path = tmp_path / "session"
    first = filled(path)
    first.save()
    same = StoredSession.load(path, to_string(first))
    assert same.keys
    assert same.entities
    first.auth_key = AuthKey(bytes(reversed(KEY)))
    another = StoredSession.load(path, to_string(first))
    assert another.auth_key.key == bytes(reversed(KEY))
    assert not another.keys
    assert not another.entities


@pytest.mark.parametrize("string", ["x", "1", "1abc", "1" + "A" * 352 + "!", "2" + "A" * 352])
def test_a_string_that_is_none(string: str) -> None:
    with pytest.raises(ConfigError):
        parse_string(string)


SERVER = Server(dc_id=2, address="::1", port=4430)


def test_the_configured_server_wins_at_every_start(tmp_path: Path) -> None:
    """Over the address in `TG_SESSION`, and over one that was stored."""
    path = tmp_path / "session"
    string = to_string(filled(path))
    for _ in range(3):
        session = StoredSession.load(path, string)
        session.reach(SERVER)
        assert (session.dc_id, session.server_address, session.port) == (2, "::1", 4430)
        session.save()
    session.set_dc(2, "10.0.0.1", 1)
    session.save()
    session = StoredSession.load(path)
    session.reach(SERVER)
    assert session.server_address == "::1"


def test_a_login_in_another_centre_stays_where_the_configured_server_has_it(tmp_path: Path) -> None:
    path = tmp_path / "session"
    theirs = filled(path)
    theirs.set_dc(4, "149.154.167.91", 443)
    string = to_string(theirs)
    session = StoredSession.load(path, string)
    session.reach(SERVER)
    # It has to be asked for: nobody has told it yet.
    assert (session.dc_id, session.server_address) == (4, None)
    session.set_dc(4, "10.0.0.4", 4431)
    session.save()
    session = StoredSession.load(path, string)
    session.reach(SERVER)
    assert (session.dc_id, session.server_address, session.port) == (4, "10.0.0.4", 4431)
    other = StoredSession.load(path, string)
    other.reach(Server(dc_id=2, address="::1", port=9))
    assert (other.dc_id, other.server_address) == (4, None)


def test_without_the_configured_server_it_goes_back_to_telegrams_own(tmp_path: Path) -> None:
    path = tmp_path / "session"
    string = to_string(filled(path))
    session = StoredSession.load(path, string)
    session.reach(SERVER)
    session.addresses = (Address(2, "::1", 4430),)
    session.save()
    again = StoredSession.load(path, string)
    again.reach(None)
    assert (again.server_address, again.addresses) == ("149.154.167.51", ())
    again = StoredSession.load(path)
    again.reach(None)
    assert again.server_address is None


def test_a_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "session"
    filled(path).save()
    file = msgspec.json.decode(path.read_bytes())
    del file["addresses"]
    path.write_bytes(msgspec.json.encode(file))
    session = StoredSession.load(path)
    session.reach(None)
    assert (session.server_address, session.addresses) == ("149.154.167.51", ())
