"""Every kind of trouble becomes the right error of ours, by name and argument."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telethon import errors as rpc
from telethon.tl import functions, types

from tgstreamd.domain.errors import (
    AccountFrozen,
    AccountLimited,
    ConfigError,
    Duplicate,
    FloodWait,
    LoginUnknown,
    MediaExpired,
    NotAuthorised,
    PartsMissing,
    Rejected,
    SourceLost,
    TargetLost,
    TgstreamdError,
    Transient,
    Undecodable,
)
from tgstreamd.telegram.translate import by_name, file_dc, method_of, name_of, translate

REQUEST = functions.messages.SendMessageRequest(types.InputPeerSelf(), "x", random_id=1)


def rpc_error(code: int, name: str) -> Any:
    """The exception that Telethon makes of an `rpc_error`."""
    return rpc.rpc_message_to_error(types.RpcError(code, name), REQUEST)


NAMED = [
    (401, "AUTH_KEY_UNREGISTERED", LoginUnknown, {"error": "AUTH_KEY_UNREGISTERED"}),
    (401, "AUTH_KEY_INVALID", LoginUnknown, {}),
    (401, "AUTH_KEY_PERM_EMPTY", LoginUnknown, {}),
    (401, "SOMETHING_NEW", LoginUnknown, {"error": "SOMETHING_NEW"}),
    (401, "SESSION_REVOKED", NotAuthorised, {}),
    (401, "SESSION_EXPIRED", NotAuthorised, {}),
    (401, "SESSION_PASSWORD_NEEDED", NotAuthorised, {}),
    (401, "USER_DEACTIVATED", NotAuthorised, {}),
    (401, "USER_DEACTIVATED_BAN", NotAuthorised, {}),
    (406, "AUTH_KEY_DUPLICATED", NotAuthorised, {}),
    (303, "USER_MIGRATE_4", LoginUnknown, {"error": "USER_MIGRATE_4"}),
    (420, "FROZEN_METHOD_INVALID", AccountFrozen, {}),
    (400, "FROZEN_PARTICIPANT_MISSING", AccountFrozen, {}),
    (400, "PEER_FLOOD", AccountLimited, {}),
    (420, "FLOOD_WAIT_30", FloodWait, {"seconds": 30, "scope": "method", "method": "messages.sendMessage"}),
    (420, "FLOOD_WAIT_0", FloodWait, {"seconds": 1, "scope": "method"}),
    (420, "FLOOD_PREMIUM_WAIT_7", FloodWait, {"seconds": 7, "scope": "method"}),
    (420, "SLOWMODE_WAIT_12", FloodWait, {"seconds": 12, "scope": "chat"}),
    (420, "FLOOD_SKIP_FAILED_WAIT", FloodWait, {"seconds": 1}),
    (500, "RANDOM_ID_DUPLICATE", Duplicate, {}),
    (500, "RPC_CALL_FAIL", Transient, {}),
    (400, "MSG_WAIT_FAILED", Transient, {}),
    (-503, "Timeout", Transient, {}),
    (-500, "No workers running", Transient, {}),
    (500, "INTERDC_4_CALL_ERROR", Transient, {}),
    (500, "INTERDC_4_CALL_RICH_ERROR", Transient, {}),
    (500, "SOMETHING_NEW", Transient, {}),
    (500, "PERSISTENT_TIMESTAMP_OUTDATED", Transient, {}),
    (400, "FILE_REFERENCE_EXPIRED", MediaExpired, {"index": None}),
    (400, "FILE_REFERENCE_INVALID", MediaExpired, {"index": None}),
    (400, "FILE_REFERENCE_3_EXPIRED", MediaExpired, {"index": 3}),
    (400, "FILE_REFERENCE_0_COVER_EXPIRED", MediaExpired, {"index": 0}),
    (400, "FILE_REFERENCE_ATTACH_INVALID", MediaExpired, {"index": None}),
    (400, "FILE_REFERENCE_ANSWER_2_EXPIRED", MediaExpired, {"index": None}),
    (406, "FILEREF_UPGRADE_NEEDED", MediaExpired, {}),
    (400, "FILE_PART_17_MISSING", PartsMissing, {"parts": (17,)}),
    (400, "FILE_PART_0_MISSING", PartsMissing, {"parts": (0,)}),
    (400, "FILE_PARTS_INVALID", PartsMissing, {"parts": ()}),
    (400, "FILE_PART_TOO_SMALL", PartsMissing, {"parts": ()}),
    (400, "MD5_CHECKSUM_INVALID", PartsMissing, {"parts": ()}),
    (403, "CHAT_WRITE_FORBIDDEN", TargetLost, {}),
    (400, "USER_BANNED_IN_CHANNEL", TargetLost, {}),
    (403, "ALLOW_PAYMENT_REQUIRED_50", TargetLost, {}),
    (400, "CHAT_FORWARDS_RESTRICTED", SourceLost, {}),
    (406, "CHAT_FORWARDS_RESTRICTED", SourceLost, {}),
    (400, "API_ID_INVALID", ConfigError, {}),
    (400, "MESSAGE_TOO_LONG", Rejected, {"error": "MESSAGE_TOO_LONG"}),
    (400, "REPLY_MESSAGE_ID_INVALID", Rejected, {"error": "REPLY_MESSAGE_ID_INVALID"}),
    (400, "QUOTE_TEXT_INVALID", Rejected, {"error": "QUOTE_TEXT_INVALID"}),
    (406, "PAYMENT_UNSUPPORTED", Rejected, {"error": "PAYMENT_UNSUPPORTED"}),
    (400, "SOMETHING_NEW", Rejected, {"error": "SOMETHING_NEW"}),
]


@pytest.mark.parametrize(("code", "name", "expected", "fields"), NAMED, ids=[row[1] for row in NAMED])
def test_by_name(code: int, name: str, expected: type[TgstreamdError], fields: dict[str, object]) -> None:
    error = translate(rpc_error(code, name), REQUEST, "target")
    assert type(error) is expected
    for field, value in fields.items():
        assert getattr(error, field) == value
    assert error.line()


@pytest.mark.parametrize(
    "name", ["CHANNEL_PRIVATE", "CHANNEL_INVALID", "PEER_ID_INVALID", "TOPIC_CLOSED", "TOPIC_DELETED"]
)
def test_who_asks_decides_who_is_lost(name: str) -> None:
    code = 406 if name == "TOPIC_CLOSED" else 400
    assert type(translate(rpc_error(code, name), REQUEST, "source")) is SourceLost
    assert type(translate(rpc_error(code, name), REQUEST, "target")) is TargetLost


def test_a_closed_topic_says_so() -> None:
    assert "topic closed" in str(translate(rpc_error(406, "TOPIC_CLOSED"), REQUEST, "target"))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        ConnectionRefusedError(111, "refused"),
        OSError("no route"),
        TimeoutError(),
        asyncio.IncompleteReadError(b"", 8),
        EOFError(),
        rpc.SecurityError(),
        rpc.BadMessageError(REQUEST, 20),
    ],
)
def test_without_an_answer_the_outcome_is_unknown(error: Exception) -> None:
    assert type(translate(error, REQUEST)) is Transient


def test_a_key_that_nobody_knows_may_be_a_fault_that_passes() -> None:
    assert type(translate(rpc.AuthKeyNotFound(), REQUEST)) is LoginUnknown


def test_telethons_words_are_not_shown() -> None:
    for text in ("Not connected", "Cannot send requests while disconnected", "failed 0 time(s)"):
        assert "the connection was cut" in str(translate(ConnectionError(text), REQUEST))


def test_what_this_layer_cannot_read() -> None:
    assert type(translate(rpc.TypeNotFoundError(0xDEADBEEF, b"secret text"), REQUEST)) is Undecodable
    assert "secret" not in str(translate(rpc.TypeNotFoundError(0xDEADBEEF, b"secret text"), REQUEST))


def test_names_are_telegrams_whatever_telethon_makes_of_them() -> None:
    for code, name, _, _ in NAMED:
        assert name_of(rpc_error(code, name)).upper() == name.upper()


def test_where_a_file_lies() -> None:
    assert file_dc(rpc_error(303, "FILE_MIGRATE_4")) == 4
    assert file_dc(rpc_error(303, "USER_MIGRATE_4")) is None
    assert file_dc(OSError()) is None


def test_a_method_is_named_as_telegram_names_it() -> None:
    assert method_of(REQUEST) == "messages.sendMessage"
    wrapped = functions.InvokeWithLayerRequest(1, functions.InvokeWithoutUpdatesRequest(REQUEST))
    assert method_of(wrapped) == "messages.sendMessage"
    assert method_of(functions.PingRequest(1)) == "ping"


@pytest.mark.parametrize(
    "name", ["", "TWO\nLINES", "FLOOD_WAIT_\n3", "\r", "A" * 5000, "\N{CYRILLIC SMALL LETTER A}"]
)
def test_whatever_a_server_sends_as_a_name_has_a_row(name: str) -> None:
    """A name that is none of Telegram's is a refusal like any other."""
    assert isinstance(by_name(name, 400, "messages.sendMedia", "target"), Rejected)
