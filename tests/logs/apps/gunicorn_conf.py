"""gunicorn's configuration as the guide has it."""

from __future__ import annotations

from errorplane.logs import dict_config

logconfig_dict = dict_config("shop")
