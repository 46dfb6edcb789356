"""Put together what one resource and one scope have sent: balancers and batching Collectors write them again and again.

The Collector's load balancing exporter makes a resource group for each trace, its batching makes one for each request
that it joins: a request of 1,000 spans then has hundreds of groups of the same few resources. Everything that is done
group by group would cost as much as what is done span by span, so they are joined before anything else is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.otlp._wire import Layout, Range, ScopeGroup, delimited

_RESOURCE_GROUP, _SCOPE_GROUP = b"\x0a", b"\x12"  # tags, see the module ``_wire``
_FEW = 8  # resource groups that are not worth a look


def together(body: bytes, layout: Layout) -> bytes | None:
    """A request of the same items in which equal resource groups are one, and equal scope groups in them are one.

    ``layout`` is that of ``body``. Groups are equal if all that they hold besides scope groups or items is, byte for
    byte. They keep the order in which they first appear, and items that of their group; groups without items are left
    out. None if not even half of the scope groups would go.
    """
    if len(layout.resources) < _FEW:
        return None
    resources = [_joined(body, group.rest) for group in layout.resources]
    merged: dict[bytes, dict[bytes, list[bytes]]] = {}
    for scope in layout.scopes:
        if scope.first < scope.last:
            scopes = merged.setdefault(resources[scope.resource], {})
            scopes.setdefault(_joined(body, scope.rest), []).extend(_items(body, scope))
    if sum(map(len, merged.values())) * 2 > len(layout.scopes):
        return None
    out = []
    for resource, scopes in merged.items():
        groups = (_SCOPE_GROUP + delimited(b"".join((own, *items))) for own, items in scopes.items())
        out.append(_RESOURCE_GROUP + delimited(b"".join((resource, *groups))))
    return b"".join((*out, _joined(body, layout.rest)))


def _joined(body: bytes, ranges: Iterable[Range]) -> bytes:
    return b"".join([body[start:end] for start, end in ranges])


def _items(body: bytes, scope: ScopeGroup) -> Iterator[bytes]:
    """The items with their tags and lengths: all of the group but its other fields, mostly in one piece."""
    at = scope.start
    for start, end in (*scope.rest, (scope.end, scope.end)):
        if at < start:
            yield body[at:start]
        at = end
