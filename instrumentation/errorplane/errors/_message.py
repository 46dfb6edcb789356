"""Messages without the values in them: what may be grouped, shown and kept for a long time."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

TEMPLATE_LENGTH: Final = 200
_READ: Final = 1000  # a longer message is cut before anything is searched in it

# One pass, alternatives in order of strength. Every repetition is possessive or starts at a boundary: linear time.
_VALUES: Final = r"""
    (?P<str>
        (?<!\w)'(?:[^'\\]|\\.|'(?=\w))*+(?:'|\\?\Z)       # 'O'Brien': an apostrophe inside a word does not close
      | "(?:[^"\\]|\\.)*+(?:"|\\?\Z)                      # a quote that nothing closes hides the rest
      | `[^`]*+(?:`|\Z) | \u201c[^\u201d]*+(?:\u201d|\Z) | \xab[^\xbb]*+(?:\xbb|\Z) | \u2018[^\u2019]*+(?:\u2019|\Z)
    )
  | (?P<url>  (?<!\w)[A-Za-z][A-Za-z0-9+.\-]*+://\S++ )
  | (?P<email> (?<![^\s@<>"(),:;=\[\]\\])[^\s@<>"(),:;=\[\]\\]++@[^\s@<>"(),:;=\[\]\\/]++ )
  | (?P<uuid> (?<!\w)[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?!\w) )
  | (?P<path>
        (?<![\w.])(?:[A-Za-z]:)?[~.]{0,2}[/\\][^\s"'`,;:)\]}>]*+   # /srv/x, ~/x, ../x, C:\x, \\host\x
      | (?<![^\s"'`,;:(\[{=])[^\s"'`,;:(\[{=/\\<>]++[/\\][^\s"'`,;:)\]}/\\]++[/\\][^\s"'`,;:)\]}]*+   # a/b/c
    )
  | (?P<ip>
        (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w])
      | (?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:%\w+)?(?![\w:])
    )
  | (?P<val>  (?<=\w)=(?=[^\s=<])[^\s,;&)\]}]++ )         # key=value
  | (?P<hex>  (?<!\w)(?:0[xX][0-9a-fA-F]++|[0-9a-fA-F]{8,}+)(?!\w) )
  | (?P<id>
        (?<!\w)(?:tok|hmac|enc)_[\w\-]{8,}+                 # what redaction put in place of a value
      | (?<!\w)pfx_[a-z2-7]{6}_[0-9a-f.:]++
      | (?<!\w)(?=[^\W\d]*+\d)\w{8,}+                     # a token with digits in it names one thing
    )
  | (?P<num>  [+-]?\d++(?:[.,:]\d++)*+ )
    """
_VALUED: Final = re.compile(r"(?<!\S)[^\s<]*+<\S++")
_SPACE: Final = re.compile(r"\s+")


@cache
def _values() -> re.Pattern[str]:
    """Compiled when first needed: no application is to wait for it at its start."""
    return re.compile(_VALUES, re.VERBOSE | re.DOTALL)


def message_template(text: str) -> str:
    """The message with every value replaced by a placeholder, on one line, at most 200 characters.

    Replaced are numbers, UUIDs, hex strings, tokens with digits, quoted strings, e-mail and IP addresses, paths,
    URLs and the right side of `key=value`.

    >>> message_template("user 17 <jo@example.org> not in '/srv/x' after 2.5s")
    'user <num> <<email>> not in <str> after <num>s'
    """
    if len(text) > _READ:
        # The last token may be cut in two; half an address is still personal data.
        text = text[:_READ].rpartition(" ")[0]
    replaced = _values().sub(_placeholder, text)
    return _cut(_SPACE.sub(" ", replaced).strip())


def words_of(text: str) -> str:
    """The template without the words that hold a value, whatever kind of value it is: an id is a number here, a UUID there.

    >>> words_of("no price for A-17, nor for 3f2a1c9d8e7f")
    'no price for <> nor for <>'
    """
    return _VALUED.sub("<>", message_template(text))


def _placeholder(match: re.Match[str]) -> str:
    name = match.lastgroup or "str"
    return "=<val>" if name == "val" else f"<{name}>"


def _cut(template: str) -> str:
    return template if len(template) <= TEMPLATE_LENGTH else template[: TEMPLATE_LENGTH - 1] + "…"
