"""Formats the commands' output: numbers, texts by others, status, tables. Asks no questions."""
