"""A dashboard as Grafana's JSON model (Grafana documentation, "Dashboard JSON model"; schema version 39)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from errorplane.dashboards._model import Dashboard, Panel, Row

_SOURCE = {"type": "prometheus", "uid": "${source}"}
_ACROSS, _WIDTH, _HEIGHT = 3, 8, 8  # of 24 columns


def dashboard_json(dashboard: Dashboard) -> str:
    """The file's text, to be imported into Grafana or provisioned; it asks for a Prometheus as its source."""
    model = {
        "uid": f"errorplane-{dashboard.name}",
        "title": dashboard.title,
        "description": dashboard.meaning,
        "tags": ["errorplane"],
        "editable": True,
        "schemaVersion": 39,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [_source(), _services(dashboard.services)]},
        "panels": list(_panels(dashboard.rows)),
    }
    return json.dumps(model, indent=2, ensure_ascii=False) + "\n"


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}


def _services(query: str) -> dict[str, Any]:
    return {
        "name": "service",
        "label": "Service",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": "services"},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for row in rows:
        grid = {"h": 1, "w": _ACROSS * _WIDTH, "x": 0, "y": top}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": grid, "panels": []}
        number, top = number + 1, top + 1
        for place, panel in enumerate(row.panels):
            left, down = place % _ACROSS, place // _ACROSS
            grid = {"h": _HEIGHT, "w": _WIDTH, "x": left * _WIDTH, "y": top + down * _HEIGHT}
            yield {"id": number, "gridPos": grid, **_panel(panel)}
            number += 1
        top += -(-len(row.panels) // _ACROSS) * _HEIGHT


def _panel(panel: Panel) -> dict[str, Any]:
    custom: dict[str, Any] = {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never"}
    if panel.stacked:
        custom["stacking"] = {"mode": "normal"}
    needs = f" Needs {panel.needs}." if panel.needs else ""
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": f"{panel.meaning}{needs}",
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": custom}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
                "range": True,
                "exemplar": panel.unit == "s",
            }
            for place, query in enumerate(panel.queries)
        ],
    }
