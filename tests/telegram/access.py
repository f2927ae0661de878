"""Which methods need no login, which ones bots may not call, and what frozen or limited accounts get.

Tables and one check; the sources are telegram-facts.md, sections 5.3 and 7. Who may write in which chat is
the chats' matter.
"""

from __future__ import annotations

from .dispatch import RpcError
from .world.peers import Account

#: Answered on a key that nobody is logged in with.
OPEN_METHODS = frozenset(
    {
        "auth.sendCode", "auth.resendCode", "auth.cancelCode", "auth.signIn", "auth.signUp",
        "auth.checkPassword",
        "auth.exportLoginToken", "auth.importLoginToken", "auth.importBotAuthorization",
        "auth.importAuthorization", "auth.logOut", "account.getPassword", "help.getConfig",
        "help.getNearestDc", "help.getAppConfig", "help.getCdnConfig", "langpack.getLangPack",
        "langpack.getStrings", "langpack.getDifference",
    }
)  # fmt: skip

#: BOT_METHOD_INVALID for bots.
USER_ONLY = frozenset(
    {
        "messages.getHistory", "messages.search", "messages.getReplies", "messages.getDialogs",
        "messages.getForumTopics", "messages.getPollResults", "messages.sendVote",
        "messages.getPeerDialogs", "messages.checkChatInvite", "messages.importChatInvite",
        "channels.joinChannel", "channels.createChannel", "channels.toggleForum", "channels.getAdminLog",
        "messages.getScheduledHistory", "messages.getScheduledMessages", "messages.getWebPagePreview",
        "messages.migrateChat", "messages.updatePinnedForumTopic",
        "messages.reorderPinnedForumTopics", "upload.getCdnFile",
        "help.getAppConfig", "account.getPassword", "auth.exportLoginToken", "auth.acceptLoginToken",
    }
)  # fmt: skip

#: Calls by which something is sent: refused to spam-limited accounts (PEER_FLOOD).
SENDING = frozenset(
    {
        "messages.sendMessage", "messages.sendMedia", "messages.sendMultiMedia", "messages.forwardMessages",
    }
)  # fmt: skip

#: Refused to frozen accounts (FROZEN_METHOD_INVALID): whatever writes.
FROZEN = SENDING | {
    "messages.editMessage", "messages.deleteMessages", "channels.deleteMessages",
    "messages.updatePinnedMessage", "messages.createForumTopic", "messages.editForumTopic",
    "messages.updatePinnedForumTopic", "messages.reorderPinnedForumTopics",
    "messages.deleteTopicHistory", "messages.uploadMedia", "messages.importChatInvite",
    "channels.joinChannel", "channels.createChannel", "channels.leaveChannel", "upload.saveFilePart",
    "upload.saveBigFilePart",
}  # fmt: skip


def check_account(account: Account, method: str) -> None:
    """Raise what Telegram answers to this kind of account."""
    if account.deactivated:
        raise RpcError(401, "USER_DEACTIVATED")
    if account.bot and method in USER_ONLY:
        raise RpcError(400, "BOT_METHOD_INVALID")
    if account.frozen and method in FROZEN:
        raise RpcError(420, "FROZEN_METHOD_INVALID")
    if account.spam_limited and method in SENDING:
        raise RpcError(400, "PEER_FLOOD")
