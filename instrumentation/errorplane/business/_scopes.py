"""Blocks and functions of which some exceptions are expected: decorators and context managers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

from opentelemetry.util.types import AnyValue

from errorplane.business._bounded import OTHER
from errorplane.business._expected import Expects, enter, expected_in, leave
from errorplane.business._expected import seen as seen_by_hooks
from errorplane.business._invalid import invalid_of, is_validation
from errorplane.business._record import record
from errorplane.errors import Category, ErrorEvent, Severity, ask
from errorplane.hooks import GUARD

F = TypeVar("F", bound=Callable[..., Any])


class BusinessError(Exception):
    """Base of exceptions that say that the business had to refuse something.

    A subclass gives its `name` and, if it likes, `code`, `category` and `severity`, as `business_error` takes them; an
    instance may have a `code` of its own. It counts once, where a span, a log record or `business_errors` sees it
    first, and is no error of the program: it has no stack trace, and makes no span fail.
    """

    name: str = "business.error"
    code: str | None = None
    category: Category = Category.PERSISTENT
    severity: Severity | None = None


class Expecting:
    """A block, entered with `with` as often as one likes, also by several threads and tasks at once; or a decorator.

    Not a `contextlib.contextmanager`: through one of those no exception passes that refuses to have attributes set.
    """

    __slots__ = ("_expects", "_record")

    def __init__(self, expects: Expects, record: Callable[[BaseException], None]) -> None:
        self._expects = expects
        self._record = record

    def __enter__(self) -> None:
        enter(self._expects)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        leave(self._expects)
        if error is not None:
            for each in expected_in(error, self._expects):
                GUARD.run("business_errors", self._record, each)

    def __call__(self, function: F) -> F:
        """The function, or coroutine function, as such a block."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast(F, awaited)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return cast(F, called)


def business_errors(
    name: str,
    *expected: type[BaseException],
    code: str | Callable[[Any], str | None] | None = None,
    category: Category = Category.PERSISTENT,
    severity: Severity | None = None,
    attributes: Mapping[str, AnyValue] | None = None,
) -> Expecting:
    """Around a block (`with`) or a function, also `async`: these exceptions are business errors of this name.

    They pass on unchanged, and are written down nowhere as errors of the program. `code` may be a function of the
    exception. Raises TypeError if no exception is named: that everything is expected is hardly meant.
    """
    if not expected:
        raise TypeError("name the exceptions that are expected: business_errors('payment.declined', PaymentDeclined)")

    def write(error: BaseException) -> None:
        record(name, _code(code, error), category, severity, attributes, error)

    return Expecting(lambda error: isinstance(error, expected), write)


def _code(code: str | Callable[[Any], str | None] | None, error: BaseException) -> str | None:
    if not callable(code):
        return code
    of_error = code
    unknown: str | None = OTHER
    return ask(lambda: of_error(error), unknown)


def validation_errors(
    name: str,
    *,
    model: object = None,
    code: str | None = None,
    category: Category = Category.PERSISTENT,
    severity: Severity | None = None,
    attributes: Mapping[str, AnyValue] | None = None,
) -> Expecting:
    """Around a block or a function: validation errors of pydantic, FastAPI and jsonschema are business errors.

    What is written of them are the fields and the library's words for what is wrong, and nothing of the input. They
    pass on unchanged. `model` is the pydantic model, or the function with such parameters, whose names may be
    written, where the exception does not come from it itself.
    """

    def write(error: BaseException) -> None:
        record(name, code, category, severity, attributes, error, invalid_of(error, model))

    return Expecting(is_validation, write)


def _own(event: ErrorEvent) -> bool:
    """The hooks see a business error outside of any block: it says by itself what it is."""
    found = expected_in(event.exception, lambda error: isinstance(error, BusinessError))
    for error in found:
        if isinstance(error, BusinessError):
            record(error.name, error.code, error.category, error.severity, None, error, trace_id=event.trace_id)
    return bool(found)


seen_by_hooks.append(_own)
