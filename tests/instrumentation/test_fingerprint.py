"""The fingerprint: the same from live exceptions and from text, unmoved by what does not matter."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.instrumentation.programs import APP, MESSAGES, SEPARATORS, Layer, Program, ShopError, programs

from errorplane.errors import FINGERPRINT_VERSION, fingerprint, fingerprint_of_text, message_of, qualified_type

PLAIN = ("function", "lambda", "comprehension", "generator", "method", "recursion")


def text_of(error: BaseException) -> str:
    """What the SDK writes into `exception.stacktrace`."""
    return "".join(traceback.format_exception(error))


def from_text(error: BaseException) -> str:
    return fingerprint_of_text(qualified_type(error), message_of(error), text_of(error))


def raised(function: object) -> BaseException:
    try:
        function()  # type: ignore[operator]  # any callable
    except BaseException as error:  # noqa: BLE001  # whatever it raises is the result
        return error
    raise AssertionError("did not raise")


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_live_and_text_agree(program: Program) -> None:
    """Any exception that a program can raise has the fingerprint of its printed text, up to 128 KiB of it."""
    error = program.caught()
    assume(len(text_of(error)) < 131_072)
    assert fingerprint(error) == from_text(error), text_of(error)


@settings(max_examples=100)
@given(programs(max_layers=2), st.sampled_from(SEPARATORS), MESSAGES)
def test_live_and_text_agree_on_words_that_look_like_a_traceback(
    program: Program, separator: str, message: str
) -> None:
    """The message of the last exception is known, so neither it nor a note can pass for the text around them."""
    plain = tuple(layer for layer in program.layers if layer.style in PLAIN)
    error = dataclasses.replace(program, layers=plain, error=ShopError, message=separator + message).caught()
    assert fingerprint(error) == from_text(error), text_of(error)
    error = dataclasses.replace(program, layers=plain, error=ShopError, message=message).caught()
    error.add_note(separator + message)
    assert fingerprint(error) == from_text(error), text_of(error)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), st.integers(1, 500))
def test_lines_do_not_matter(program: Program, lines: int) -> None:
    """Code above the failing one may grow and shrink."""
    assert fingerprint(program.caught()) == fingerprint(program.caught(blank_lines=lines))


@given(programs(PLAIN), st.sampled_from(PLAIN))
def test_catch_depth_does_not_matter(program: Program, style: str) -> None:
    """Whether it is caught near or far from where it was raised."""
    near = dataclasses.replace(program, layers=(Layer("function", APP[0], ValueError, ""), *program.layers))
    far = dataclasses.replace(near, layers=(*near.layers, Layer(style, APP[2], ValueError, "")))
    assert fingerprint(near.caught()) == fingerprint(far.caught())


@given(programs(PLAIN), MESSAGES)
def test_values_do_not_matter(program: Program, message: str) -> None:
    """What stands in the message does not count where there are frames."""
    assert fingerprint(program.caught()) == fingerprint(dataclasses.replace(program, message=message).caught())


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("/srv/shop/orders.py", "/home/jo/checkout/orders.py"),
        ("/srv/shop/orders.py", "C:\\Users\\jo\\shop\\orders.py"),
        ("/srv/shop/__init__.py", "/app/shop/__init__.py"),
        ("/tmp/ipykernel_17/4711.py", "/tmp/ipykernel_99/1147.py"),
        ("<ipython-input-7-0123456789ab>", "<ipython-input-8-ba9876543210>"),
        ("/usr/lib/python3.11/json/decoder.py", "/home/jo/.pyenv/versions/3.12.1/lib/python3.12/json/decoder.py"),
        (
            "/usr/lib/python3.11/json/decoder.py",
            "C:\\hostedtoolcache\\windows\\Python\\3.11.4\\x64\\Lib\\json\\decoder.py",
        ),
        ("/v/lib/python3.11/site-packages/requests/api.py", "/usr/lib/python3/dist-packages/requests/api.py"),
    ],
)
def test_the_host_does_not_matter(here: str, there: str) -> None:
    """The same file in another folder, on another system, under another Python is the same place."""
    text = 'Traceback (most recent call last):\n  File "{}", line 17, in run\n    x\nValueError: x\n'
    assert fingerprint_of_text("ValueError", "x", text.format(here)) == fingerprint_of_text(
        "ValueError", "x", text.format(there)
    )


@pytest.mark.parametrize(
    ("change", "layers"),
    [
        ("type", (Layer("context", "/srv/a.py", KeyError, ""),)),
        ("file", (Layer("context", "/srv/b.py", ValueError, ""),)),
        ("cause", (Layer("cause", "/srv/a.py", ValueError, ""),)),
        ("function", (Layer("function", "/srv/a.py", ValueError, ""), Layer("lambda", "/srv/a.py", ValueError, ""))),
    ],
)
def test_what_matters(change: str, layers: tuple[Layer, ...]) -> None:
    """Another type, another file, another explicit cause make another error."""
    one = Program(TypeError, "x", (Layer("context", "/srv/a.py", ValueError, ""),))
    other = dataclasses.replace(one, layers=layers)
    assert fingerprint(one.caught()) != fingerprint(other.caught()), change


def test_members_of_a_group_count_in_any_order() -> None:
    """Concurrent tasks fail in any order, and what failed in them is what matters."""

    def group(*members: Exception) -> str:
        return fingerprint(ExceptionGroup("several", list(members)))

    assert group(ValueError(1), KeyError(2)) == group(KeyError(3), ValueError(4))
    assert group(ValueError(1)) != group(KeyError(2))


def test_without_frames_the_message_counts_without_its_values() -> None:
    """An exception that was never raised has only its words."""
    assert fingerprint(ValueError("order 17 lost")) == fingerprint(ValueError("order 18 lost"))
    assert fingerprint(ValueError("order 17 lost")) != fingerprint(ValueError("order 17 found"))
    assert fingerprint(ValueError("order 17 lost")) == fingerprint_of_text("ValueError", "order 19 lost", None)


def test_an_exception_from_another_process_agrees() -> None:
    """Its cause is a text that holds a traceback of its own."""
    with ProcessPoolExecutor(1) as pool:
        error = raised(pool.submit(int, "x").result)
    assert "RemoteTraceback" in text_of(error)
    assert fingerprint(error) == from_text(error)


def test_deep_recursion_agrees() -> None:
    """Frames that are not printed because they repeat do not change the fingerprint."""

    def ping(n: int) -> None:
        pong(n)

    def pong(n: int) -> None:
        ping(n + 1)

    def alone(n: int) -> None:
        alone(n + 1)

    for function in (ping, alone):
        error = raised(lambda function=function: function(0))
        assert fingerprint(error) == from_text(error)


def test_deep_and_wide_groups_agree() -> None:
    """What is not printed of a group does not count."""
    error: Exception = ValueError("x")
    for depth in range(14):
        error = ExceptionGroup(f"level {depth}", [KeyError(depth)] * (depth % 5) + [error] + [OSError()] * (depth * 2))
        assert fingerprint(error) == from_text(error), text_of(error)


def test_a_type_without_its_module_is_completed_from_the_text() -> None:
    """The stock log handler writes `ShopError` where the span says `package.ShopError`."""
    error = Program(ShopError, "x", (Layer("function", APP[0], ValueError, ""),)).caught()
    assert fingerprint_of_text("ShopError", "x", text_of(error)) == fingerprint(error)
    assert fingerprint_of_text("", "", text_of(error)) == fingerprint(error)


def test_spelling() -> None:
    """The version stands before the colon, 16 hex digits behind it."""
    version, _, digits = fingerprint(ValueError()).partition(":")
    assert version == FINGERPRINT_VERSION
    assert len(digits) == 16
    assert int(digits, 16) >= 0


FRAME = '  File "/srv/a.py", line 1, in f\n    f()\n'
HOSTILE = {
    "letters": "a" * 1_000_000,
    "newlines": "\n" * 1_000_000,
    "spaces": " " * 1_000_000,
    "indented newlines": "Traceback (most recent call last):\n" + "  \n" * 300_000,
    "frames": "Traceback (most recent call last):\n" + FRAME * 25_000 + "ValueError: x\n",
    "half frames": "Traceback (most recent call last):\n" + '  File "' * 125_000,
    "separators": "\nThe above exception was the direct cause of the following exception:\n\n" * 14_000,
    "headers": "Traceback (most recent call last):\n" * 30_000,
    "group": "  + Exception Group Traceback (most recent call last):\n" + "  | x\n" * 160_000 + "    +" + "-" * 36,
    "nested members": "".join("  " * i + "+-+---------------- 1 ----------------\n" for i in range(1200)) + "    +" + "-" * 36,
    "java": "x\n" + "\tat a.b.C.d(E.java:1)\n" * 40_000,
    "java open": "x\n" + "\tat " + "a." * 500_000,
    "caused by": "Caused by: a.B\n" * 60_000,
    "v8": "x\n" + "    at f (/a.js:1:1)\n" * 45_000,
    "v8 open": "x\n" + "    at " + "f (" * 330_000,
    "v8 colons": "x\n" + "    at " + ":1" * 500_000,
    "dotnet": "x\n   at A.B(" + "c" * 1_000_000,
    "go": "goroutine 1\n" + "main.f(0x1)\n\t/a.go:1 +0x1\n" * 35_000,
    "go open": "f(" * 500_000,
    "ruby": "a.rb:1:in `f'\n" * 70_000,
    "ruby quotes": "a.rb:1:in `" + "x in " * 200_000,
    "java common": "x\n" + ("\tat a.b.C.d(E.java:1)\n" * 50 + "\t... 9999 more\nCaused by: a.B\n") * 100,
    "java common again": "\tat a.b.C.d(E.java:1)\nCaused by: a.B\n" + "\t... 9999 more\n" * 8_000,
    "v8 functions": "x\n" + "    at " + "a." * 400 + "b (/a.js:1:1)\n" + "    at /a.js:1:1\n    at Array.map (<anonymous>)\n" * 3_000,
    "v8 eval": "x\n" + "    at f (eval at f (" * 6_000 + "a:1:1), <anonymous>:1:1)\n",
    "spidermonkey": "f@http://a/b.js:1:1\n" * 8_000,
    "spidermonkey open": "@" * 500_000,
    "scripts": "".join(f"    at f (/a{n:x}-{n * 7919:08x}_{n}Ab.min.js:1:{n})\n" for n in range(3_000)),
    "dotnet arrows": "x" + "\n ---> x" * 20_000 + "\n   at A.B()\n",
    "dotnet arrows in a line": "x" + " ---> x" * 20_000 + "\n   at A.B()\n",
    "dotnet ends": "x\n   at A.B()\n" + "   --- e ---\n" * 12_000,
    "dotnet members": "x\n   at A.B()\n" + " ---> (Inner Exception #1) x\n   at A.B()\n" * 3_000,
    "dotnet brackets": "x\n   at System.A" + "<" * 900 + "." * 50 + "()\n" + ("   at System.A" + "[`1" * 300 + "()\n") * 100,
    "goroutines": "goroutine 1 [running]:\n" * 8_000 + "main.f()\n\t/a.go:1\n",
    "go panics": "goroutine 1 [running]:\n" + "panic(1)\n\t/a.go:1\n" * 8_000,
    "go closures": "f" + ".func1" * 150 + "x(1)\n\t/a.go:1\n" + ("f" + ".1" * 400 + "x(1)\n\t/a.go:1\n") * 100,
    "ruby reversed": "Traceback (most recent call last):\n" + "\t1: from a.rb:1:in `f'\n" * 6_000,
    "ruby one line": "a.rb:1:in `f': x (X)\n" * 6_000,
    "ruby library": "/usr/lib/ruby/3.1.0/a.rb:1:in `f'\n" * 6_000,
    "ruby paths": "a:" * 60_000 + "1:in `f'",
    "colours": "\x1b[1m" * 30_000,
    "needle": ("ValueError: " + "x" * 80) * 10_000,
    "type": "V" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_anything_takes_a_bounded_time(name: str) -> None:
    """Huge or hostile text costs at most some tens of milliseconds; what grows with its square would take seconds."""
    types = ("ValueError", "V" * 50 + "W" + "V" * 50, "")
    texts = (HOSTILE[name], HOSTILE[name][:130_000])  # the longest that is not cut to its beginning and end
    for type_, text in itertools.product(types, texts):
        assert min(_seconds(type_, "x" * 1_000_000, text) for _ in range(5)) < 0.2


def _seconds(type_: str, message: str, text: str) -> float:
    started = time.thread_time()  # what else runs on the machine does not count
    fingerprint_of_text(type_, message, text)
    return time.thread_time() - started


FRAGMENTS = st.sampled_from([
    "Traceback (most recent call last):", "\t2: from /srv/a.rb:1:in `<main>'", "/srv/a.rb:1:in `f': x (KeyError)", "a.rb:2:in 'A#f'",
    "\tat a.B$C.lambda$f$1(B.java:1)", "Caused by: a.B: x", "\t... 3 more", "\tSuppressed: a.B", "Wrapped by: a.B",
    "    at async A.f [as g] (/srv/a.js:1:2)", "    at Array.map (<anonymous>)", "  [cause]: Error: x", "f/<@http://a/b-1a2b3c4d.js:1:2",
    "    at eval (eval at f (/srv/a.js:1:2), <anonymous>:1:1)", " ---> A.B: x", " ---> (Inner Exception #0) A.B: x", "<---",
    "   at A.<>c.<<F>b__1_0>d.MoveNext() in C:\\a.cs:line 1", "   --- End of inner exception stack trace ---", "   at A`1..ctor()",
    "goroutine 1 [running]:", "main.(*A).f.func1(0x1)", "\t/srv/a.go:1 +0x1", "panic(0x1)", "created by main.f", "panic: x", "",
    '  File "/srv/a.py", line 1, in f', "ValueError: x", "  + Exception Group Traceback (most recent call last):", "\x1b[1m", "\x00", "\ud800",
])  # fmt: skip


@settings(max_examples=500)
@given(
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=20)), max_size=12),
    st.sampled_from(["", "ValueError", "_OTHER"]),
    MESSAGES,
)
def test_nothing_that_looks_like_a_stack_raises(fragments: list[str], type_: str, message: str) -> None:
    """Whatever lines of whichever languages stand together, there is a fingerprint."""
    assert fingerprint_of_text(type_, message, "\n".join(fragments)).startswith(FINGERPRINT_VERSION + ":")


STACKS = {
    "java": (
        "java.lang.IllegalStateException",
        """java.lang.IllegalStateException: order {n}
\tat java.base/java.util.Optional.orElseThrow(Optional.java:{n})
\tat com.acme.shop.Cart.lambda$total${n}(Cart.java:{n})
\tat org.springframework.web.Dispatcher.run(Dispatcher.java:{n})
\tat com.acme.shop.Main.main(Main.java:{n})
Caused by: java.net.SocketTimeoutException: after {n} ms
\tat com.acme.shop.Client.get(Client.java:{n})
\t... {n} more
""",
        ("Cart", "Client"),
    ),
    "javascript": (
        "TypeError",
        """TypeError: Cannot read properties of undefined (reading 'x{n}')
    at node:internal/process/task_queues:95:{n}
    at Layer.handle (/srv/{n}/node_modules/express/lib/router/layer.js:{n}:5)
    at async totalOf (file:///srv/{n}/cart.mjs:{n}:{n})
    at /srv/{n}/server.js:{n}:3
""",
        ("totalOf",),
    ),
    "go": (
        "*errors.errorString",
        """panic: order {n}

goroutine {n} [running]:
runtime.gopanic(0x{n})
\t/usr/local/go/src/runtime/panic.go:{n} +0x1
main.(*Cart).Total(0xc000{n}, 0x{n})
\t/home/jo/{n}/cart.go:{n} +0x1d
main.main()
\t/home/jo/{n}/main.go:{n} +0x1d
""",
        ("Total",),
    ),
    "dotnet": (
        "System.InvalidOperationException",
        """System.InvalidOperationException: order {n}
 ---> System.TimeoutException: after {n}
   at Acme.Client.Get() in /src/{n}/Client.cs:line {n}
   --- End of inner exception stack trace ---
   at System.Threading.Tasks.Task.Run(Object o)
   at Acme.Shop.Cart.<Total>d__{n}.MoveNext() in /src/{n}/Cart.cs:line {n}
""",
        ("Cart",),
    ),
    "ruby": (
        "KeyError",
        """/usr/lib/ruby/3.2.0/forwardable.rb:{n}:in `fetch'
/srv/{n}/cart.rb:{n}:in `block (2 levels) in total'
\tfrom /srv/{n}/main.rb:{n}:in `<main>'
""",
        ("total",),
    ),
}


@pytest.mark.parametrize("language", STACKS)
def test_stacks_of_other_languages(language: str) -> None:
    """Numbers, addresses and folders do not matter; the function in which it happened and its causes do."""
    type_, text, parts = STACKS[language]
    known = fingerprint_of_text(type_, "m", text.replace("{n}", "17"))
    assert known == fingerprint_of_text(type_, "m", text.replace("{n}", "4711"))
    assert known == fingerprint_of_text(type_, "m", text.replace("{n}", "17").replace("\n", "\r\n"))
    assert known != fingerprint_of_text(type_, "m", None)
    for part in parts:
        assert known != fingerprint_of_text(type_, "m", text.replace("{n}", "17").replace(part, "Other")), part


BODIES = {
    "java": "10:17:{n} ERROR [exec-{n}] order {n} failed\njava.io.IOException: disk {n}\n\tat a.Store.load(Store.java:{n})",
    "javascript": "[{n}] order {n} failed\nTypeError: x{n}\n    at load (/srv/{n}/store.js:{n}:3)",
    "python": 'order {n}\nTraceback (most recent call last):\n  File "/srv/{n}/store.py", line {n}, in load\nKeyError: {n}\n',
    "ruby": "order {n}\nstore.rb:{n}:in `load': no key {n} (KeyError)\n\tfrom main.rb:{n}:in `<main>'",
}


@pytest.mark.parametrize("language", BODIES)
def test_a_stack_in_the_message(language: str) -> None:
    """Where a logger wrote the stack into its message and nothing else is known, frame and type count."""
    body = BODIES[language]
    known = fingerprint_of_text("_OTHER", body.replace("{n}", "17"), None)
    assert known == fingerprint_of_text("_OTHER", body.replace("{n}", "4711").replace("order", "invoice"), None)
    assert known != fingerprint_of_text("_OTHER", body.replace("{n}", "17").replace("load", "save"), None)
    for type_ in ("IOException", "TypeError", "KeyError"):
        if type_ in body:
            assert known != fingerprint_of_text("_OTHER", body.replace("{n}", "17").replace(type_, "OSError"), None)


def test_an_application_does_not_load_the_readers_of_other_languages() -> None:
    """Live exceptions of Python need none of them."""
    program = "import sys, errorplane.errors as e; e.fingerprint(ValueError()); print('errorplane.errors._jvm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
