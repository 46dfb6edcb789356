"""The time that redaction takes grows with the length of a text and with nothing else."""

from __future__ import annotations

import functools
import statistics
import time

import pytest

from errorplane.detectors import redact

TELEMETRY = (
    "2026-11-24T10:15:30.123456Z INFO orders.service GET /api/v1/orders/140891 completed with status 200 in 56.920 ms "
    "for tenant acme in eu-west-1, trace 4bf92f3577b34da6a3ce929d0e0e4736, pod web-7f9c4d5b6f-x2x9z, retries=0\n"
)
SIZE, MEGABYTE = 40_000, 1_000_000
# Repeated, each makes as many starts of something as there can be, or one that never ends.
WORST = (
    *(
        "pass",
        "password",
        "password=",
        "password: ",
        "password='",
        'password="',
        'password=\\"',
        "password={{",
        "pass: ",
    ),
    *(
        "password=<PASSWORD>",
        "password=x&",
        "<password>",
        "<password ",
        "<a><password>x",
        "--password ",
        "('password', '",
    ),
    *("secret ", "aws secret ", "token: ", "token=a ", "cookie={", "authorization: ", "authorization: a ", "api_key="),
    *("bearer ", "bearer+", "bearer a", "basic+", "basic aaaaaa", "eyJ", "eyJaaaaa.", ".eyJ", "AKIA", "aB/", "xoxb-"),
    *("-----BEGIN PRIVATE KEY-----", "PRIVATE KEY", "mysql ", "mysql -p", "curl -u ", "curl -u a:", "user", " -u"),
    *(
        "glpat-",
        "xoxb-a",
        "ghp_a",
        "hooks.slack.com/services/",
        "sk_live_",
        "bot1",
        "1:A",
        "Q~",
        "_mmk",
        ".atlasv1.",
        "-us1",
    ),
    *("discord_token", "discord", "sentry_key=", "sk-", "AKIA-", "ops_eyJ", "fm2_a/", "eyJ.eyJ.", "sumo_key: "),
    *("-----END PRIVATE KEY-----", 'kty"d":"', "Private-Lines: 1", "MIIabcdIBAAKC", "MHcCAQEEI"),
    *(
        "insert into a values ('",
        "update a set ",
        "update a ",
        "delete from a '",
        "select '",
        "where '",
        "parameters: '",
    ),
    *("/*", "--", "$$", "$a$", "\\'", "''", "e'", "('", "0x", "1e"),
    *("?code=", "&user=", "http://a:b", "http://", "otp: 1", "is your ", "1234 is your a", "$1$a$", "{SHA}", "argon2$"),
    *("Ym9iLnNtaXRoQGV4", "Ym9i", "aGVsbG8gd29ybGQg/", "AAAA", "YWFhAAAA", "&#64;", "\\x40", "&amp;#64;", "&#000"),
    *("@", "a@", "a@b.", "@a.", "a.", "a%40b.cc ", "a\\u0040b.cc ", "://", "a://", "a://b:", "a://b:c@d ", "x://a:b@"),
    *(
        "1-",
        "1 ",
        "1",
        "12 ",
        "1234 ",
        "1234-",
        "1.",
        "1+",
        "001 2",
        "4111-1111-1111-1111-",
        "+1",
        "+",
        "(2",
        "00",
        "0",
        "my 1 ",
        "call 12 ",
        "(12)34",
        "12 34",
        "\n12 34",
        "0123 45 67 ",
        "4111.1111.",
    ),
    *("123-45-", "ssn 123456789 ", "call me 1", "phone 1", "phone ", "DE89", "no15 ", "a:", "::", "1::", "f:", "0:"),
    *(
        "1.2.3.4 ",
        "a/1.2.3.4 ",
        "'",
        '"',
        "`",
        "\\",
        '\\"',
        "%",
        "%25",
        "%20",
        "\\n",
        "&amp;",
        "<",
        "<JWT>",
        "{",
        ")",
        ",a",
    ),
    *("4111 1111 1111 1111 ", "4111111111111111 ", ";4111111111111111=", "jdbc:oracle:thin:a/", "1A1z", "vat ", "dob "),
    *("\u0661", "\uff11", "日", "\ud800", "\x00", "a", "A"),
)


def _cpu_s(text: str, key: str | None = None) -> float:
    start = time.process_time()
    redact(text, key)
    return time.process_time() - start


def _least_s(text: str, key: str | None, budget: float) -> float:
    """The least of up to three measurements: on a busy machine one of them may be off."""
    seconds = [_cpu_s(text, key)]
    while seconds[-1] > budget and len(seconds) < 3:
        seconds.append(_cpu_s(text, key))
    return min(seconds)


def _is_slow(text: str, key: str | None, budget: float) -> bool:
    """Whether it takes more than the budget, and four times the length more than eight times as long.

    What is merely dense, a number at every second byte, is above the budget on some machines: four times the length
    takes four times as long, and sixteen times if the look is quadratic.
    """
    seconds = _least_s(text, key, budget)
    if seconds <= budget:
        return False
    return seconds > 4 * budget or seconds > 8 * min(_cpu_s(text[: len(text) // 4], key) for _ in range(3))


def _filled(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


@functools.cache
def _budget_s(size: int) -> float:
    """Sixty times what usual lines of this length take; a look that is quadratic takes hundreds of times as long.

    In most usual lines few detectors look at all; where every word is a literal or a number, most do, and twice.
    """
    return 60 * statistics.median(_cpu_s(_filled(TELEMETRY, size)) for _ in range(5))


@pytest.mark.parametrize("key", [None, "phone", "ssn", "card", "authorization", "db.query.text"])
def test_worst_cases_take_as_long_as_their_length(key: str | None) -> None:
    """Forty kilobytes of any of them take at most sixty times as long as usual lines, or no more than their share."""
    units = WORST if key is None else [unit for unit in WORST if len(unit) <= 2 and not unit.isalpha()]
    budget = _budget_s(SIZE)
    assert [unit for unit in units if _is_slow(_filled(unit, SIZE), key, budget)] == []


def test_words_elsewhere_in_the_text_make_nothing_quadratic() -> None:
    """The same beside words without which many detectors do not look."""
    budget = _budget_s(SIZE // 2)
    texts = {unit: f"my card, phone, dob, iban and pass are x@y.de :// {_filled(unit, SIZE // 2)}" for unit in WORST}
    assert [unit for unit, text in texts.items() if _is_slow(text, None, budget)] == []


@pytest.mark.parametrize(
    "unit",
    ["pass", "@", "1-", "a:", "eyJ", "1", "://", "'", "password={{", "glpat-", "/*", "Ym9iLnNtaXRoQGV4", "select 'a"],
)
def test_a_megabyte(unit: str) -> None:
    """It is the same at 25 times that length."""
    budget = _budget_s(MEGABYTE)
    assert not _is_slow(_filled(unit, MEGABYTE), None, budget)
