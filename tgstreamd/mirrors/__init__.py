"""Decides which mirrors run: `admission` judges them; the other modules create, move and profile them.

The only package that asks Telegram about chats for a running daemon (`chat_lookup`), and the only one that
writes the registry.
"""
