"""`make chaos`: the daemon killed at every point where it could be, again and again, and both chats compared.

`points` are where a life may end, `weather` is what happens in the source, `campaign` draws the lives,
`verdict` compares, `program` kills real processes. Everything is drawn from one seed.
"""
