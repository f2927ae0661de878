"""The network between the real program and the local Telegram, and everything that can go wrong with it.

`relay` is a process between the two that a test commands; with `cable` (root only) real packets pass it, and
are really lost. `place` starts all three and looks at them from outside.
"""
