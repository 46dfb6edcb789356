"""The policy's destinations as objects that send."""

from __future__ import annotations

import time
from collections.abc import Callable

from errorplane.keys import KeyProvider
from errorplane.otlp import (
    ClientTls,
    Destination,
    FileDestination,
    GrpcDestination,
    HttpDestination,
    SegmentDestination,
    TargetError,
)
from errorplane.policy import Destination as DestinationPolicy
from errorplane.policy import FileTarget, OtlpTarget, Policy


def build_destination(
    name: str, policy: Policy, keys: KeyProvider, clock: Callable[[], float] = time.time
) -> Destination:
    """The destination of that name; a file is created when the first data comes. Raises ``TargetError``."""
    model: DestinationPolicy = policy.destinations[name]
    if model.otlp is not None:
        try:
            return _otlp(name, model.otlp)
        except TargetError as error:
            raise TargetError(f"destination {name}: {error}") from None
    if model.file is None:  # the policy's own check refuses this
        raise ValueError(f"destination {name} has neither otlp nor file")
    return _file(name, model.file, policy, keys, clock)


def _otlp(name: str, target: OtlpTarget) -> Destination:
    tls = ClientTls(target.tls.ca, target.tls.cert, target.tls.key, target.tls.insecure_skip_verify)
    headers = {key: value.get_secret_value() for key, value in target.headers.items()}
    kind = GrpcDestination if target.protocol == "grpc" else HttpDestination
    return kind(name, target.endpoint, tls, headers, target.timeout, target.compression)


def _file(name: str, target: FileTarget, policy: Policy, keys: KeyProvider, clock: Callable[[], float]) -> Destination:
    path = target.location
    if not target.is_folder:
        return FileDestination(name, path)
    days = {class_name: model.days for class_name, model in policy.retention.classes.items()}
    key = (lambda: keys.key("segments")) if target.encrypt else None
    return SegmentDestination(name, path, days, key, clock)
