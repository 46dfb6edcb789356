"""``python -m errorplane.policy schema|reference|default`` prints what is generated from the models."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from errorplane.policy import default_policy, json_schema
from errorplane.policy._reference import reference

PRINTED: dict[str, Callable[[], str]] = {
    "schema": lambda: json.dumps(json_schema(), indent=2) + "\n",
    "reference": reference,
    "default": default_policy,
}


def main(arguments: Sequence[str]) -> int:
    """Print what ``arguments`` names; 2 when it names nothing."""
    if len(arguments) != 1 or arguments[0] not in PRINTED:
        sys.stderr.write(f"usage: python -m errorplane.policy {'|'.join(PRINTED)}\n")
        return 2
    sys.stdout.write(PRINTED[arguments[0]]())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
