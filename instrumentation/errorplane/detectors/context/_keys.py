"""What an attribute's name says about its value.

One table of names serves keys (``key_class``), texts (``_assignments``) and gates, so that they cannot disagree.
"""

from __future__ import annotations

import enum
from functools import lru_cache

from errorplane.detectors._lazy import lazy
from errorplane.detectors.text._fold import fold, lower


class KeyClass(enum.Enum):
    """What the name of an attribute says about its value (see ``key_class``)."""

    NONE = "none"
    SECRET = "secret"
    """A password or another secret: the whole value is one."""
    TOKEN = "token"
    """A credential that is sent along, such as an Authorization or Cookie header: the whole value is one."""
    CARD = "card"
    PHONE = "phone"
    SSN = "ssn"
    ID = "id"
    """An identifier, a count or a time: digits in one piece are no card."""
    ACCOUNT = "account"
    """An account number of a cloud provider: twelve digits that are no card."""
    VERSION = "version"
    """A version or a user agent: dotted quads in it are no addresses."""


SECRET_NAMES = (
    r"pass(?:wor[dt]|wd|phrase|code)",
    r"pwd",
    r"secret(?:[-._ ]?key)?",
    r"credentials?",
    r"(?:api|access|private|signing|encryption|shared|account|subscription)[-._ ]?key",
    r"(?:db|user|smtp|ftp|admin|root|mysql|pg|redis|proxy)[-._ ]?pass(?:wor[dt]|wd|phrase|code)?",
    r"kennwort",
    r"senha",
    r"mot[-._ ]?de[-._ ]?passe",
    r"wachtwoord",
    r"parola",
    "\u043f\u0430\u0440\u043e\u043b\u044c",
    "\u5bc6\u7801",
    "\u5bc6\u78bc",
    "\u30d1\u30b9\u30ef\u30fc\u30c9",
    "\ube44\ubc00\ubc88\ud638",
    "contrase(?:n|\u00f1)a",
)
"""Names of secrets, in lower case; a dot, dash, space or nothing between the words."""

TOKEN_NAMES = (
    r"token",
    r"authori[sz]ation",
    r"cookies?",
    r"jwt",
    r"bearer",
    r"(?:jsession|phpsess)id",
    r"x-(?:amz|goog)-signature",
    r"[?&]sig(?:nature)?",
)
"""Names of what is sent along to prove who one is."""

PHONE_NAMES = (
    r"phone",
    r"mobile",
    r"msisdn",
    r"fax",
    r"whats[-._ ]?app",
    r"(?:tel|cell|sms|contact)[-._ ]?(?:no|num|nr)",
)
SSN_NAMES = (r"ssn", r"social[-._ ]?sec")


def one_of(names: tuple[str, ...]) -> str:
    """A group of alternatives."""
    return "(?:" + "|".join(names) + ")"


NAME_SUFFIX = r"(?:[-._ ]?(?:[0-9]{1,3}|confirm(?:ation)?|hash|value|header))?"
_CURSOR_WORDS = (
    "page",
    "next",
    "pagination",
    "continuation",
    "resume",
    "cancellation",
    "sync",
    "cassandra",
    "partition",
)
_CURSORS = "".join(f"(?<!{word})(?<!{word}[-._ ])" for word in _CURSOR_WORDS)  # what is no credential
_MAX_KEY = 256  # the end of a longer name decides

_CLASSES = (
    (KeyClass.SECRET, lazy(one_of(SECRET_NAMES) + NAME_SUFFIX + r"\Z")),
    (KeyClass.TOKEN, lazy(_CURSORS + one_of(TOKEN_NAMES) + NAME_SUFFIX + r"\Z")),
    (
        KeyClass.VERSION,
        lazy(r"versions?\Z|image[-._ ]?tags?\Z|user[-._ ]?agent(?:\.original)?\Z|(?:^|[._-])release\Z"),
    ),
    (KeyClass.ACCOUNT, lazy(r"account[-._ ]?id\Z")),
    (KeyClass.CARD, lazy(r"(?:^|[^a-z])(?:credit[-._ ]?)?(?:card|pan|ccn?)(?:[^a-z]|number|num|no|\Z)")),
    (KeyClass.SSN, lazy(one_of(SSN_NAMES))),
    (KeyClass.PHONE, lazy(one_of(PHONE_NAMES))),
    (
        KeyClass.ID,
        lazy(r"(?:^|[^a-z])(?:[ug]?u?ids?|offset|seq(?:uence)?|time(?:stamp)?|ts|size|bytes|count|hash)\Z"),
    ),
)
_CAMEL = lazy(r"(?<=[a-z0-9])(?=[A-Z])")


def key_class(key: str) -> KeyClass:
    """What the name of an attribute says about its value.

    >>> key_class("http.request.header.authorization"), key_class("gen_ai.usage.input_tokens")
    (<KeyClass.TOKEN: 'token'>, <KeyClass.NONE: 'none'>)
    """
    return _key_class(key[-_MAX_KEY:])


@lru_cache(maxsize=4096)
def _key_class(key: str) -> KeyClass:
    plain = fold(key)
    spellings = {lower(plain), lower(_CAMEL.sub(".", plain))}
    for kind, pattern in _CLASSES:
        if any(pattern.search(spelling) for spelling in spellings):
            return kind
    return KeyClass.NONE
