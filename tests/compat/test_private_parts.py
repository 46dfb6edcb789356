"""A new SDK may lack what our hooks reach for: one hook is then off, and everything else works."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import Span, TracerProvider

from errorplane.context import bind, leaving
from errorplane.errors import ERROR_ID, TENANT
from errorplane.hooks import GUARD, attach, detach, hook_states, is_attached
from errorplane.hooks._sdk import takes_log_records
from errorplane.testing import Capture

INSTRUMENTATION = Path(__file__).parents[2] / "instrumentation"
PARTS = {
    "opentelemetry.sdk.trace:Span.record_exception": "record_exception",
    "opentelemetry.instrumentation.logging.handler:LoggingHandler": "logging handler",
    "opentelemetry.trace:_set_tracer_provider": "tracer provider set later",
    "opentelemetry._logs._internal:_set_logger_provider": "logger provider set later",
    "opentelemetry.trace:get_tracer_provider": "tracer provider in force",
    "opentelemetry._logs:get_logger_provider": "logger provider in force",
}
"""What is taken away, and the hook that is off without it."""


@pytest.fixture
def counting(swallowing: None) -> Iterator[None]:
    """Nothing attached before or after, and our failures counted."""
    detach()
    GUARD.forget()
    yield
    detach()


def take_away(part: str, patch: pytest.MonkeyPatch) -> None:
    module, _, path = part.partition(":")
    *owners, name = path.split(".")
    owner: object = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    patch.delattr(owner, name)


@pytest.mark.parametrize(("part", "hook"), PARTS.items())
def test_a_missing_part_ends_one_hook(part: str, hook: str, counting: None) -> None:
    """It is counted and named with what is missing; attaching goes on, and the other hooks are in force."""
    with pytest.MonkeyPatch.context() as patch:
        take_away(part, patch)
        attach()
    assert is_attached()
    assert GUARD.failures == {f"sdk.{hook}": 1}
    off = {name: why for name, why in hook_states().items() if why}
    assert list(off) == [hook]
    assert part.rpartition(".")[2].rpartition(":")[2] in off[hook]
    with Capture(service="shop") as capture, bind(tenant="acme"):
        with pytest.raises(TimeoutError), capture.tracer.start_as_current_span("request"):
            raise TimeoutError("no answer")
        capture.logger.emit(body="cannot serve", exception=TimeoutError("no answer"))
    attributes = capture.spans["request"].attributes or {}
    assert attributes[TENANT] == "acme"
    assert (ERROR_ID in attributes) == (hook != "record_exception")
    assert ERROR_ID in capture.logs[0]


def test_what_a_new_sdk_may_do_without_is_no_failure(counting: None) -> None:
    """The SDK's own logging handler is deprecated in favour of that of the instrumentation."""
    with pytest.MonkeyPatch.context() as patch:
        take_away("opentelemetry.sdk._logs:LoggingHandler", patch)
        attach()
    assert GUARD.failures == {}
    assert [name for name, why in hook_states().items() if why] == ["sdk logging handler"]


class Renamed(LogRecordProcessor):
    """The SDK's list of processors, under another name."""

    def __init__(self) -> None:
        self.others: list[LogRecordProcessor] = []

    def add_log_record_processor(self, processor: LogRecordProcessor) -> None:
        self.others.append(processor)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for other in self.others:
            other.on_emit(log_record)

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


def test_without_the_order_of_log_processors_ours_is_added_all_the_same(counting: None) -> None:
    """By the SDK's public method, before those that are added later; that it may come too late for others is counted."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # its constructor has no annotations
    attach()
    provider = LoggerProvider(multi_log_record_processor=Renamed(), shutdown_on_exit=False)  # type: ignore[arg-type]  # as a new SDK might
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    with bind(tenant="acme"):
        provider.get_logger("x").emit(body="late")
    assert GUARD.failures == {"sdk.log processors in order": 1}
    (record,) = exporter.get_finished_logs()
    assert (record.log_record.attributes or {})[TENANT] == "acme"


def test_who_takes_log_records_is_known_without_the_loggers_word(counting: None) -> None:
    """The oldest SDK's loggers do not say whether they are enabled: our own processor alone takes none."""
    attach()
    provider = LoggerProvider(shutdown_on_exit=False)
    assert not takes_log_records(provider)
    provider.add_log_record_processor(SimpleLogRecordProcessor(InMemoryLogRecordExporter()))  # type: ignore[no-untyped-call]  # as above
    assert takes_log_records(provider)


def test_detached_nothing_is_left_of_what_was_put_in(counting: None) -> None:
    """With a part missing too, the classes are afterwards as they were."""
    before = (Span.record_exception, TracerProvider.__init__, LoggerProvider.__init__, list(leaving))
    with pytest.MonkeyPatch.context() as patch:
        take_away("opentelemetry._logs._internal:_set_logger_provider", patch)
        attach()
        assert Span.record_exception is not before[0]
        detach()
    assert (Span.record_exception, TracerProvider.__init__, LoggerProvider.__init__, list(leaving)) == before


def _private(module: str) -> bool:
    # opentelemetry._logs is the name of the package of the logs API, and public.
    return any(part.startswith("_") and part != "_logs" for part in module.split("."))


def _attribute(node: ast.AST) -> str:
    """The private attribute that is read of something else than self; nothing for any other node."""
    match node:
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            return ""
        case (
            ast.Attribute(attr=name)
            | ast.Call(func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_])
        ):
            return name if name.startswith("_") and not name.startswith("__") and name not in _OF_OTHERS else ""
    return ""


_OF_OTHERS = ("_replace", "_fields", "_asdict", "_getframe", "_bootstrap", "_do_exit", "_exit_function")
"""Of named tuples, of sys, and of multiprocessing and billiard."""


def _breaches(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{each.name}" for each in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            names = [node.value]
        yield from (f"{where}: {name}" for name in names if name.startswith("opentelemetry.") and _private(name))
        if name := _attribute(node):
            yield f"{where}: {name}"


def test_private_parts_of_the_sdk_are_touched_in_one_place() -> None:
    """No module of the application's side but `hooks/_sdk.py` and its parts imports, names or reads one."""
    hooks = INSTRUMENTATION / "errorplane" / "hooks"
    inside = sorted(hooks.glob("_sdk*.py"))
    outside = [path for path in INSTRUMENTATION.rglob("*.py") if path not in inside]
    assert len(outside) > 100
    assert [breach for path in outside for breach in _breaches(path)] == []
    assert all(list(_breaches(path)) for path in inside)
