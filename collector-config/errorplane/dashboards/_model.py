"""What a dashboard is made of."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Query(NamedTuple):
    """One PromQL expression, in which `$service` stands for the services that are chosen and `$__rate_interval` for the
    time over which to take rates, and how its series are called (`{{label}}` for a label's value)."""

    expression: str
    legend: str


class Panel(NamedTuple):
    """Some queries in one picture. `unit` is Grafana's name of a unit; `needs` says what has to be switched on for it."""

    title: str
    unit: Literal["reqps", "percentunit", "s", "ops", "short", "bytes", "cps"]
    queries: tuple[Query, ...]
    meaning: str
    needs: str = ""
    stacked: bool = False


class Row(NamedTuple):
    """Panels under one heading, three beside each other."""

    title: str
    panels: tuple[Panel, ...]


class Dashboard(NamedTuple):
    """A page. `name` is that of its file and its id in Grafana; `services` is the query for the list of services."""

    name: str
    title: str
    meaning: str
    services: str
    rows: tuple[Row, ...]
