"""IP addresses. Loopback, unspecified, netmasks and x.0.0.0 (a network, or a browser's frozen version) are no one's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._keys import KeyClass
from errorplane.detectors.text._escapes import ESCAPED

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_V4 = lazy(rf"(?<![0-9A-Za-z])(?<![0-9A-Za-z]\.)(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z]|\.[0-9])")
_V4_SHAPE = lazy(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_HARMLESS_V4 = lazy(r"0*127\.|255\.|[0-9]+\.0+\.0+\.0+\Z")
_PRODUCT = lazy(r"[a-z][a-z0-9_+-]*/\Z")
_PRODUCTS = lazy(r"(?:^|[\s(;,])(?:mozilla|curl|wget|python-\w+|okhttp|go-http-client|apache-\w+)/[0-9]")
# Words before four numbers that are a version, a section or an identifier of the ISO.
_SAID_VERSION = lazy(
    r"(?:(?:(?<!con)(?<!di)version|release|firmware|driver|patch|hotfix|revision|chapter|section|upgrad(?:e|ed|ing)|downgrad(?:e|ed|ing)|sdk"
    r"|\bver|\brev|\bbuild|\boid|\bfw|[._-]tag|\btag|\bpackage|\bpkg|\.dll,?)s?\.?(?: (?:from|to|number|is|no\.?))?[\"'\s:=\[(]{1,4}"
    r"|(?:version|grad(?:e|ed|ing))s? (?:from )?v?[0-9][0-9.]{2,15} (?:to|->|=>|and|or) |[~<>]= ?|[\^\u00a7] ?|\bv\.? ?|but you have [a-z0-9._-]{1,40} )\Z"
)
# The tag of a container image: a path with a slash, a colon, and no port after.
_IMAGE = lazy(r"(?:^|[\s\"'=,(\[])(?:[a-z0-9][a-z0-9._:-]*/)+[a-z0-9][a-z0-9._-]*:\Z")
_NAMED_IMAGE = lazy(r"(?:^|[^a-z])(?:image|repo tag)s?\b[\s:=\\\"']{1,4}[a-z0-9][a-z0-9._-]*:\Z")
# com.fasterxml.jackson.core:jackson-databind:2.9.10.8, of Maven and Gradle
_ARTIFACT = lazy(
    r"(?:^|[^a-z0-9.])(?:com|org|io|net|dev|edu|jakarta|javax?)\.[a-z0-9_.-]+:[a-z0-9_.-]+:(?:[a-z0-9+._-]+[\"')]{0,2} -> )?\Z"
)
_PACKAGE_END = lazy(
    r"[-._](?:jar|war|whl|zip|tar|t?gz|deb|rpm|egg|apk|msi|exe|dll|so|js|el[0-9]|fc[0-9]|cp[0-9]|py[0-9]|amd64|x86|x64"
    r"|i[3-6]86|arm|noarch|all[._]|any|linux|win|mac|darwin|snapshot|release|final|alpha|beta|rc|ga|bin|src|dist|sources|pom|module|nupkg|gem|none_|neutral_)"
)
_V6 = lazy(r"[0-9a-f:.]{3,}")
_ZONE = lazy(r"%[0-9a-z_.-]+")
_VERSION = KeyClass.VERSION
_REASON = "a valid address"


def _find(subject: Subject) -> Iterable[Finding]:
    low = subject.low
    v4 = subject.shape.count(b".d") >= 3 and subject.key is not _VERSION and _V4_SHAPE.search(low) is not None
    v6 = "::" in low or low.count(":") >= 7
    if v6:
        return [*_find_v6(low), *(_find_v4(low) if v4 else ())]
    return _find_v4(low) if v4 else ()


def _find_v4(low: str) -> Iterator[Finding]:
    agent = None
    for match in _V4.finditer(low):
        start, end = match.span()
        if _HARMLESS_V4.match(match[0]) is not None or _is_version(low, start, end):
            continue
        if (
            low.startswith("/", start - 1)
            and low[end : end + 1] != ":"
            and _PRODUCT.search(low, max(0, start - 40), start)
        ):
            # In a user agent every product has a version. Where there is none, paths end in addresses.
            agent = _PRODUCTS.search(low) is not None if agent is None else agent
            if agent:
                continue
        yield Finding("IP_ADDRESS", start, end, 0.9, _REASON)


def _is_version(low: str, start: int, end: int) -> bool:
    before = low[max(0, start - 40) : start]
    last = before[-1:]
    if last == "~":
        return True  # of a Windows package
    if last in ("-", "_"):
        return _PACKAGE_END.match(low, end) is not None
    is_tag = last == ":" and low[end : end + 1] not in (":", "/")
    if is_tag and (_NAMED_IMAGE.search(before) or _IMAGE.search(low, max(0, start - 120), start)):
        return True
    if before.endswith((":", "-> ")) and _ARTIFACT.search(low, max(0, start - 120), start):
        return True
    if last == "/" and low.startswith("/", end) and low.find(f"-{low[start:end]}", end, end + 120) >= 0:
        return True  # a folder of Maven, in which every file has the version in its name
    return _SAID_VERSION.search(before) is not None


def _find_v6(low: str) -> Iterator[Finding]:
    for match in _V6.finditer(low):
        start, end = _trimmed(low, *match.span())
        token = low[start:end]
        if not _is_v6(token):
            continue
        zone = _ZONE.match(low, end)
        yield Finding("IP_ADDRESS", start, zone.end() if zone else end, 0.9, _REASON)


def _trimmed(low: str, start: int, end: int) -> tuple[int, int]:
    """Without the end of a word before (``node:fe80::1``), and without the punctuation after."""
    if start and (low[start - 1].isalnum() or low[start - 1] == "_"):
        colon = low.find(":", start, end)
        if colon < 0 or low[colon : colon + 2] == "::":
            return start, start
        start = colon + 1
    elif low[start] == ":" and low[start + 1] != ":":
        start += 1
    after = low[end : end + 1]
    if after.isalnum() or after == "_":
        return start, start
    while end > start and (low[end - 1] == "." or (low[end - 1] == ":" and low[end - 2] != ":")):
        end -= 1
    return start, end


def _is_v6(token: str) -> bool:
    colons = token.count(":")
    if "::" in token:
        if colons < 3 and not any(map(str.isdigit, token)):
            return False  # dead::beef is more often code than an address, and fdff:: is a network
        if not token.startswith(("::ffff:", "64:ff9b:")) and token.find(":") < 3 and colons < 4:
            return False  # a::b1 too
    elif colons != 7 or "." in token:
        return False
    try:
        address = ipaddress.IPv6Address(token)
    except ValueError:
        return False
    mapped = address.ipv4_mapped
    return not (address.is_loopback or address.is_unspecified or (mapped is not None and mapped.is_loopback))


IP = Detector(
    "IP_ADDRESS",
    (
        rb"[0-9]\.0{0,2}[1-9][0-9]{0,2}\.[0-9]{1,3}\.[0-9]",
        rb"[0-9]\.0{1,3}\.0{0,2}[1-9][0-9]{0,2}\.[0-9]",
        rb"[0-9]\.0{1,3}\.0{1,3}\.0{0,2}[1-9]",
        rb"(?i)[0-9][0-9a-f]{0,3}::",
        rb"(?i)::[0-9a-f]{0,3}[0-9]",
        rb"(?i):[0-9a-f]{1,4}::",
        rb"(?i)::[0-9a-f]{1,4}:",
        rb"(?i)[0-9a-f](?::[0-9a-f]{1,4}){7}",
        rb"(?i)[0-9a-f:]" + ESCAPED + rb"3a",
        rb"(?i)(?:%(?:25){0,2}|u00)3a:",
    ),
    _find,
)
