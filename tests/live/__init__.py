"""`make live`: the real daemon against Telegram itself, for whoever has a network and an api_id.

May be run against strangers' servers: it makes its own chats, posts into nothing else, deletes them at the
end, and its report holds no secret and nobody's data.
"""
