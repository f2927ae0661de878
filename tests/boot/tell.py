"""Inside the guest: gives the local Telegram one command, and prints its answer.

`tell.py PORT '{"do": "ping"}'`. Needs nothing but the standard library, so it is quick.
"""

from __future__ import annotations

import json
import socket
import sys


def main() -> int:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120) as line:
        line.sendall(sys.argv[2].encode() + b"\n")
        with line.makefile() as answers:
            answer = json.loads(answers.readline())
    print(json.dumps(answer["result"] if answer["ok"] else answer["error"]))
    return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
