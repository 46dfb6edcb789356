"""``python -m errorplane.demo._shop SERVICE SETTINGS``: run one service until TERM."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from errorplane.demo._shop._shop import Shop, leave_on_term

name, settings = sys.argv[1:]
leave_on_term()
importlib.import_module(f"errorplane.demo._shop._{name.replace('-', '_')}").run(Shop.open(name, Path(settings)))
