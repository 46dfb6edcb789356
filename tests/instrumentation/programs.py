"""Random small programs that raise: what the property tests of the fingerprint feed on."""

from __future__ import annotations

import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import strategies as st

Run = Callable[[], None]

APP = ("/srv/shop/orders.py", "/home/jo/work/shop/__init__.py", "C:\\Apps\\shop\\cart.py", "<string>")
OUTSIDE = (
    "/usr/lib/python3.11/json/decoder.py",
    "/opt/venv/lib/python3.12/site-packages/requests/adapters.py",
    "C:\\Python311\\Lib\\asyncio\\tasks.py",
    "<frozen importlib._bootstrap>",
)


class ShopError(Exception):
    """An exception of an application."""

    class Nested(Exception):
        """Its qualified name has a dot in it."""


class Main(Exception):
    """Pretends to be defined in a script."""


Main.__module__ = "__main__"


class Nowhere(Exception):
    """Printed as `<unknown>.Nowhere`."""


Nowhere.__module__ = None  # type: ignore[assignment]  # as types made by C code have it


class Mute(Exception):
    """Cannot be printed."""

    def __str__(self) -> str:
        raise ValueError("no")


def _local() -> type[Exception]:
    class Local(Exception):
        pass

    return Local


TYPES: tuple[type[Exception], ...] = (
    ValueError, KeyError, OSError, ShopError, ShopError.Nested, Main, Nowhere, Mute, _local()
)  # fmt: skip

MESSAGES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.sampled_from(
        [
            "",
            "user 17 has no e-mail jo@example.org",
            "two\nlines",
            'looks like\n  File "/srv/fake.py", line 3, in fake\n    fake()\na frame',
            "Traceback (most recent call last):",
            'x\nTraceback (most recent call last):\n  File "/srv/fake.py", line 3, in fake\nKeyError: 1',
            "    ^^^^^",
            "  [Previous line repeated 3 more times]",
            "ValueError: ValueError: x",
            "  | in a margin\n    | deeper\n    +---------------- 1 ----------------",
            "    +------------------------------------",
            "over\r\ntwo lines\x0cor\u2028more",
        ]
    ),
)
SEPARATORS = (
    "a\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n",
    "b\n\nDuring handling of the above exception, another exception occurred:\n\nValueError: x",
)

_STYLES = {
    "function": """
        def {name}():
            return inner()
        """,
    "lambda": """
        {name} = lambda: inner()
        """,
    "comprehension": """
        def {name}():
            return [inner() for _ in (1, 2)]
        """,
    "generator": """
        def {name}():
            return list(inner() for _ in (1, 2))
        """,
    "method": """
        class Service:
            def {name}(self):
                value = 1 + (inner() or 2) * 3
                return value
        {name} = Service().{name}
        """,
    "recursion": """
        def deeper(n):
            return deeper(n - 1) if n else inner()
        def {name}():
            return deeper(9)
        """,
    "cause": """
        def {name}():
            try:
                inner()
            except BaseException as error:
                raise make() from error
        """,
    "context": """
        def {name}():
            try:
                inner()
            except BaseException:
                raise make()
        """,
    "suppressed": """
        def {name}():
            try:
                inner()
            except BaseException:
                raise make() from None
        """,
    "unraised cause": """
        def {name}():
            try:
                inner()
            except BaseException:
                raise make() from make()
        """,
    "late cause": """
        def {name}():
            kept = None
            try:
                inner()
            except BaseException as error:
                kept = error
            try:
                raise make()
            except BaseException as other:
                raise make() from kept
        """,
    "note": """
        def {name}():
            try:
                inner()
            except BaseException as error:
                error.add_note("hint: 17\\n  File \\"/srv/note.py\\", line 1, in note")
                raise
        """,
    "coroutine": """
        def {name}():
            async def deeper():
                inner()
            async def outer():
                await deeper()
            outer().send(None)
        """,
    "class body": """
        def {name}():
            class Service:
                value = inner()
        """,
    "context manager": """
        import contextlib
        @contextlib.contextmanager
        def guarded():
            try:
                yield
            except Exception as error:
                raise make() from error
        def {name}():
            with guarded(), guarded():
                inner()
        """,
    "long chain": """
        def {name}():
            try:
                inner()
            except BaseException as error:
                for _ in range(13):
                    try:
                        raise make() from error
                    except BaseException as other:
                        error = other
                raise error
        """,
    "other process": """
        from multiprocessing.pool import ExceptionWithTraceback
        def {name}():
            try:
                inner()
            except BaseException as error:
                rebuild, arguments = ExceptionWithTraceback(error, error.__traceback__).__reduce__()
            raise rebuild(*arguments)
        """,
    "syntax": """
        def {name}():
            try:
                inner()
            except BaseException as error:
                compile("x = = 1", "/srv/generated.py", "exec")
        """,
    "group": """
        def {name}():
            found = []
            for _ in range({many}):
                try:
                    inner()
                except BaseException as error:
                    found.append(error)
            found.append(make())
            raise BaseExceptionGroup("several", found)
        """,
    "group with a cause": """
        def {name}():
            try:
                inner()
            except BaseException as error:
                raise BaseExceptionGroup("several", [make()] * {many} + [error]) from error.__cause__ or error
        """,
    "group as cause": """
        def {name}():
            try:
                inner()
            except BaseException as error:
                raise make() from BaseExceptionGroup("several", [make()] * {many} + [error])
        """,
}


@dataclass(frozen=True)
class Layer:
    """One function around the failing one: its style, its file, and what it raises if it raises."""

    style: str
    filename: str
    error: type[Exception]
    message: str
    many: int = 1

    def around(self, inner: Run, blank_lines: int = 0) -> Run:
        """The function, compiled for its file, with source lines as the traceback module wants them."""
        source = "\n" * blank_lines + textwrap.dedent(_STYLES[self.style].format(name="run", many=self.many))
        linecache.cache[self.filename] = (len(source), None, source.splitlines(keepends=True), self.filename)
        scope: dict[str, Any] = {"inner": inner, "make": self.make}
        exec(compile(source, self.filename, "exec"), scope)  # noqa: S102  # the very thing under test is code
        return cast(Run, scope["run"])

    def make(self) -> Exception:
        return self.error(self.message)


def layers(styles: tuple[str, ...] = tuple(_STYLES)) -> st.SearchStrategy[Layer]:
    """One random layer."""
    return st.builds(
        Layer,
        st.sampled_from(styles),
        st.sampled_from(APP + OUTSIDE),
        st.sampled_from(TYPES),
        MESSAGES,
        st.sampled_from((0, 1, 3, 17)),
    )


@dataclass(frozen=True)
class Program:
    """A failing function and the layers around it, innermost first."""

    error: type[Exception]
    message: str
    layers: tuple[Layer, ...]

    def caught(self, blank_lines: int = 0) -> BaseException:
        """The exception that leaves the outermost layer."""

        def run() -> None:
            raise self.error(self.message)

        for layer in self.layers:
            run = layer.around(run, blank_lines)
        try:
            run()
        except BaseException as error:  # noqa: BLE001  # whatever it raises is the result
            return error
        raise AssertionError("the program did not raise")


def programs(styles: tuple[str, ...] = tuple(_STYLES), max_layers: int = 5) -> st.SearchStrategy[Program]:
    """A random program."""
    return st.builds(
        Program, st.sampled_from(TYPES), MESSAGES, st.lists(layers(styles), max_size=max_layers).map(tuple)
    )
