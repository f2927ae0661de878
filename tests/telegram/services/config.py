"""help.* and the accounts' view of themselves: what a client asks before it does anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.tl import functions, types

from tests.telegram.dispatch import Call, Dispatcher

#: The part of Telegram's application configuration that a mirror may want to know.
APP_CONFIG: dict[str, int] = {
    "caption_length_limit_default": 1024,
    "caption_length_limit_premium": 4096,
    "upload_max_fileparts_default": 4000,
    "upload_max_fileparts_premium": 8000,
    "quote_length_max": 1024,
    "poll_answers_max": 12,
    "todo_items_max": 30,
    "todo_item_length_max": 200,
    "todo_title_length_max": 255,
    "topics_pinned_limit": 5,
    "small_queue_max_active_operations_count": 5,
    "large_queue_max_active_operations_count": 2,
}


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
    on = dispatcher.on

    @on(functions.help.GetConfigRequest)
    async def get_config(call: Call, request: Any) -> Any:
        now = datetime.fromtimestamp(int(call.server.wall()), UTC)
        return types.Config(
            date=now,
            expires=now + timedelta(hours=1),
            test_mode=False,
            this_dc=call.dc_id,
            dc_options=call.server.dc_options(),
            dc_txt_domain_name="",
            chat_size_max=200,
            megagroup_size_max=200_000,
            forwarded_count_max=100,
            online_update_period_ms=210_000,
            offline_blur_timeout_ms=5000,
            offline_idle_timeout_ms=30_000,
            online_cloud_timeout_ms=300_000,
            notify_cloud_delay_ms=30_000,
            notify_default_delay_ms=1500,
            push_chat_period_ms=60_000,
            push_chat_limit=2,
            edit_time_limit=172_800,
            revoke_time_limit=2_147_483_647,
            revoke_pm_time_limit=2_147_483_647,
            rating_e_decay=2419200,
            stickers_recent_limit=200,
            channels_read_media_period=604_800,
            call_receive_timeout_ms=20_000,
            call_ring_timeout_ms=90_000,
            call_connect_timeout_ms=30_000,
            call_packet_timeout_ms=10_000,
            me_url_prefix="https://t.me/",
            caption_length_max=1024,
            message_length_max=4096,
            webfile_dc_id=4,
            tmp_sessions=call.server.tmp_sessions,
        )

    @on(functions.help.GetNearestDcRequest)
    async def get_nearest_dc(call: Call, request: Any) -> Any:
        return types.NearestDc("XX", call.dc_id, 2)

    @on(functions.help.GetAppConfigRequest)
    async def get_app_config(call: Call, request: Any) -> Any:
        values = [types.JsonObjectValue(name, types.JsonNumber(float(v))) for name, v in APP_CONFIG.items()]
        return types.help.AppConfig(1, types.JsonObject(values))
