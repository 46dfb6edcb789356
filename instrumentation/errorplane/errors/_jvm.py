"""The trail of a stack trace of the JVM and of Android, as `Throwable.printStackTrace` and loggers after it print it.

Format: `Throwable.printStackTrace` and `StackTraceElement.toString` of Java 9 and later (class loader and module before
the class); Logback's `%rEx` has the root cause first, and `Wrapped by:` before the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from errorplane.errors._libraries import JVM
from errorplane.errors._stack import Frame, Frames, Link, lines, trail_of
from errorplane.errors._trail import Trail

FRAME: Final = re.compile(
    r"^[ \t]+at ([^()\n]*[^()\s])\((?:[^()\s]+\.\w+(?::-?\d+)?|Native Method|Unknown Source(?::\d+)?|SourceFile(?::\d+)?|<[^)\n]*>"
    r"|[\w.-]+:\d+|Redefined)\)",
    re.MULTILINE,
)
_HEADER: Final = re.compile(r"(?:Exception in thread \"[^\"\n]*\" )?((?:[^\W\d][\w$]*\.)*[^\W\d][\w$]*)(?=: |\Z)")
_CHAINED: Final = re.compile(r"(Caused by|Wrapped by): (?:\[CIRCULAR REFERENCE: ?)?([^\W\d][\w.$]*)")
_SUPPRESSED: Final = re.compile(r"\s+Suppressed: ")
_COMMON: Final = re.compile(r"\s+\.\.\. (\d{1,4}) (?:more|common frames omitted)")

_GENERATED_CLASS: Final = re.compile(
    r"(?:\$\$(?:EnhancerBy|FastClassBy|SpringCGLIB|KeyFactoryBy)|_?\$\$_(?:jvst|javassist|Weld)|\$HibernateProxy|\$MockitoMock"
    r"|\$ByteBuddy|_ClientProxy|_Subclass).*"
)
_GLUE: Final = re.compile(r"\$\$Lambda|\$Proxy\d|GeneratedMethodAccessor|GeneratedConstructorAccessor|LambdaForm")
_NUMBERED: Final = re.compile(r"(?:\$\d+)+(?=\$|$)|__\d+(?:__auto__)?(?=$|\$)|(?<=_closure)\d+|(?<=eval)\d+$")
_LAMBDA: Final = re.compile(r"(?:lambda\$|\$anonfun\$)(.*?)(?:\$[0-9a-f]+)*$")
_SYNTHETIC: Final = re.compile(r"\$(?:default|suspendImpl|lambda|\d+|impl)(?:\$\d+)*$")
_TOP: Final = frozenset(("main", "new", "static", "<init>", "<clinit>", "null"))
"""Where a lambda stands that no method around it tells from the others."""
_OBFUSCATED: Final = 2


def jvm_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail, or None when the text holds no frame of the JVM."""
    chain: list[tuple[str, list[str]]] = [("", [])]
    is_root_first = is_over = False
    for number, line in enumerate(lines(text)):
        if found := FRAME.match(line):
            if not is_over:
                chain[-1][1].append(found[1])
        elif chained := _CHAINED.match(line):
            is_root_first |= chained[1] == "Wrapped by"
            is_over = False
            chain.append((chained[2], []))
        elif _SUPPRESSED.match(line):
            is_over = True
        elif len(chain) == 1 and not chain[0][1] and (header := _HEADER.match(line)):
            # A logger may have put its own words into lines before it.
            if number == 0 or ("." in header[1] and "." not in chain[0][0]):
                chain[0] = (header[1], chain[0][1])
        elif not is_over and len(chain) > 1 and (common := _COMMON.match(line)):
            # Not printed again, since those of the exception before end in them too.
            before = chain[-2][1]
            chain[-1][1].extend(before[max(len(before) - int(common[1]), 0) :])
            is_over = True
    links = [Link(name, Frames(printed, _frame)) for name, printed in chain]
    return trail_of(type_, message, links[::-1] if is_root_first else links)


def _frame(printed: Sequence[str], at: int) -> Frame:
    module, _, name = printed[at].rpartition("/")
    owner, _, method = name.rpartition(".")
    is_runtime = module.removeprefix("app/").startswith(("java.", "jdk.")) or _GLUE.search(printed[at]) is not None
    return _named(not is_runtime and not owner.startswith(JVM), _GENERATED_CLASS.sub("", owner), method)


def _named(in_app: bool, owner: str, method: str) -> Frame:
    """The frame without what the compiler numbered: lambdas and anonymous classes count as what they stand in."""
    is_named = True
    if inside := _LAMBDA.fullmatch(method):
        method = inside[1]
        is_named = method not in _TOP
    method = _NUMBERED.sub("", _SYNTHETIC.sub("", method)) or method
    plain = _NUMBERED.sub("", owner)
    around = plain.rpartition(".")[2].rpartition("$")[2]
    if plain != owner and (around in _TOP or around[:1].isupper()):
        is_named = False  # an anonymous class outside of any method
    if len(method) <= _OBFUSCATED and len(plain.rpartition(".")[2]) <= _OBFUSCATED:
        is_named = False
    return Frame(in_app, f"{plain}:{method}", is_named)
