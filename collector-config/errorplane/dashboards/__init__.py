"""Dashboards, declared as tables of panels and written as Grafana's JSON."""

from __future__ import annotations

from errorplane.dashboards._grafana import dashboard_json
from errorplane.dashboards._model import Dashboard, Panel, Query, Row
from errorplane.dashboards._service import SERVICE

DASHBOARDS = (SERVICE,)
"""Each is written to `collector-config/dashboards/NAME.json`."""

__all__ = ["DASHBOARDS", "SERVICE", "Dashboard", "Panel", "Query", "Row", "dashboard_json"]
