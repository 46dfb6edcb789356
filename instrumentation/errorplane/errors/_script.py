"""Where a script of JavaScript stands: a library's or not, and under which name its file counts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_RUNTIME: Final = re.compile(
    r"(?:node|internal|bun|deno|ext|native|wasm|chrome-extension|moz-extension|safari(?:-web)?-extension|webpack/runtime)[:/]"
    r"|resource://|chrome://|webpack:///?webpack/|\(webpack\)|\[native|debugger eval|<anonymous>$|native$"
)
_LIBRARY: Final = re.compile(
    r"""
      [/\\]node_modules[/\\] | ^node_modules[/\\] | ~/(?=[^/]+/) | [/\\](?:bower_components|jspm_packages)[/\\]
    | //(?:[\w-]+\.)*(?:jsdelivr\.net|unpkg\.com|cdnjs\.cloudflare\.com|esm\.sh|deno\.land|jsr\.io|skypack\.dev
        |googleapis\.com|googletagmanager\.com|jquery\.com|bootstrapcdn\.com)/
    | (?:^|[/\\])(?:vendors?|polyfills?|zone|runtime)(?:[~.-][^/\\]*)?\.m?js$
    """,
    re.VERBOSE,
)
# Node before 15 prints its own modules without `node:` and without a folder.
_OLD_NODE: Final = re.compile(
    r"_(?:http|stream|tls)_\w+\.js|(?:events|net|fs|module|timers|stream|util|vm|domain|dgram|dns|tls|https?|zlib|cluster"
    r"|child_process|bootstrap_node|assert|buffer|readline|tty|url|querystring|string_decoder)\.js"
)
_SUFFIX: Final = re.compile(r"(?:\.(?:[cm]?[jt]sx?|vue|svelte|astro|html?))+$")
_BUILT: Final = re.compile(r"[.\-_](?:min|bundle|chunk|prod(?:uction)?)(?=[.\-_]|$)")
_TOKENS: Final = re.compile(r"([.\-_~]|^)([A-Za-z0-9]{6,}|[A-Za-z0-9_\-]{8}$)")
_HEX: Final = re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}|[0-9]{6,}")
_UPPER: Final = re.compile(r"[A-Z0-9]+")
_TURN: Final = re.compile(r"[a-z](?![a-z])|\d(?!\d)|[A-Z](?=[\d_\-])|[_\-]")
_HASH_LENGTH: Final = 8
_TURNS: Final = 0.34
"""Turns from letters to digits or to capitals, for each character: a name in camel case has fewer, a hash has more."""
_PATH_LENGTH: Final = 512


class Stem(NamedTuple):
    """The name under which a file counts, and whether a bundler gave the file its name."""

    name: str
    bundled: bool


def is_library(path: str) -> bool:
    """Whether it is the runtime's, a package's or a browser extension's script.

    Those are under node_modules, on a public host of packages, in a chunk that is named after vendors, or have no path.
    """
    return _is_library(path[-_PATH_LENGTH:] if len(path) > _PATH_LENGTH else path)


def stem(path: str) -> Stem:
    """`cart` of `/srv/shop/cart.js`, `https://shop.example/cart.min.js?v=3` and `cart.3f2a1c9d.js`."""
    return _stem(path[-_PATH_LENGTH:])


@lru_cache(maxsize=2048)
def _is_library(path: str) -> bool:
    path = path.partition("?")[0]
    return not path or bool(_RUNTIME.match(path) or _LIBRARY.search(path) or _OLD_NODE.fullmatch(path))


@lru_cache(maxsize=2048)
def _stem(path: str) -> Stem:
    name = re.split(r"[/\\]", re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/"))[-1]
    plain = _SUFFIX.sub("", name)
    shorter = _TOKENS.sub(_without_hash, _BUILT.sub("", plain)).strip(".-_~")
    is_number = shorter.isdecimal()
    return Stem("#" if is_number or not shorter else shorter, shorter != plain or is_number)


def _without_hash(found: re.Match[str]) -> str:
    return "" if _is_hash(found[2]) else found[0]


def _is_hash(token: str) -> bool:
    if _HEX.fullmatch(token):
        return True
    turns = len(_TURN.findall(token)) - 1
    return len(token) >= _HASH_LENGTH and (turns > _TURNS * len(token) or bool(_UPPER.fullmatch(token)))
