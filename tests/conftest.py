"""For all tests: the log is what the program's is.

`tgstreamd.logs` keeps rich away from structlog, which would draw every traceback with all its variables, for
seconds; the program imports it first, and so do the tests. (Those in a booted guest see the program from
outside, where nobody can import it.)
"""

import contextlib

with contextlib.suppress(ModuleNotFoundError):
    import tgstreamd.logs  # noqa: F401 - for what its import does
