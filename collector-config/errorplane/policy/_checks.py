"""What must hold between the parts of a policy: mistakes, and what is allowed but doubtful.

A check yields remarks about a policy whose sections are valid by themselves. Where sections are not, the remarks
about the others still count: a remark names what it rests on, and is left out when that could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from errorplane.policy._delivery import ClientTls
from errorplane.policy._network import is_loopback, split_address
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Level
from errorplane.policy._problems import Path as Keys
from errorplane.policy._when import When


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about what stands at ``path``, or about its last key (``about_key``).

    It holds only if nothing is wrong at or below ``path`` and each of ``rests_on``, and if the keys of ``defined`` are
    known.
    """

    path: Keys
    message: str
    level: Level = "error"
    allowed: tuple[str, ...] = ()
    rests_on: tuple[Keys, ...] = ()
    defined: Keys | None = None
    about_key: bool = False


Check = Callable[[Policy], Iterator[Remark]]


def _listening(policy: Policy) -> Iterator[Remark]:
    listen = policy.listen
    safety = (("listen", "tls"), ("listen", "plaintext"))
    for name, address in (("grpc", listen.grpc), ("http", listen.http), ("admin", listen.admin)):
        if address is None or listen.plaintext or is_loopback(split_address(address)[0]):
            continue
        if name == "admin":
            yield Remark(
                ("listen", name),
                "other machines can reach this address, which never uses TLS: set listen.plaintext to true, or listen "
                "on 127.0.0.1",
                rests_on=safety,
            )
        elif listen.tls is None:
            yield Remark(
                ("listen", name),
                "other machines can reach this address without TLS: set listen.tls, or listen.plaintext to true, or "
                "listen on 127.0.0.1",
                rests_on=safety,
            )
    if listen.grpc is None and listen.http is None:
        yield Remark(("listen", "http"), "grpc and http are both switched off: nothing could be received")


def _addresses_differ(policy: Policy) -> Iterator[Remark]:
    seen: dict[tuple[str, int], str] = {}
    listen = policy.listen
    for name, address in (("grpc", listen.grpc), ("http", listen.http), ("admin", listen.admin)):
        if address is None or split_address(address)[1] == 0:
            continue
        other = seen.setdefault(split_address(address), name)
        if other != name:
            yield Remark(("listen", name), f"has the same address as listen.{other}", rests_on=(("listen", other),))


def _names_differ(policy: Policy) -> Iterator[Remark]:
    seen: dict[str, int] = {}
    for number, rule in enumerate(policy.sampling.rules):
        path: Keys = ("sampling", "rules", number, "name")
        first = seen.setdefault(rule.name, number)
        if first != number:
            yield Remark(path, f"is the name of sampling.rules[{first}] already")
        if rule.name == "no_rule":
            yield Remark(path, "no_rule is the reason for what no rule matches: take another name")


def _severity_is_not_circular(policy: Policy) -> Iterator[Remark]:
    for number, rule in enumerate(policy.severity.rules):
        if rule.when.severity is not None:
            yield Remark(
                ("severity", "rules", number, "when", "severity"), "cannot stand in the rules that decide the severity"
            )
        if rule.when.data_class is not None:
            yield Remark(
                ("severity", "rules", number, "when", "data_class"),
                "cannot stand in severity rules: what was hidden in an error says nothing about how bad it is",
            )


def _services(policy: Policy) -> Iterator[Remark]:
    for name, service in policy.services.items():
        for number, other in enumerate(service.depends_on):
            path: Keys = ("services", name, "depends_on", number)
            if other == name:
                yield Remark(path, "is the service itself")
            elif other not in policy.services:
                yield Remark(
                    path,
                    "is not described under services, so nobody owns it",
                    "warning",
                    tuple(known for known in policy.services if known != name),
                    (("services", other),),
                )


def _files(policy: Policy) -> Iterator[Remark]:
    seen: dict[str, str] = {}
    for name, destination in policy.destinations.items():
        if destination.file is None:
            continue
        path: Keys = ("destinations", name, "file", "path")
        if destination.file.encrypt and not destination.file.is_folder:
            yield Remark(
                ("destinations", name, "file", "encrypt"),
                "only folders are encrypted: end the path with a slash",
                rests_on=(path,),
            )
        if destination.file.location == policy.journal.path:
            yield Remark(path, "is the folder of the journal", rests_on=(("journal", "path"),))
        other = seen.setdefault(str(destination.file.location), name)
        if other != name:
            yield Remark(path, f"is the path of destinations.{other} already")


def _endpoints(policy: Policy) -> Iterator[Remark]:
    own = {split_address(a) for a in (policy.listen.grpc, policy.listen.http) if a is not None}
    own_ports = {port for _, port in own}
    for name, destination in policy.destinations.items():
        if destination.otlp is None:
            continue
        path: Keys = ("destinations", name, "otlp", "endpoint")
        target, url = destination.otlp, urlsplit(destination.otlp.endpoint)
        host, port = url.hostname or "", url.port or (4317 if target.protocol == "grpc" else 4318)
        if (host, port) in own or (is_loopback(host) and port in own_ports):
            yield Remark(
                path, "is this processor's own address: telemetry would go round in circles", rests_on=(("listen",),)
            )
        if target.protocol == "grpc" and url.path not in ("", "/"):
            yield Remark(path, "must have no path for protocol grpc", rests_on=((*path[:-1], "protocol"),))
        if url.scheme == "http" and target.tls != ClientTls():
            yield Remark((*path[:-1], "tls"), "is not used with an http:// endpoint: write https://", rests_on=(path,))
        if url.scheme == "http" and target.headers and not is_loopback(host):
            yield Remark(
                (*path[:-1], "headers"), "travel unencrypted: write https:// in endpoint", "warning", rests_on=(path,)
            )
        if target.tls.insecure_skip_verify:
            yield Remark(
                (*path[:-1], "tls", "insecure_skip_verify"),
                "anybody can pose as this destination: give its authority as tls.ca instead",
                "warning",
            )


def _every_item_has_a_class(policy: Policy) -> Iterator[Remark]:
    retention = policy.retention
    last = retention.rules[-1].when if retention.rules else None
    if retention.fallback is None and not (last is not None and last.unconditional):
        yield Remark(
            ("retention", "rules"),
            "some things would get no class: end with a rule that has only a class, or name a class default",
            rests_on=(("retention", "classes"),),
        )


def _rules(policy: Policy) -> Iterator[tuple[Keys, Sequence[When]]]:
    yield ("sampling", "rules"), [rule.when for rule in policy.sampling.rules]
    yield ("severity", "rules"), [rule.when for rule in policy.severity.rules]
    yield ("retention", "rules"), [rule.when for rule in policy.retention.rules]


def _rules_are_reached(policy: Policy) -> Iterator[Remark]:
    for path, rules in _rules(policy):
        if path[0] == "sampling" and policy.sampling.match == "all":
            continue
        for number, when in enumerate(rules):
            earlier = next((n for n in range(number) if rules[n].covers(when)), None)
            if earlier is not None:
                yield Remark(
                    (*path, number), f"is never reached: rule [{earlier}] matches all that it matches", "warning"
                )


def _rules_can_match(policy: Policy) -> Iterator[Remark]:
    for path, rules in _rules(policy):
        for number, when in enumerate(rules):
            if when.signal == "log" and when.duration_over is not None:
                yield Remark((*path, number, "when"), "never matches: a log record has no duration", "warning")
            if when.status == "ok" and (when.kind or when.category or when.severity):
                yield Remark((*path, number, "when"), "never matches: what is ok has no error", "warning")


def _something_is_kept(policy: Policy) -> Iterator[Remark]:
    if not policy.sampling.rules:
        yield Remark(("sampling", "rules"), "there is no rule, so no trace is kept", "warning")
    if not policy.redaction.detectors:
        yield Remark(("redaction", "detectors"), "nothing is looked for, so nothing is masked", "warning")
    if policy.errors.facts.destinations == ():
        yield Remark(("errors", "facts", "destinations"), "error facts go nowhere", "warning")


def _everything_is_used(policy: Policy) -> Iterator[Remark]:
    retention = policy.retention
    chosen = {rule.retention_class for rule in retention.rules} | {retention.fallback}
    for name in retention.classes:
        if name not in chosen:
            yield Remark(
                ("retention", "classes", name), "no rule chooses this class", "warning", (), (("retention", "rules"),)
            )
    used = {d for name in retention.classes for d in policy.destinations_of(name)}
    used.update(policy.errors.facts.destinations or ())
    for name in policy.destinations:
        if name not in used:
            yield Remark(("destinations", name), "nothing is sent there", "warning", rests_on=(("retention",),))


def _files_are_there(policy: Policy) -> Iterator[Remark]:
    tls = policy.listen.tls
    if tls is not None:
        for name, path in (("cert", tls.cert), ("key", tls.key), ("client_ca", tls.client_ca)):
            if path is not None and not path.exists():
                yield Remark(("listen", "tls", name), "there is no such file on this machine", "warning")
    for name, destination in policy.destinations.items():
        client = ClientTls() if destination.otlp is None else destination.otlp.tls
        for key, path in (("ca", client.ca), ("cert", client.cert), ("key", client.key)):
            if path is not None and not path.exists():
                where: Keys = ("destinations", name, "otlp", "tls", key)
                yield Remark(where, "there is no such file on this machine", "warning")


CHECKS: tuple[Check, ...] = (
    _listening,
    _addresses_differ,
    _names_differ,
    _severity_is_not_circular,
    _services,
    _files,
    _endpoints,
    _every_item_has_a_class,
    _rules_are_reached,
    _rules_can_match,
    _something_is_kept,
    _everything_is_used,
    _files_are_there,
)
