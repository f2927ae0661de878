"""For all tests: the log is what the program's is, and the same at the beginning of each.

`tgstreamd.system.log_setup` keeps rich away from structlog, which would draw every traceback with all its
variables, for seconds; the program imports it first, and so do the tests. (Those in a booted guest see the
program from outside, where nobody can import it.)
"""

import gc
import random
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in the order of this seed")


def pytest_configure() -> None:
    """Let the collector come more rarely: by default it takes an eighth of the time."""
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish() -> None:
    """Let it leave alone from now on what stays to the end: modules and tests."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each process of xdist's comes to the same order."""
    if (seed := config.getoption("shuffle")) is not None:
        random.Random(seed).shuffle(items)


try:
    import tgstreamd.system.log_setup  # noqa: F401 - for what its import does
except ModuleNotFoundError:
    pass
else:
    from hypothesis import HealthCheck, settings

    from tests.logged import listening

    # How long an example takes says something about the machine.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")

    @pytest.fixture(autouse=True)
    def logs() -> Iterator[Any]:
        """All that the test's process logs from the beginning (`tests.logged.Logs`)."""
        with listening() as heard:
            yield heard
