"""One error trace, drawn as a tree of spans with what the pipeline says about each failure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from errorplane.demo._examples import MASK, excerpt, short_type
from errorplane.demo._explain import term
from errorplane.demo._output import Log, Output, Span
from errorplane.demo._verify import Verified
from errorplane.errors import EXCEPTION_TYPE, SAMPLING_RULE, Category, ErrorFact
from errorplane.policy import Policy

_INDENT = 4
_SHORTEST = 24
_MASKED_SHOWN = 2
# The same text as exception.message, only longer.
_REPEATED = frozenset({"exception.stacktrace"})
# Spans that the ASGI instrumentation makes for each message of a request.
_FRAMEWORK = (" http receive", " http send")


def sample_tree(verified: Verified, outputs: Mapping[str, Output], policy: Policy, width: int) -> Tree | None:
    """The kept trace that most services raised errors in, preferably with its cause, for ``width`` columns.

    None if no trace was kept.
    """
    chosen = _choose(verified)
    spans = {span.span_id: span for output in outputs.values() for span in output.spans if span.trace_id == chosen}
    if chosen is None or not spans:
        return None
    root = min(spans.values(), key=lambda span: span.start_ns)
    places = ", ".join(name for name, output in outputs.items() if any(s.trace_id == chosen for s in output.spans))
    rule = root.attributes.get(SAMPLING_RULE, "?")
    tree = Tree(
        f"trace {chosen}\nkept by the rule {rule}; {term([root.retention_class], policy)}; in {places}",
        guide_style="dim",
    )
    facts = {fact.span_id: fact for output in outputs.values() for fact in output.facts if fact.trace_id == chosen}
    logs = {
        (log.span_id, log.body): log for output in outputs.values() for log in output.logs if log.trace_id == chosen
    }
    _Drawing(spans, facts, logs.values()).grow(tree, "", width)
    return tree


def _choose(verified: Verified) -> str | None:
    services: defaultdict[str, set[str]] = defaultdict(set)
    explained: set[str] = set()
    for outcome in verified.outcomes:
        trace, fact = outcome.raised.trace_id, outcome.fact
        if trace and outcome.kept:
            services[trace].add(outcome.raised.service)
            if fact is not None and fact.category is not Category.CASCADING:
                explained.add(trace)
    return max(sorted(services), key=lambda trace: (len(services[trace]), trace in explained), default=None)


class _Drawing:
    """The spans of one trace; ``facts`` are its error facts by the id of their span."""

    def __init__(self, spans: Mapping[str, Span], facts: Mapping[str | None, ErrorFact], logs: Iterable[Log]) -> None:
        self._facts = facts
        self._children: defaultdict[str, list[Span]] = defaultdict(list)
        for span in sorted(spans.values(), key=lambda span: span.start_ns):
            self._children[span.parent_id if span.parent_id in spans else ""].append(span)
        self._logs: defaultdict[str, list[Log]] = defaultdict(list)
        for log in logs:
            self._logs[log.span_id].append(log)
        causes = [fact for fact in facts.values() if fact.category is not Category.CASCADING]
        # An exception tells more than a status; a service that only answered 500 may still be where it began.
        self._origin = min(causes, key=lambda fact: (not _raised(fact), fact.time_unix_nano), default=None)

    def grow(self, tree: Tree, parent: str, width: int) -> None:
        """Add the spans below ``parent``, each with its masked texts and its log records."""
        left_out = 0
        inside = width - 2 * _INDENT
        for span in self._children.get(parent, ()):
            if span.name.endswith(_FRAMEWORK) and span.span_id not in self._children:
                left_out += 1
                continue
            branch = tree.add(self._label(span))
            for name, text in _masked(span):
                branch.add(_leaf(name, text, inside))
            for log in self._logs[span.span_id]:
                branch.add(_leaf(f"log {log.severity}", log.body, inside))
            self.grow(branch, span.span_id, width - _INDENT)
        if left_out:
            tree.add(f"[dim]({left_out} spans of the web framework)[/]")

    def _label(self, span: Span) -> str:
        took = (span.end_ns - span.start_ns) / 1e6
        label = f"[bold]{escape(span.service)}[/]  {escape(span.name)}  [dim]{took:.0f} ms[/]"
        fact = self._facts.get(span.span_id)
        if fact is None or not _raised(fact):
            kinds = [event.attributes[EXCEPTION_TYPE] for event in span.events if EXCEPTION_TYPE in event.attributes]
            failed = f"  [red]{escape(short_type(str(kinds[-1])))}[/]" if kinds else "  [red]failed[/]"
            return label + failed if span.failed or kinds else label
        error = f"[red]{escape(short_type(fact.type))}[/]  {fact.severity} {fact.category}"
        here = "  [bold red]<- it began here[/]" if fact is self._origin else ""
        return f"{label}  {error}{here}"


def _raised(fact: ErrorFact) -> bool:
    """Whether it tells of an exception, not only of a status code."""
    return not fact.type.isdecimal() and fact.type != "_OTHER"


def _masked(span: Span) -> list[tuple[str, str]]:
    """A few of the texts in which something was masked, with their names; no text that only repeats another."""
    places = [(name, value) for event in span.events for name, value in event.attributes.items()]
    places += [*span.attributes.items(), ("status", span.status_text), ("name", span.name)]
    found: list[tuple[str, str]] = []
    for name, value in places:
        for text in _texts(value):
            known = any(one in text for _, one in found)
            if name not in _REPEATED and MASK.search(text) and not known:
                found.append((name, text))
    return found[:_MASKED_SHOWN]


def _leaf(name: str, text: str, width: int) -> str:
    shown = escape(excerpt(text, max(_SHORTEST, width - len(name) - len(": "))))
    return f"[dim]{escape(name)}: {MASK.sub(lambda mask: f'[/][cyan]{mask[0]}[/][dim]', shown)}[/]"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element)
    elif isinstance(value, dict):
        for element in value.values():
            yield from _texts(element)
