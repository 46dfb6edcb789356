"""``python -m errorplane.cli``."""

from __future__ import annotations

import sys

from errorplane.cli import main

sys.exit(main())
