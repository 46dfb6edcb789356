"""Policies of the Collector's tail_sampling, by its README, beside what says the same in ``errorplane.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Theirs = Mapping[str, Any]
Ours = Mapping[str, Any]


def _policy(kind: str, name: str = "", **settings: Any) -> dict[str, Any]:
    return {"name": name or kind, "type": kind, kind: settings}


def _one(kind: str, **settings: Any) -> Theirs:
    return {"policies": [_policy(kind, **settings)]}


def _rule(**when: Any) -> Ours:
    return {"rules": [{"name": "it", "when": when}]}


_STATUS_5XX = _policy("numeric_attribute", key="http.response.status_code", min_value=500, max_value=599)
_SLOW = _policy("latency", threshold_ms=400)
_FROM_400_MS = "399.999999ms"  # its threshold is reached by what takes just as long; over means more
_ACME = _policy("string_attribute", key="tenant", values=["acme"])
_ERROR = _policy("status_code", status_codes=["ERROR"])

DETERMINISTIC: Mapping[str, tuple[Theirs, Ours]] = {
    "always": ({"policies": [{"name": "a", "type": "always_sample"}]}, _rule()),
    "latency": (_one("latency", threshold_ms=400), _rule(duration_over=_FROM_400_MS)),
    # It looks at whole milliseconds: above 100 means from 101, up to 400 means less than 401.
    "latency-band": (
        _one("latency", threshold_ms=100, upper_threshold_ms=400),
        _rule(duration_over="100.999999ms", duration_under="401ms"),
    ),
    "number": (
        {"policies": [_STATUS_5XX]},
        _rule(attributes={"http.response.status_code": {"min": 500, "max": 599}}),
    ),
    "number-least": (
        _one("numeric_attribute", key="http.response.status_code", min_value=500),
        _rule(attributes={"http.response.status_code": {"min": 500}}),
    ),
    "number-of-resource": (
        _one("numeric_attribute", key="host.cores", min_value=16),
        _rule(attributes={"host.cores": {"min": 16}}),
    ),
    "text": (
        _one("string_attribute", key="tenant", values=["acme", "globex"]),
        _rule(attributes={"tenant": {"values": ["acme", "globex"]}}),
    ),
    "text-of-resource": (
        _one("string_attribute", key="k8s.cluster.name", values=["staging"]),
        _rule(attributes={"k8s.cluster.name": {"values": "staging"}}),
    ),
    "regex": (
        _one(
            "string_attribute",
            key="url.path",
            values=["^/checkout/", r"\.json$"],
            enabled_regex_matching=True,
            cache_max_size=10,
        ),
        _rule(attributes={"url.path": {"regex": ["^/checkout/", r"\.json$"]}}),
    ),
    "true": (_one("boolean_attribute", key="user.vip", value=True), _rule(attributes={"user.vip": {"is": True}})),
    "false": (_one("boolean_attribute", key="user.vip", value=False), _rule(attributes={"user.vip": {"is": False}})),
    "true-of-resource": (
        _one("boolean_attribute", key="tenant.shared", value=True),
        _rule(attributes={"tenant.shared": {"is": True}}),
    ),
    "error": ({"policies": [_ERROR]}, _rule(span_status="error")),
    "ok": (_one("status_code", status_codes=["OK"]), _rule(span_status="ok")),
    "ok-or-error": (_one("status_code", status_codes=["OK", "ERROR"]), _rule(span_status=["ok", "error"])),
    "unset": (_one("status_code", status_codes=["UNSET"]), _rule(span_status="unset")),
    "trace-state": (
        _one("trace_state", key="vendor", values=["gold", "silver"]),
        _rule(trace_state={"vendor": ["gold", "silver"]}),
    ),
    "trace-flags": ({"policies": [{"name": "a", "type": "trace_flags"}]}, _rule(sampled_flag=True)),
    "spans": (_one("span_count", min_spans=5, max_spans=12), _rule(spans={"min": 5, "max": 12})),
    "spans-least": (_one("span_count", min_spans=9), _rule(spans={"min": 9})),
    "and": (
        _one("and", and_sub_policy=[_STATUS_5XX, _SLOW, _policy("span_count", min_spans=4)]),
        _rule(
            attributes={"http.response.status_code": {"min": 500, "max": 599}},
            duration_over=_FROM_400_MS,
            spans={"min": 4},
        ),
    ),
    "and-of-attributes": (
        _one("and", and_sub_policy=[_ACME, _STATUS_5XX]),
        _rule(attributes={"tenant": {"values": "acme"}, "http.response.status_code": {"min": 500, "max": 599}}),
    ),
    "not": (_one("not", not_sub_policy=_ACME), _rule(**{"not": {"attributes": {"tenant": {"values": "acme"}}}})),
    "inverted": (
        _one("string_attribute", key="tenant", values=["acme"], invert_match=True),
        _rule(**{"not": {"attributes": {"tenant": {"values": "acme"}}}}),
    ),
    "any": (
        {"policies": [_ERROR, _SLOW, _ACME]},
        {
            "match": "all",
            "rules": [
                {"name": "error", "when": {"span_status": "error"}},
                {"name": "slow", "when": {"duration_over": _FROM_400_MS}},
                {"name": "acme", "when": {"attributes": {"tenant": {"values": "acme"}}}},
            ],
        },
    ),
    "any-of": (
        {"policies": [_policy("and", name="one", and_sub_policy=[_ERROR, _SLOW]), _ACME]},
        _rule(
            any_of=[
                {"span_status": "error", "duration_over": _FROM_400_MS},
                {"attributes": {"tenant": {"values": "acme"}}},
            ]
        ),
    ),
    "first-match": (
        {"sample_on_first_match": True, "policies": [_ERROR, _SLOW]},
        {
            "rules": [
                {"name": "error", "when": {"span_status": "error"}},
                {"name": "slow", "when": {"duration_over": _FROM_400_MS}},
            ]
        },
    ),
    "drop": (
        {"policies": [_ERROR, _SLOW, _policy("drop", drop_sub_policy=[_ACME, _policy("span_count", min_spans=3)])]},
        {
            "match": "all",
            "rules": [
                {"name": "error", "when": {"span_status": "error"}},
                {"name": "slow", "when": {"duration_over": _FROM_400_MS}},
                {
                    "name": "acme",
                    "when": {"attributes": {"tenant": {"values": "acme"}}, "spans": {"min": 3}},
                    "action": "drop",
                },
            ],
        },
    ),
    "composite": (
        {
            "policies": [
                {
                    "name": "c",
                    "type": "composite",
                    "composite": {
                        "max_total_spans_per_second": 10_000_000,
                        "policy_order": ["status_code", "latency"],
                        "composite_sub_policy": [_ERROR, _SLOW],
                        "rate_allocation": [
                            {"policy": "status_code", "percent": 50},
                            {"policy": "latency", "percent": 50},
                        ],
                    },
                }
            ]
        },
        {
            "totals": {"all": {"spans_per_second": 10_000_000}},
            "rules": [
                {"name": "error", "when": {"span_status": "error"}, "share_of": "all"},
                {"name": "slow", "when": {"duration_over": _FROM_400_MS}, "share_of": "all"},
            ],
        },
    ),
}
"""Of these the same traces must be kept."""

BY_RATE: Mapping[str, tuple[Theirs, Ours]] = {
    "probabilistic": (
        _one("probabilistic", sampling_percentage=25),
        {"rules": [{"name": "some", "keep": 0.25}]},
    ),
    "spans-per-second": (
        _one("rate_limiting", spans_per_second=300),
        {"rules": [{"name": "some", "spans_per_second": 300}]},
    ),
    "bytes-per-second": (
        _one("bytes_limiting", bytes_per_second=60_000),
        {"rules": [{"name": "some", "bytes_per_second": "60kB"}]},
    ),
    "shares": (
        {
            "policies": [
                {
                    "name": "c",
                    "type": "composite",
                    "composite": {
                        "max_total_spans_per_second": 400,
                        "policy_order": ["span_count", "always_sample"],
                        "composite_sub_policy": [
                            _policy("span_count", min_spans=8),
                            {"name": "always_sample", "type": "always_sample"},
                        ],
                        "rate_allocation": [
                            {"policy": "span_count", "percent": 75},
                            {"policy": "always_sample", "percent": 25},
                        ],
                    },
                }
            ]
        },
        {
            "totals": {"all": {"spans_per_second": 400}},
            "rules": [
                {"name": "large", "when": {"spans": {"min": 8}}, "share_of": "all", "share": 0.75},
                {"name": "small", "share_of": "all", "share": 0.25},
            ],
        },
    ),
}
"""Of these as many spans must be kept a second, within bounds."""
