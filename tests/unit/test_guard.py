"""Files with secrets that everyone can read are refused, with the command that mends it; no core dumps."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tgstreamd.domain.errors import ConfigError
from tgstreamd.system.permissions import no_core_dumps, refuse_exposed


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everyone can get to, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="tgstreamd-guard-"))
    made.chmod(0o755)
    if any(not above.stat().st_mode & 0o001 for above in made.parents):
        made.rmdir()
        pytest.skip("the folder for temporary files is closed to others on this machine")
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize(("mode", "what"), [(0o644, "read"), (0o604, "read"), (0o602, "write")])
def test_a_file_for_everyone_is_refused(folder: Path, mode: int, what: str) -> None:
    file = folder / "it's a session"
    file.write_text("secret")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"every user of this machine can {what} it") as refused:
        refuse_exposed([(file, "the login")])
    assert refused.value.exit_status == 78
    assert refused.value.hint.startswith("`chmod o= '")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_one_for_its_owner_and_group_is_fine(folder: Path, mode: int) -> None:
    file = folder / "session"
    file.write_text("secret")
    file.chmod(mode)
    refuse_exposed([(file, "the login"), (folder / "none", "nothing")])


def test_in_a_closed_folder_nobody_gets_to_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    file = closed / "config.toml"
    file.write_text("secret")
    file.chmod(0o644)
    refuse_exposed([(file, "the api_hash")])


def test_there_are_no_core_dumps() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        no_core_dumps()
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
