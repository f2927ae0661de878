"""Measures the lower bound: the cryptography of one relayed gigabyte alone, with cryptg and hashlib.

Each part needs one decryption, one encryption and two SHA-256, as in any client of MTProto 2.0. Runs as a
process on the contenders' core; prints processor seconds per GB as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from hashlib import sha256

import cryptg

PART = 512 * 1024 + 64


def floor(parts: int) -> dict[str, float]:
    """Return processor seconds per GB (10^9 bytes), in total and by operation."""
    data, key, iv = os.urandom(PART), os.urandom(32), os.urandom(32)
    spent = {"decrypt": 0.0, "encrypt": 0.0, "sha256": 0.0}
    for _ in range(parts):
        start = time.process_time()
        plain = cryptg.decrypt_ige(data, key, iv)
        then = time.process_time()
        sha256(plain).digest()
        sha256(plain).digest()
        later = time.process_time()
        cryptg.encrypt_ige(plain, key, iv)
        end = time.process_time()
        spent["decrypt"] += then - start
        spent["sha256"] += later - then
        spent["encrypt"] += end - later
    gigabytes = parts * PART / 1e9
    found = {name: seconds / gigabytes for name, seconds in spent.items()}
    return {"cpu_per_gb": sum(found.values()), **found}


if __name__ == "__main__":
    print(json.dumps(floor(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
