"""Generates documentation: `python -m docsgen write` writes the files; `build` builds and checks the site."""

from __future__ import annotations

import argparse
import sys

from . import pages, site


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m docsgen", description=__doc__)
    parser.add_argument("what", choices=("write", "build"))
    arguments = parser.parse_args()
    if arguments.what == "build":
        return site.build()
    for path, made in pages.GENERATED.items():
        text = made()
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(site.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
