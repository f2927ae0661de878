"""Transfers media from source to target: running transfers and the bounded pipe through which their parts
pass."""
