"""Which mirrors run: `admitting` judges them; `birth`, `moves` and `looks` do what a judgement leads to.

The only room that asks Telegram about chats for a running daemon (`asking`), and the only one that writes
the roster.
"""
