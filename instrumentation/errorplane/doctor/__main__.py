"""``python -m errorplane.doctor``."""

from __future__ import annotations

import sys

from errorplane.doctor import main

if __name__ == "__main__":
    sys.exit(main())
