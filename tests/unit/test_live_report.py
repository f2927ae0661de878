"""The report of `make live`: it says what was found, and holds no secret."""

from __future__ import annotations

from datetime import UTC, datetime

from telethon.tl import types

from tests.live.report import Facts, config_facts, limit_facts, render, without


def facts() -> Facts:
    return Facts(place="nowhere", version="1.2.3", layer=229, date="2026-11-30")


def test_secrets_and_long_numbers_are_taken_out() -> None:
    text = "sent by +9996621234 (Ann, id 100001) to -1001500000001 over 149.154.167.40: 512 parts, Anna"
    assert without(text, ["+9996621234", "9996621234", "100001", "Ann", ""]) == (
        "sent by [hidden] ([hidden], id [hidden]) to [number] over 149.154.167.40: 512 parts, Anna"
    )


def test_a_run_that_failed_at_once_says_where_and_why() -> None:
    found = facts()
    found.steps, found.failed = ["logging two accounts in"], "author: PhoneNumberBannedError: no"
    text = render(found, [])
    assert "**Target equals source, but for what is documented: no.**" in text
    assert "The run ended early, at logging two accounts in: author: PhoneNumberBannedError: no." in text
    assert "* it was not started" in text


def test_a_run_is_equal_only_where_every_program_ended_well() -> None:
    found = facts()
    assert found.equal
    found.exits = [("tgstreamd run", 1)]
    assert not found.equal
    found.exits = []
    found.differences = ["plain: text is 'a', not 'b'"]
    assert not found.equal
    assert "* plain: text is 'a', not 'b'" in render(found, [])


def test_errors_stand_by_method_with_their_class() -> None:
    found = facts()
    found.refusals = {("messages.sendMedia", "FLOOD_WAIT_%d", "flood"): 3}
    assert "| messages.sendMedia | FLOOD_WAIT_%d | flood | 3 |" in render(found, [])


def test_endpoints_are_counted_without_addresses() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    options = [
        types.DcOption(2, "192.0.2.1", 443),
        types.DcOption(2, "192.0.2.2", 443, media_only=True),
        types.DcOption(2, "192.0.2.3", 443, media_only=True),
    ]
    unused = (
        "chat_size_max", "megagroup_size_max", "online_update_period_ms", "offline_blur_timeout_ms",
        "offline_idle_timeout_ms", "online_cloud_timeout_ms", "notify_cloud_delay_ms",
        "notify_default_delay_ms", "push_chat_period_ms", "push_chat_limit", "revoke_time_limit",
        "revoke_pm_time_limit", "rating_e_decay", "stickers_recent_limit", "channels_read_media_period",
        "call_receive_timeout_ms", "call_ring_timeout_ms", "call_connect_timeout_ms",
        "call_packet_timeout_ms", "webfile_dc_id",
    )  # fmt: skip
    config = types.Config(
        date=now, expires=now, test_mode=True, this_dc=2, dc_options=options, dc_txt_domain_name="",
        forwarded_count_max=100, edit_time_limit=172_800, me_url_prefix="", caption_length_max=1024,
        message_length_max=4096, tmp_sessions=None, **dict.fromkeys(unused, 0),
    )  # fmt: skip
    found = config_facts(config)
    assert found["tmp_sessions"] == "absent"
    assert found["endpoints of DC 2"] == 1
    assert found["endpoints of DC 2 (media_only)"] == 2
    assert "192.0.2" not in str(found)


def test_limits_are_read_by_name() -> None:
    values = [
        types.JsonObjectValue("poll_answers_max", types.JsonNumber(12.0)),
        types.JsonObjectValue("other", types.JsonString("x")),
    ]
    assert limit_facts(types.help.AppConfig(1, types.JsonObject(values))) == {"poll_answers_max": 12}
