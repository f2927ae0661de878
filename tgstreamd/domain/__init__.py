"""The values, errors, ports and clock that every package may import."""
