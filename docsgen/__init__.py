"""Generates documentation from the code and from the running program."""
