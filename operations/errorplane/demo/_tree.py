"""One error trace, drawn as a tree of spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from errorplane.demo._examples import MASK, excerpt, short_type
from errorplane.demo._output import Output, Span
from errorplane.demo._verify import Verified
from errorplane.errors import ERROR_FINGERPRINT, EXCEPTION_TYPE, SAMPLING_RULE

_TEXT = 56
_MASKED_SHOWN = 3
# The same text as exception.message, only longer.
_REPEATED = frozenset({"exception.stacktrace"})


def sample_tree(verified: Verified, outputs: Mapping[str, Output]) -> Tree | None:
    """The kept trace that most services raised errors in; None if no trace was kept."""
    chosen = _choose(verified)
    if chosen is None:
        return None
    spans = {span.span_id: span for output in outputs.values() for span in output.spans if span.trace_id == chosen}
    if not spans:
        return None
    children: defaultdict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans.values(), key=lambda span: span.start_ns):
        children[span.parent_id if span.parent_id in spans else ""].append(span)
    first = next(iter(spans.values()))
    rule = first.attributes.get(SAMPLING_RULE, "?")
    tree = Tree(f"trace {chosen}, kept by rule {rule}, class {first.retention_class}")
    _grow(tree, children, "")
    return tree


def _choose(verified: Verified) -> str | None:
    services: defaultdict[str, set[str]] = defaultdict(set)
    for outcome in verified.outcomes:
        if outcome.raised.trace_id and outcome.kept:
            services[outcome.raised.trace_id].add(outcome.raised.service)
    return max(sorted(services), key=lambda trace: len(services[trace]), default=None)


def _grow(tree: Tree, children: Mapping[str, list[Span]], parent: str) -> None:
    for span in children.get(parent, ()):
        branch = tree.add(_label(span))
        for text in _masked(span):
            branch.add(f"[dim]{escape(text)}[/]")
        _grow(branch, children, span.span_id)


def _label(span: Span) -> str:
    took = (span.end_ns - span.start_ns) / 1e6
    label = f"[bold]{escape(span.service)}[/] {escape(span.name)} [dim]{took:.0f} ms[/]"
    exceptions = [event for event in span.events if EXCEPTION_TYPE in event.attributes]
    if exceptions:
        kind = short_type(str(exceptions[-1].attributes[EXCEPTION_TYPE]))
        fingerprint = span.attributes.get(ERROR_FINGERPRINT, exceptions[-1].attributes.get(ERROR_FINGERPRINT, ""))
        return f"{label} [red]! {escape(kind)}[/] [dim]{fingerprint}[/]"
    return f"{label} [red]! failed[/]" if span.failed else label


def _masked(span: Span) -> list[str]:
    """A few of the texts in which something was masked."""
    places = [("name", span.name), ("status", span.status_text), *span.attributes.items()]
    places += [(f"{event.name} {name}", value) for event in span.events for name, value in event.attributes.items()]
    found = [
        f"{name}: {excerpt(text, _TEXT)}"
        for name, value in places
        if name.rpartition(" ")[2] not in _REPEATED
        for text in _texts(value)
        if MASK.search(text)
    ]
    return found[:_MASKED_SHOWN]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element)
    elif isinstance(value, dict):
        for element in value.values():
            yield from _texts(element)
