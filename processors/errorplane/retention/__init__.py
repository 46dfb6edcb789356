"""Retention: which class data belongs to, and the tags that say so."""

from __future__ import annotations

from errorplane.retention._classes import Assign, AssignByData, RetentionClass, compile_data_rules, compile_retention
from errorplane.retention._tags import ITEM_ATTRIBUTES, RESOURCE_ATTRIBUTES, TagValue, encode_tag, encode_tags

__all__ = [
    "ITEM_ATTRIBUTES",
    "RESOURCE_ATTRIBUTES",
    "Assign",
    "AssignByData",
    "RetentionClass",
    "TagValue",
    "compile_data_rules",
    "compile_retention",
    "encode_tag",
    "encode_tags",
]
