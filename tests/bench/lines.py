"""Lines of telemetry of about 130 characters: without personal data, and dense with it. Seeded; none comes twice."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from tests.detectors.samples import card, iban, in_groups

_WORDS = [
    "order",
    "cart",
    "session",
    "worker",
    "queue",
    "batch",
    "shard",
    "region",
    "payment",
    "invoice",
    "lookup",
    "cache",
    "export",
    "import",
    "replica",
]
_PEOPLE = [
    "jane",
    "john",
    "maria",
    "ahmed",
    "li",
    "sofia",
    "peter",
    "anna",
    "omar",
    "yuki",
    "lars",
    "elena",
    "pablo",
    "chloe",
    "ivan",
]
_FAMILIES = [
    "doe",
    "smith",
    "garcia",
    "khan",
    "wang",
    "rossi",
    "novak",
    "berg",
    "silva",
    "tanaka",
    "olsen",
    "dubois",
    "ivanova",
    "jones",
]

CLEAN: tuple[str, ...] = (
    "{time} INFO [{word}-service,{trace},{span}] Finished {word} {word2} for shard {n} in {ms} ms, {n2} rows, status=ok",
    'GET /api/v1/{word}/{n2}?page={n}&sort=created_at HTTP/1.1" 200 {n2} "-" upstream_response_time=0.{ms} rid={uuid}',
    "SELECT id, state, total FROM {word}s WHERE id = $1 AND state <> $2 ORDER BY created_at LIMIT {n} -- took {ms} ms",
    "java.lang.IllegalStateException: {word} {n2} is closed at com.example.{word}.Worker.run(Worker.java:{n}) ~[app.jar]",
    'level=warn ts={time} caller=scrape.go:{n} component={word} msg="slow iteration" elapsed={ms}ms took={n2}us pod={pod}',
    "File \"/app/{word}/handlers.py\", line {n}, in handle_{word2}: KeyError: '{word}' after {ms} attempts, worker {n2}",
    "Pulled image registry.local/{word}:{n}.{ms}.{n2} in {ms}ms on node {pod}; container {span} of replica set {word}-{n}",
    "kafka consumer group {word}-{word2} lag={n2} partition={n} offset={big} committed={big} rebalance generation {ms}",
)
DENSE: tuple[str, ...] = (
    "user {email} ({phone}) paid with card {card} from {ip}; receipt to {email2}",
    "WARN transfer of {n} EUR from {iban} to {iban2} by {email} at {ip} declined",
    '{{"to": "{email}", "tel": "{phone}", "ssn": "{ssn}", "card": "{card}", "ip": "{ip}", "n": {n}}}',
    "INSERT INTO people VALUES ('{email}', '{phone}', '{ssn}', '{card}') -- from {ip}, {ms} ms",
    "GET /reset?mail={email}&ip={ip} 302 {ms}ms caller {phone}, {iban}, ssn {ssn}, shard {n}",
    "chat with {email}: my card is {card}, my number is {phone}, call me; agent at {ip}, ticket {n2}",
    "exception: no route for {email} <- {ip} <- {ip2}; {iban}, contact {phone}, retry {n}",
)


def lines(templates: tuple[str, ...], count: int, seed: int) -> list[str]:
    """``count`` lines, the templates in turn."""
    rng = random.Random(seed)
    return [_filled(templates[number % len(templates)], rng) for number in range(count)]


def _filled(template: str, rng: random.Random) -> str:
    makers: dict[str, Callable[[], object]] = {
        "time": lambda: f"2026-11-{rng.randrange(1, 28):02d}T10:{rng.randrange(60):02d}:07.{rng.randrange(1000):03d}Z",
        "word": lambda: rng.choice(_WORDS),
        "word2": lambda: rng.choice(_WORDS),
        "trace": lambda: f"{rng.getrandbits(128):032x}",
        "span": lambda: f"{rng.getrandbits(64):016x}",
        "uuid": lambda: uuid.UUID(int=rng.getrandbits(128), version=4),
        "pod": lambda: f"web-{rng.getrandbits(40):010x}-x{rng.randrange(10)}z",
        "n": lambda: rng.randrange(1, 999),
        "n2": lambda: rng.randrange(1000, 99999),
        "big": lambda: rng.randrange(10**7, 10**9),
        "ms": lambda: rng.randrange(1, 999),
        "email": lambda: _email(rng),
        "email2": lambda: _email(rng),
        "phone": lambda: _phone(rng),
        "card": lambda: in_groups(card(rng, *rng.choice(((4, 4, 16), (51, 55, 16)))), rng.choice(("", " ", "-"))),
        "ip": lambda: _ip(rng),
        "ip2": lambda: _ip(rng),
        "iban": lambda: iban(rng, rng.choice(("DE", "GB", "FR", "NL"))),
        "iban2": lambda: in_groups(iban(rng, rng.choice(("DE", "ES", "IT"))), " "),
        "ssn": lambda: f"{rng.randrange(100, 665)}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}",
    }
    return template.format_map({name: make() for name, make in makers.items() if "{" + name + "}" in template})


def _email(rng: random.Random) -> str:
    return f"{rng.choice(_PEOPLE)}.{rng.choice(_FAMILIES)}{rng.randrange(1000)}@{rng.choice(('example.com', 'mail.example.org'))}"


def _phone(rng: random.Random) -> str:
    shape = rng.choice(("+49 30 {:08d}", "+1 212-555-{:04d}", "(415) 555-{:04d}", "+44 20 7946 {:04d}"))
    return shape.format(rng.randrange(1000, 10000))


def _ip(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(1, 255)) for _ in range(4))
