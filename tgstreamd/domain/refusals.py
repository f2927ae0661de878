"""Lists Telegram's errors: the object that each concerns and the consequence. The only list of their names.

A row applies to names on methods; the first match counts. `translate` creates errors from it, `retry` and the
change sender decide by it, and the documentation is generated from it. Pure data: it decides nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from .media import Value

#: Purpose of a method. A method that is not listed reads.
Purpose = Literal[
    "send", "make topic", "commit", "upload", "download", "edit", "delete", "pin", "topic", "chat", "read",
    "log in", "connect",
]  # fmt: skip
#: Ways to get a refused message accepted: leaving something out, or sending it differently.
Cure = Literal[
    "mentions", "reply", "quote", "cover", "sticker", "attachment", "told", "entities", "dates", "emoji",
    "preview", "as-file", "stream", "reference", "singles", "limits", "note",
]  # fmt: skip
#: Consequences.
Then = Literal[
    "log in", "login unknown", "configuration", "wait", "limited", "frozen", "again", "sent before",
    "refresh", "parts", "ask chat", "pay", "ask source", "topic", "cure", "skip", "so already", "send anew",
    "give up", "position", "rest", "say",
]  # fmt: skip

METHODS: dict[str, Purpose] = {
    "messages.sendMessage": "send",
    "messages.sendMedia": "send",
    "messages.sendMultiMedia": "send",
    "messages.createForumTopic": "make topic",
    "messages.uploadMedia": "commit",
    "upload.saveFilePart": "upload",
    "upload.saveBigFilePart": "upload",
    "upload.getFile": "download",
    "upload.getCdnFile": "download",
    "upload.reuploadCdnFile": "download",
    "upload.getCdnFileHashes": "download",
    "messages.editMessage": "edit",
    "channels.deleteMessages": "delete",
    "messages.deleteMessages": "delete",
    "messages.updatePinnedMessage": "pin",
    "messages.editForumTopic": "topic",
    "messages.reorderPinnedForumTopics": "topic",
    "channels.editTitle": "chat",
    "channels.editPhoto": "chat",
    "messages.editChatTitle": "chat",
    "messages.editChatAbout": "chat",
    "messages.editChatPhoto": "chat",
    "auth.exportAuthorization": "connect",
    "auth.importAuthorization": "connect",
    "help.getConfig": "connect",
    "help.getCdnConfig": "connect",
    "initConnection": "connect",
    "invokeWithLayer": "connect",
    # A refusal while a connection is being set up, whichever of its calls it answers.
    "connection": "connect",
}
#: Purposes that change a message, a topic or the chat instead of sending a message.
CHANGES: frozenset[Purpose] = frozenset({"edit", "delete", "pin", "topic", "chat"})
#: A refusal that seems to concern the chat may concern a person, message, story or file that the message
#: refers to. These are left out one after the other.
LEADS: tuple[Cure, ...] = ("mentions", "reply", "cover", "sticker", "attachment", "told")

_SENDS: tuple[Purpose, ...] = ("send",)
_CHANGES: tuple[Purpose, ...] = ("edit", "delete", "pin", "topic", "chat")
_MEDIA: tuple[Purpose, ...] = ("send", "commit")
_MOVES: tuple[Purpose, ...] = ("commit", "upload", "download")
#: Errors of chats; attributed to the message if the chat, when asked, denies them.
_LOST = (
    "CHANNEL_PRIVATE CHANNEL_INVALID CHANNEL_PUBLIC_GROUP_NA CHANNEL_BANNED CHANNEL_MONOFORUM_UNSUPPORTED "
    "CHANNEL_FORUM_MISSING CHAT_FORBIDDEN CHAT_ID_INVALID CHAT_INVALID CHAT_RESTRICTED CHAT_WRITE_FORBIDDEN "
    "CHAT_GUEST_SEND_FORBIDDEN PEER_ID_INVALID PEER_ID_NOT_SUPPORTED PEER_TYPES_INVALID USER_NOT_PARTICIPANT "
    "USER_BANNED_IN_CHANNEL USER_RESTRICTED INPUT_USER_DEACTIVATED USER_IS_BLOCKED YOU_BLOCKED_USER "
    "SEND_AS_PEER_INVALID USER_IS_BOT USER_BOT_TO_BOT_DISABLED"
)


class Row(Value, frozen=True, kw_only=True):
    """The consequence of some names (space separated; `#`: a number, `*`: any rest) on some methods."""

    names: str
    #: Purposes or methods; none: all.
    on: tuple[str, ...] = ()
    #: The object that it concerns, for people.
    whose: str
    then: Then
    #: For a message, tried in this order; after the last it is parked.
    cures: tuple[Cure, ...] = ()
    #: Number of plain retries before any cure, where Telegram says that the error may pass.
    again: int = 0
    #: Matches names that are not documented.
    unknown: bool = False


TABLE: tuple[Row, ...] = (
    # The account, the connection, waits.
    Row(names="""
        AUTH_KEY_DUPLICATED SESSION_REVOKED SESSION_EXPIRED SESSION_PASSWORD_NEEDED USER_DEACTIVATED
        USER_DEACTIVATED_BAN""", whose="the login", then="log in"),
    Row(names="""
        AUTH_KEY_UNREGISTERED AUTH_KEY_INVALID AUTH_KEY_PERM_EMPTY USER_MIGRATE_# PHONE_MIGRATE_#
        NETWORK_MIGRATE_#""", whose="the login, or Telegram for a moment", then="login unknown"),
    Row(names="API_ID_INVALID API_ID_PUBLISHED_FLOOD CONNECTION_API_ID_INVALID", whose="the configuration",
        then="configuration"),
    Row(names="""
        FLOOD_WAIT_# FLOOD_PREMIUM_WAIT_# FLOOD_TEST_PHONE_WAIT_# FLOOD_SKIP_FAILED_WAIT
        FLOOD_SKIP_FAILED_WAIT_#""", whose="the method", then="wait"),
    Row(names="SLOWMODE_WAIT_#", whose="the chat", then="wait"),
    Row(names="PEER_FLOOD", whose="the account", then="limited"),
    Row(names="FROZEN_METHOD_INVALID FROZEN_PARTICIPANT_MISSING FROZEN_*", whose="the account",
        then="frozen"),
    Row(names="""
        TIMEOUT MSG_WAIT_FAILED MSG_WAIT_TIMEOUT RPC_CALL_FAIL RPC_MCGET_FAIL HISTORY_GET_FAILED
        WORKER_BUSY_TOO_LONG_RETRY PERSISTENT_TIMESTAMP_OUTDATED CONNECTION_NOT_INITED POSTPONED_TIMEOUT
        INTERDC_#_CALL_ERROR INTERDC_#_CALL_RICH_ERROR CDN_UPLOAD_TIMEOUT AUTH_RESTART AUTH_RESTART_#
        AUTH_KEY_UNSYNCHRONIZED SIGN_IN_FAILED""", whose="nobody: Telegram is ill for a moment",
        then="again"),
    Row(names="RANDOM_ID_DUPLICATE", whose="the message: it was sent before", then="sent before"),
    # Files.
    Row(names="""
        FILE_REFERENCE_EXPIRED FILE_REFERENCE_INVALID FILE_REFERENCE_EMPTY FILE_REFERENCE_#_EXPIRED
        FILE_REFERENCE_#_INVALID FILE_REFERENCE_#_EMPTY FILE_REFERENCE_* FILEREF_UPGRADE_NEEDED""",
        whose="the reference of a file", then="refresh",
        cures=("cover", "stream", "attachment", "singles", "note")),
    Row(names="FILE_PART_EMPTY", on=_MOVES, whose="the file", then="cure", cures=("reference", "note")),
    Row(names="""
        FILE_PART_#_MISSING FILE_PARTS_INVALID FILE_PART_INVALID FILE_PART_LENGTH_INVALID
        FILE_PART_SIZE_CHANGED FILE_PART_SIZE_INVALID FILE_PART_TOO_BIG FILE_PART_TOO_SMALL
        MD5_CHECKSUM_INVALID""", whose="parts of a file", then="parts"),
    Row(names="PHOTO_SAVE_FILE_INVALID", on=_MEDIA, whose="the file", then="cure", again=2,
        cures=("as-file", "note")),
    Row(names="""
        IMAGE_PROCESS_FAILED PHOTO_EXT_INVALID PHOTO_INVALID_DIMENSIONS PHOTO_INVALID PHOTO_*
        VIDEO_CONTENT_TYPE_INVALID VIDEO_FILE_INVALID MEDIA_FILE_INVALID INPUT_FILE_INVALID""", on=_MEDIA,
        whose="the file", then="cure", cures=("as-file", "note")),
    Row(names="MEDIA_INVALID MSG_ID_INVALID VOICE_MESSAGES_FORBIDDEN WEBPAGE_CURL_FAILED", on=_MOVES,
        whose="the file", then="cure", cures=("cover", "as-file", "reference", "note")),
    Row(names="""
        FILE_ID_INVALID LOCATION_INVALID LIMIT_INVALID OFFSET_INVALID CDN_METHOD_INVALID FILE_TOKEN_INVALID
        REQUEST_TOKEN_INVALID RSA_DECRYPT_FAILED METHOD_INVALID""", on=("download",), whose="the file",
        then="cure", cures=("reference", "note")),
    # A message that is sent.
    Row(names="""
        REPLY_MESSAGE_ID_INVALID REPLY_TO_INVALID REPLY_TO_USER_INVALID REPLY_TO_MONOFORUM_PEER_INVALID
        MSG_ID_INVALID MESSAGE_ID_INVALID""", on=_SENDS, whose="the message: its reply", then="cure",
        cures=("reply",)),
    Row(names="QUOTE_TEXT_INVALID QUOTE_*", on=_SENDS, whose="the message: its quote", then="cure",
        cures=("quote", "reply")),
    Row(names="ENTITY_MENTION_USER_INVALID", on=_SENDS, whose="the message: a mention", then="cure",
        cures=("mentions", "entities")),
    Row(names="ENTITY_DATE_FORMAT_INVALID ENTITY_DATE_INVALID ENTITY_DATE_TOO_LONG", on=_SENDS,
        whose="the message: its formatting", then="cure", cures=("dates", "entities")),
    Row(names="ENTITY_BOUNDS_INVALID ENTITIES_TOO_LONG ENTITY_* ENTITIES_*", on=_SENDS,
        whose="the message: its formatting", then="cure", cures=("entities",)),
    Row(names="""
        WEBPAGE_NOT_FOUND WEBPAGE_CURL_FAILED WEBPAGE_MEDIA_EMPTY WEBPAGE_URL_INVALID WEBPAGE_*
        WC_CONVERT_URL_INVALID EXTERNAL_URL_INVALID CHAT_SEND_WEBPAGE_FORBIDDEN""", on=_SENDS,
        whose="the message: its link preview", then="cure", cures=("preview", "note")),
    Row(names="MEDIA_EMPTY MEDIA_INVALID DOCUMENT_INVALID NO_REFERENCE", on=_SENDS,
        whose="the message: its media", then="cure", cures=("emoji", "stream", "singles", "note")),
    Row(names="SLOWMODE_MULTI_MSGS_DISABLED", on=_SENDS, whose="the message: an album", then="cure",
        cures=("singles",)),
    Row(names="GROUPED_MEDIA_INVALID MEDIA_GROUPED_INVALID MULTI_MEDIA_TOO_LONG", on=_SENDS,
        whose="the message: an album", then="cure", cures=("singles", "note")),
    Row(names="MESSAGE_TOO_LONG MEDIA_CAPTION_TOO_LONG", on=_SENDS, whose="the message: its text",
        then="cure", cures=("limits",)),
    Row(names="MESSAGE_EMPTY", on=_SENDS, whose="the message: nothing is left of it", then="skip"),
    Row(names="CHAT_SEND_PLAIN_FORBIDDEN", on=_SENDS, whose="the message: the chat takes no texts",
        then="cure"),
    Row(names="""
        CHAT_SEND_AUDIOS_FORBIDDEN CHAT_SEND_DOCS_FORBIDDEN CHAT_SEND_GIFS_FORBIDDEN
        CHAT_SEND_MEDIA_FORBIDDEN CHAT_SEND_PHOTOS_FORBIDDEN CHAT_SEND_POLL_FORBIDDEN
        CHAT_SEND_ROUNDVIDEOS_FORBIDDEN CHAT_SEND_STICKERS_FORBIDDEN CHAT_SEND_VIDEOS_FORBIDDEN
        CHAT_SEND_VOICES_FORBIDDEN CHAT_SEND_* VOICE_MESSAGES_FORBIDDEN""", on=_SENDS,
        whose="the message: the chat takes none of its kind", then="cure", cures=("singles", "note")),
    Row(names="PREMIUM_ACCOUNT_REQUIRED", on=_SENDS, whose="the message: only Premium accounts may send it",
        then="cure", cures=("emoji", "note")),
    Row(names="""
        POLL_ANSWERS_INVALID POLL_ANSWER_INVALID POLL_OPTION_DUPLICATE POLL_OPTION_INVALID
        POLL_QUESTION_INVALID POLL_* QUIZ_CORRECT_ANSWERS_EMPTY QUIZ_CORRECT_ANSWERS_TOO_MUCH
        QUIZ_CORRECT_ANSWER_INVALID QUIZ_MULTIPLE_INVALID QUIZ_* BROADCAST_PUBLIC_VOTERS_FORBIDDEN
        STORY_ID_INVALID STORY_* STORIES_NEVER_CREATED STORIES_* TODO_ITEMS_EMPTY TODO_ITEMS_TOO_MUCH
        TODO_ITEM_DUPLICATE TODO_* RICH_* GEO_POINT_INVALID CONTACT_* PHONE_NUMBER_INVALID EMOTICON_INVALID
        TTL_MEDIA_INVALID PAYMENT_UNSUPPORTED""", on=_SENDS, whose="the message: its media", then="cure",
        cures=("note",)),
    Row(names="CHAT_FORWARDS_RESTRICTED", on=_SENDS,
        whose="the source, or a file that the message refers to", then="ask source",
        cures=("cover", "sticker", "attachment", "told", "mentions", "reply")),
    Row(names="TOPIC_CLOSED TOPIC_DELETED TOPIC_ID_INVALID TOPIC_INVALID", on=_SENDS, whose="the topic",
        then="topic", cures=LEADS),
    Row(names="ALLOW_PAYMENT_REQUIRED ALLOW_PAYMENT_REQUIRED_# BALANCE_TOO_LOW", on=_SENDS,
        whose="the chat: it wants to be paid", then="pay"),
    Row(names=f"CHAT_ADMIN_REQUIRED PRIVACY_PREMIUM_REQUIRED {_LOST}", on=_SENDS,
        whose="the chat, or what the message leads to", then="ask chat", cures=LEADS),
    Row(names="""
        ADMIN_RIGHTS_EMPTY BOT_DOMAIN_INVALID BOT_GAMES_DISABLED BOT_INVALID BOT_PAYMENTS_DISABLED
        BUSINESS_CONNECTION_INVALID BUSINESS_CONNECTION_NOT_ALLOWED BUSINESS_PEER_INVALID
        BUSINESS_PEER_USAGE_MISSING BUTTON_COPY_TEXT_INVALID BUTTON_DATA_INVALID BUTTON_ID_INVALID
        BUTTON_POS_INVALID BUTTON_TYPE_INVALID BUTTON_URL_INVALID BUTTON_USER_INVALID
        BUTTON_USER_PRIVACY_RESTRICTED CURRENCY_TOTAL_AMOUNT_INVALID EFFECT_CHAT_INVALID EFFECT_ID_INVALID
        ENCRYPTION_DECLINED EXTENDED_MEDIA_AMOUNT_INVALID EXTENDED_MEDIA_EMPTY EXTENDED_MEDIA_INVALID
        EXTENDED_MEDIA_PEER_INVALID FROM_MESSAGE_BOT_DISABLED GAME_BOT_INVALID INVOICE_PAYLOAD_INVALID
        PAYMENT_PROVIDER_INVALID PINNED_DIALOGS_TOO_MUCH QUICK_REPLIES_BOT_NOT_ALLOWED QUICK_REPLIES_TOO_MUCH
        RANDOM_ID_EMPTY REPLY_MARKUP_BUY_EMPTY REPLY_MARKUP_GAME_EMPTY REPLY_MARKUP_INVALID
        REPLY_MARKUP_TOO_LONG REPLY_MESSAGES_TOO_MUCH SCHEDULE_BOT_NOT_ALLOWED SCHEDULE_DATE_TOO_LATE
        SCHEDULE_STATUS_PRIVATE SCHEDULE_TOO_MUCH STARS_INVOICE_INVALID SUBSCRIPTION_EXPORT_MISSING
        SUGGESTED_POST_AMOUNT_INVALID SUGGESTED_POST_PEER_INVALID TERMS_URL_INVALID UNWRITABLE
        WEBDOCUMENT_MIME_INVALID""", on=_SENDS,
        whose="the message: something that we never send", then="cure"),
    # Creating a topic; committing or fetching a file.
    Row(names="CHANNEL_FORUM_MISSING", on=("make topic",), whose="the chat", then="ask chat", again=1),
    Row(names=f"CHAT_ADMIN_REQUIRED {_LOST}", on=("make topic",), whose="the chat", then="ask chat"),
    Row(names="BOT_FORUM_CREATE_FORBIDDEN PREMIUM_ACCOUNT_REQUIRED", on=("make topic",), whose="the topic",
        then="cure"),
    Row(names=f"CHAT_ADMIN_REQUIRED {_LOST}", on=_MOVES, whose="the chat, or the file", then="ask chat",
        cures=("cover", "note")),
    # Changes of sent messages.
    Row(names="""
        MESSAGE_NOT_MODIFIED CHAT_NOT_MODIFIED CHAT_ABOUT_NOT_MODIFIED CHAT_TITLE_NOT_MODIFIED
        TOPIC_NOT_MODIFIED""", on=_CHANGES, whose="nobody", then="so already"),
    Row(names="EDIT_MESSAGE_TEMP_RESTRICTED", on=("edit",), whose="the change, for a while", then="again"),
    Row(names="""
        MESSAGE_EDIT_TIME_EXPIRED MESSAGE_NOT_EDITABLE MEDIA_CAPTION_TOO_LONG MEDIA_EMPTY
        MEDIA_GROUPED_INVALID MEDIA_INVALID MEDIA_NEW_INVALID MEDIA_PREV_INVALID MEDIA_TTL_INVALID MEDIA_*""",
        on=("edit",), whose="the change", then="send anew"),
    Row(names="TOPIC_DELETED TOPIC_ID_INVALID TOPIC_INVALID", on=("topic",), whose="the topic", then="topic"),
    Row(names="CHAT_ADMIN_REQUIRED", on=_CHANGES, whose="the change", then="give up"),
    Row(names=f"{_LOST} TOPIC_CLOSED", on=_CHANGES, whose="the chat, or the change", then="ask chat"),
    Row(names="""
        BOT_ACCESS_FORBIDDEN BOT_DOMAIN_INVALID BOT_INVALID BOT_ONESIDE_NOT_AVAIL BUSINESS_CONNECTION_INVALID
        BUSINESS_CONNECTION_NOT_ALLOWED BUSINESS_PEER_INVALID BUTTON_COPY_TEXT_INVALID BUTTON_DATA_INVALID
        BUTTON_TYPE_INVALID BUTTON_URL_INVALID BUTTON_USER_PRIVACY_RESTRICTED CHAT_ABOUT_TOO_LONG
        CHAT_FORWARDS_RESTRICTED CHAT_SEND_GIFS_FORBIDDEN CHAT_TITLE_EMPTY DOCUMENT_INVALID ENTITIES_TOO_LONG
        ENTITY_BOUNDS_INVALID IMAGE_PROCESS_FAILED INLINE_BOT_REQUIRED MESSAGE_AUTHOR_REQUIRED
        MESSAGE_DELETE_FORBIDDEN MESSAGE_EMPTY MESSAGE_ID_INVALID MESSAGE_TOO_LONG MSG_ID_INVALID
        PHOTO_CROP_SIZE_SMALL PHOTO_EXT_INVALID PHOTO_FILE_MISSING PHOTO_INVALID PHOTO_INVALID_DIMENSIONS
        PHOTO_SAVE_FILE_INVALID PIN_RESTRICTED REPLY_MARKUP_INVALID REPLY_MARKUP_TOO_LONG
        SCHEDULE_DATE_INVALID SELF_DELETE_RESTRICTED STICKER_MIME_INVALID TODO_ITEMS_EMPTY
        TODO_ITEM_DUPLICATE TOPIC_CLOSE_SEPARATELY WEBPAGE_NOT_FOUND""", on=_CHANGES,
        whose="the change", then="give up"),
    # Reading.
    Row(names="PERSISTENT_TIMESTAMP_EMPTY PERSISTENT_TIMESTAMP_INVALID DATE_EMPTY", on=("read",),
        whose="the position", then="position"),
    Row(names="CHANNEL_FORUM_MISSING", on=("messages.getForumTopics",), whose="the chat: it has no topics",
        then="so already"),
    Row(names="CHAT_ADMIN_REQUIRED", on=("messages.getScheduledHistory",),
        whose="the chat: none of ours is there", then="so already"),
    Row(names="CHAT_WRITE_FORBIDDEN", on=("messages.getDialogs",), whose="the method", then="rest"),
    Row(names=f"""
        CHAT_ADMIN_REQUIRED TOPIC_CLOSED TOPIC_DELETED TOPIC_ID_INVALID TOPIC_INVALID {_LOST}""",
        on=("read",), whose="the chat, or the method", then="ask chat"),
    Row(names="""
        BUSINESS_CONNECTION_NOT_ALLOWED CDN_METHOD_INVALID CHAT_NOT_MODIFIED CONNECTION_LAYER_INVALID
        EMOTICON_STICKERPACK_MISSING FOLDER_ID_INVALID FROM_MESSAGE_BOT_DISABLED FROM_PEER_INVALID
        INPUT_FILTER_INVALID INVITE_HASH_EMPTY INVITE_HASH_EXPIRED INVITE_HASH_INVALID MESSAGE_IDS_EMPTY
        MESSAGE_ID_INVALID MSG_ID_INVALID OFFSET_PEER_ID_INVALID PINNED_DIALOGS_TOO_MUCH RANGES_INVALID
        SEARCH_QUERY_EMPTY STARREF_EXPIRED STICKERSET_INVALID TAKEOUT_INVALID USERNAME_INVALID
        USERNAME_NOT_OCCUPIED USER_ID_INVALID""",
        on=("read",), whose="the method", then="rest"),
    # Logging in; connecting.
    Row(names="""
        ACCESS_TOKEN_EXPIRED ACCESS_TOKEN_INVALID AUTH_TOKEN_ALREADY_ACCEPTED AUTH_TOKEN_EXPIRED
        AUTH_TOKEN_INVALID AUTH_TOKEN_INVALIDX BUSINESS_CONNECTION_NOT_ALLOWED EMAIL_INSTALL_MISSING
        PASSWORD_HASH_INVALID PHONE_CODE_EMPTY PHONE_CODE_EXPIRED PHONE_CODE_HASH_EMPTY PHONE_CODE_INVALID
        PHONE_NUMBER_APP_SIGNUP_FORBIDDEN PHONE_NUMBER_BANNED PHONE_NUMBER_FLOOD PHONE_NUMBER_INVALID
        PHONE_NUMBER_UNOCCUPIED PHONE_PASSWORD_FLOOD PHONE_PASSWORD_PROTECTED SEND_CODE_UNAVAILABLE
        SMS_CODE_CREATE_FAILED SRP_ID_INVALID SRP_PASSWORD_CHANGED UPDATE_APP_TO_LOGIN""",
        on=("log in",), whose="who logs in", then="say"),
    Row(names="""
        AUTH_BYTES_INVALID CDN_METHOD_INVALID CHAT_WRITE_FORBIDDEN CONNECTION_APP_VERSION_EMPTY
        CONNECTION_LAYER_INVALID DATA_INVALID DC_ID_INVALID INVITE_HASH_EXPIRED MSG_ID_INVALID
        USERNAME_INVALID USER_ID_INVALID USER_PRIVACY_RESTRICTED""", on=("connect",), whose="the connection",
        then="again"),
    # Undocumented names.
    Row(names="*", on=_SENDS, whose="the message", then="cure", unknown=True),
    Row(names="*", on=("make topic",), whose="the topic", then="cure", unknown=True),
    Row(names="*", on=_MOVES, whose="the file", then="cure", unknown=True),
    Row(names="*", on=_CHANGES, whose="the change", then="give up", unknown=True),
    Row(names="*", on=("read",), whose="the method", then="rest", unknown=True),
    Row(names="*", on=("log in",), whose="who logs in", then="say", unknown=True),
    Row(names="*", on=("connect",), whose="the connection", then="again", unknown=True),
)  # fmt: skip


def purpose(method: str) -> Purpose:
    """Return the purpose of a method."""
    login = method.startswith(("auth.", "account."))
    return METHODS.get(method, "log in" if login else "read")


@lru_cache(maxsize=512)
def row(name: str, method: str) -> Row:
    """Return the row for Telegram's error `name` on `method`."""
    here = (purpose(method), method)
    return next(
        found
        for found in TABLE
        if not (found.on and not set(here) & set(found.on))
        and any(fits(one, name) for one in found.names.split())
    )


def fits(pattern: str, name: str) -> bool:
    """Return whether a name of a row matches this error: `#` stands for a number, `*` for any rest."""
    if not {"#", "*"} & set(pattern):
        return pattern == name
    expression = re.escape(pattern).replace(r"\#", r"\d+").replace(r"\*", ".*")
    # A server may send any text as a name, even several lines.
    return bool(re.fullmatch(expression, name, re.DOTALL))
