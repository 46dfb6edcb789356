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
    r"mobil(?:e|num|nr|tel|funk)",
    r"msisdn",
    r"fax",
    r"whats[-._ ]?app",
    r"(?:tel|tlf|cell|sms|contact|handy)[-._ ]?(?:no|num|nr)",
    r"telefo[no]",
    "tel(?:\u00e9|e\u0301)fono",
    r"cel(?:ular|lulare)",
    "m\u00f3vil",
    "telem\u00f3vel",
    r"rufnummer",
    r"puhelin",
    "(?:\u0422|\u0442)\u0435\u043b(?:\u0435\u0444\u043e\u043d|\\.)",
    "(?:\u03a4|\u03c4)\u03b7\u03bb(?:\u03ad\u03c6\u03c9\u03bd\u03bf|\\.)",
    "\u7535\u8bdd|\u96fb\u8a71|\u624b\u673a|\u624b\u6a5f|\u643a\u5e2f",
    "\uc804\ud654|\ud734\ub300\ud3f0",
    "\u0647\u0627\u062a\u0641|\u062c\u0648\u0627\u0644",
    "\u05d8\u05dc\u05e4\u05d5\u05df",
    "\u092b(?:\u093c)?\u094b\u0928|\u095e\u094b\u0928",
    "\u0e42\u0e17\u0e23",
    "\u0111i\u1ec7n tho\u1ea1i",
)
SSN_NAMES = (r"ssn", r"social[-._ ]?sec")


def one_of(names: tuple[str, ...]) -> str:
    """A group of alternatives."""
    return "(?:" + "|".join(names) + ")"


NAME_SUFFIX = r"(?:[-._ ]?(?:[0-9]{1,3}(?![0-9a-z])|confirm(?:ation)?|hash|value|header))?"
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
