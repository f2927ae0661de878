"""`make release`: one commit and one tag, on a clean tree, and what the forge attaches to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHANGES = "# Changelog\n\n## Unreleased\n\n### Fixed\n\n* A thing.\n\n## 0.1.0 (2026-01-02)\n\n* First.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that has what a release changes, and the script."""
    for name in ("packaging/release", "packaging/debian/changelog", "tgstreamd/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
        (tmp_path / name).chmod((ROOT / name).stat().st_mode)
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "Somebody")
    git(tmp_path, "config", "user.email", "somebody@example.org")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "all: begin")
    return tmp_path


def git(where: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", where, *arguments], capture_output=True, text=True, check=True).stdout


def release(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [where / "packaging" / "release", *arguments], capture_output=True, text=True, check=False
    )


def test_a_release_is_one_commit_and_one_tag(checkout: Path) -> None:
    done = release(checkout, "0.2.0")
    assert done.returncode == 0, done.stderr
    assert git(checkout, "log", "-1", "--format=%s").strip() == "release: 0.2.0"
    assert git(checkout, "rev-parse", "v0.2.0^{commit}") == git(checkout, "rev-parse", "HEAD")
    assert git(checkout, "status", "--porcelain") == ""
    assert '__version__ = "0.2.0"' in (checkout / "tgstreamd" / "__init__.py").read_text()
    assert (checkout / "packaging" / "debian" / "changelog").read_text().startswith("tgstreamd (0.2.0) ")
    changes = (checkout / "CHANGELOG.md").read_text()
    assert (
        changes.index("## Unreleased\n\n## 0.2.0 (20")
        < changes.index("* A thing.")
        < changes.index("## 0.1.0")
    )
    assert release(checkout, "--notes", "0.2.0").stdout.strip() == "### Fixed\n\n* A thing."
    assert "git push origin HEAD v0.2.0" in done.stdout


@pytest.mark.parametrize("version", ["", "1", "1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", "1.2.3; id"])
def test_what_is_no_version_is_refused(checkout: Path, version: str) -> None:
    done = release(checkout, version)
    assert (done.returncode, done.stdout) == (1, "")
    assert "VERSION=1.2.3" in done.stderr


@pytest.mark.parametrize("name", ["CHANGELOG.md", "untracked"])
def test_a_dirty_tree_is_refused(checkout: Path, name: str) -> None:
    with (checkout / name).open("a") as file:
        file.write("more\n")
    before = git(checkout, "rev-parse", "HEAD")
    done = release(checkout, "0.2.0")
    assert done.returncode == 1
    assert "git status" in done.stderr
    assert git(checkout, "rev-parse", "HEAD") == before
    assert git(checkout, "tag") == ""


@pytest.mark.parametrize(("version", "reason"), [("0.2.0", "there already"), ("0.1.9", "older than 0.2.0")])
def test_a_version_comes_once_and_in_order(checkout: Path, version: str, reason: str) -> None:
    git(checkout, "tag", "v0.2.0")
    done = release(checkout, version)
    assert done.returncode == 1
    assert reason in done.stderr


def test_a_release_of_nothing_is_refused(checkout: Path) -> None:
    assert release(checkout, "0.2.0").returncode == 0
    done = release(checkout, "0.3.0")
    assert done.returncode == 1
    assert "nothing under" in done.stderr
    assert git(checkout, "status", "--porcelain") == ""


def test_workflows_have_no_action_of_others() -> None:
    """Only `run:` steps: git, make and the forge's own command."""
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = workflow.read_text()
        assert "uses:" not in text, workflow.name
        assert "docker push" not in text, workflow.name
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
