"""Reads rows of tokens and prints what the helper of the Python examples thinks of each.

Run in the folder of the examples.
"""

import json
import sys

sys.path.insert(0, ".")
from shared.verify_access_token import verify_access_token


def verdict(row: dict, expected: dict) -> bool:
    try:
        verify_access_token(row["token"], jwks_uri=row["jwksUri"], **expected)
        return True
    except Exception:
        return False


told = json.load(sys.stdin)
print(json.dumps([verdict(row, told["expected"]) for row in told["rows"]]))
