"""What is kept of the walk and of the screens fits together: sizes, names, page, picture."""

from __future__ import annotations

import re

from tests.walk.album import FOLDER, PAGE, SIZES
from tests.walk.picture import PICTURE
from tgstreamd.cli.output.format import fit


def test_both_sizes_show_the_same_steps_and_no_line_is_wider_than_its_screen() -> None:
    steps = []
    for columns, rows in SIZES:
        found = sorted(FOLDER.glob(f"*-{columns}x{rows}.txt"))
        steps.append([path.name.removesuffix(f"-{columns}x{rows}.txt") for path in found])
        for path in found:
            lines = path.read_text().rstrip("\n").split("\n")
            assert len(lines) <= rows, path.name
            assert [line for line in lines if fit(line, columns) != line] == [], path.name
    assert steps[0] == steps[1]
    assert len(steps[0]) > 20


def test_the_page_shows_every_screen() -> None:
    page = PAGE.read_text()
    columns, rows = SIZES[0]
    missing = [
        path.name for path in FOLDER.glob(f"*-{columns}x{rows}.txt") if path.read_text().strip() not in page
    ]
    assert missing == []


def test_the_picture_fetches_nothing() -> None:
    drawn = PICTURE.read_text()
    assert set(re.findall(r"https?://[^\"' <)]+", drawn)) == {"http://www.w3.org/2000/svg"}
    assert "status&#160;--watch" in drawn or "status --watch" in drawn
