"""Filters and transforms in the configuration: what is refused, named by its path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.test_config import ACCOUNT, HASH, MIRROR, read, refusal
from tgstreamd.cli.prompts.config_file import Answers, render

FILTER = '[[mirror.filter]]\nname = "f"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (FILTER, "@: has no condition, so it would match everything (set"),
        (FILTER + 'kind = "gif"\n', "@.kind is not a key (did you mean kinds?)"),
        (FILTER + 'kinds = ["foto"]\n', '@.kinds: "foto" is not one of "photo",'),
        (
            FILTER + 'action = "keeps"\n',
            '@.action: "keeps" is not one of "drop", "keep" (did you mean "keep"?)',
        ),
        (
            FILTER + 'larger_than = "5 TB"\n',
            '@.larger_than: "5 TB" is not a size (a number of bytes, or text like "500 MB")',
        ),
        (FILTER + "larger_than = -1\n", "@.larger_than: must be at least 0"),
        (FILTER + "regex = '('\n", "@.regex: missing ) at position 1 (Python's"),
        (FILTER + "regex = '(a+)+$'\n", "@.regex: takes longer than 0.25 s"),
        (FILTER + "regex = 'a*'\n", "@.regex: it matches an empty text"),
        (FILTER + 'text = [" "]\n', "@.text: an empty text"),
        (FILTER + 'author = "@"\n', "@.author: nobody is named so"),
        (FILTER + "topic = 0\n", "@.topic: must be at least 1"),
        ('[[mirror.filter]]\nkinds = "gif"\n', "filter 1.name is missing"),
        ((FILTER + 'kinds = "gif"\n') * 2, "@: two filters of this mirror"),
        ("filter = 3\n", "filter: expected a list of tables, found a whole number"),
        ("[mirror.replace]\nold = 3\n", "replace: expected text, found a whole number"),
        ('[mirror.replace]\n" " = "x"\n', "replace: an empty text cannot be replaced"),
        ('[mirror.replace]\na = "x"\nA = "y"\n', 'replace: "a" and "A" are the same'),
        ('header = "{name}"\n', "header: {name} is not known (there are {source}, {"),
        (f'footer = "{"x" * 201}"\n', "footer: longer than 200 characters"),
    ],
)
def test_refusals(tmp_path: Path, text: str, line: str) -> None:
    """`@` stands for the filter."""
    said = refusal(tmp_path, ACCOUNT + MIRROR + text).removeprefix('mirror "main".')
    assert said.replace('filter "f"', "@", 1).startswith(line)


def test_every_key_that_the_template_shows_is_one(tmp_path: Path) -> None:
    """Its commented lines, taken out of their comments, are a configuration."""
    text = render(Answers(api_id=1, api_hash=HASH, source=-1001, target=-1002, history="all"))
    text = re.sub(r"^# (?=(\[\[mirror|[a-z_]+ = ))|^#   (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    left_out = "session|proxy|source_topic|target_topic|directory|filter"
    text = re.sub(rf"^({left_out}) = .*$", "", text, flags=re.MULTILINE)
    # A server of one's own would be all or nothing.
    text = re.sub(r"^(dc_id|address|port|public_key) = .*$", "", text, flags=re.MULTILINE)
    [mirror] = read(tmp_path, text).mirrors
    assert mirror.filter[0].larger_than == 500_000_000
    assert mirror.drop_captions is False
