"""Telemetry with personal data at known places: templates of what applications log, filled with generated values."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from urllib.parse import quote, quote_plus

from tests.accuracy.identifiers import IDENTIFIERS, PLACED
from tests.accuracy.kinds import KINDS, Kind, fill
from tests.accuracy.scoring import Sample, Span

SEED = 20261125
ALL_KINDS = (*KINDS, *IDENTIFIERS, *PLACED)
VALUES, VALUES_OF_IDENTIFIERS = 3, 1
_SLOT = re.compile(r"<(\w+)(?:\|(\w+))?>")
# `<value>` is the personal data, `<value|percent>` the same encoded; `<key>` and `<words>` are its name in code and in prose.
# A line that starts with an asterisk does not say what the value is. `KEY => VALUE` is an attribute.
_DEVELOPMENT = {
    "SQL": r"""
INSERT INTO customers (id, <key>, created) VALUES (<n>, '<value>', '<ts>')
UPDATE accounts SET <key> = '<value>' WHERE id = <n>
*SELECT id FROM users WHERE a = '<value>' OR b = <n> LIMIT 10
*INSERT INTO audit VALUES (<n>, '<value>', NULL, now())
SELECT * FROM orders WHERE <key>='<value>' AND status IN ('open','paid')
MERGE INTO profile p USING (SELECT <n> AS id, '<value>' AS <key>) s ON p.id = s.id
*CALL register_customer('<value>', <n>)
*ERROR: duplicate key value violates unique constraint "u_1" DETAIL: Key (c1)=(<value>) already exists.
""",
    "URL": r"""
https://shop.example/api/v2/checkout?<key>=<value|percent>&step=<n>
GET /login?next=%2Fhome&<key>=<value|form> HTTP/1.1
*https://api.example.com/v1/lookup?q=<value|percent>
*GET /search?term=<value|form>&page=<n> HTTP/1.1
POST https://crm.example/contacts?id=<n>&<key>=<value|percent>#top
redirecting to /verify?token_type=x&<key>=<value|percent>&lang=en
*callback /done?state=<n>&data=<value|percent> answered 302
*https://cdn.example.com/p;v=<value|percent>/img?w=20
""",
    "stack trace": r"""
java.lang.IllegalArgumentException: invalid <key>: <value>\n\tat com.example.pay.Gate.check(Gate.java:<n>)\n\tat java.base/java.lang.Thread.run(Thread.java:840)
Traceback (most recent call last):\n  File "/app/main.py", line <n>, in handle\n    raise ValueError(msg)\nValueError: <key>='<value>' is not valid
*Exception in thread "main" java.lang.RuntimeException: cannot process <value>\n\tat com.example.Main.run(Main.java:<n>)
*panic: unexpected input "<value>"\n\ngoroutine <n> [running]:\nmain.handle(0xc000<hex>)\n\t/app/main.go:42 +0x1b4
System.FormatException: The <key> <value> was not in a correct format.\n   at Shop.Api.Parse(String s) in /src/Api.cs:line <n>
Error: <words> <value> rejected\n    at Gate.check (/srv/app/gate.js:<n>:11)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
*thread 'tokio-runtime-worker' panicked at src/main.rs:<n>:5:\nno row for <value>
*RuntimeError (lookup failed for "<value>"):\n  app/models/user.rb:<n>:in `find!'
""",
    "JSON": r"""
{"level":"error","ts":<epoch>,"msg":"declined","<key>":"<value|json>","order":"<uuid>"}
{"user":{"id":<n>,"<key>":"<value|json>"},"items":[{"sku":"A-<n>","qty":1}]}
*{"event":"submitted","payload":{"a":"<value|json>","b":<n>}}
*{"args":["<value|json>",<n>,null],"ok":false}
{"request":"{\"<key>\":\"<value|jsonjson>\",\"n\":<n>}","status":422}
{"time":"<ts>","severity":"WARN","fields":{"<key>":["<value|json>"]},"trace":"<trace>"}
*{"rows":[[<n>,"<value|json>"],[<n>,"x"]]}
*{"log":"seen <value|json> on shard <n>","stream":"stdout"}
""",
    "key=value": r"""
<ts> level=info msg="signup done" <key>=<value> took=<n>ms
<ts> WARN [worker-<n>] validation failed <key>="<value>" attempt=2
*<ts> level=warn msg="bad input" value="<value>" shard=<n>
*<ts> INFO got '<value>' after <n> ms
ts=<epoch> caller=auth.go:<n> <key>="<value>" err="not found"
event=update user=<uuid> <key>: <value>, result: ok
*<ts> DEBUG cache miss for [<value>] ttl=<n>
*pid=<n> param1="<value>" param2=none
""",
    "log line": r"""
<ts> INFO c.e.billing.Charge - charging <words> <value> for order <uuid>
<ts> ERROR The <words> <value> could not be verified (try <n>)
*<ts> WARN rejected: <value>
*<ts> INFO  [http-nio-8080-exec-<n>] c.e.Api : customer sent <value>
[<ts>] app.WARNING: no match for <words>: <value> {"uid":"<hex>"}
I1125 10:00:00.123456       1 verify.go:<n>] <words> "<value>" accepted
*<n> <ts> worker said: <value>; going on
*[error] <n>#0: *17 upstream rejected "<value>" while reading
""",
    "RPC": r"""
grpc: code = InvalidArgument desc = invalid <key> "<value>"
rpc error: code = NotFound desc = no account with <words> <value> (request <uuid>)
*grpc-message: cannot%20handle%20<value|percent>
*HTTP 422 Unprocessable Entity: {"detail":"<value|json> is not allowed"}
status=FAILED_PRECONDITION, <key>: "<value>" is not verified, retry in <n>s
upstream returned 400: <words> <value> is already registered
*SOAP fault: value <value> violates facet, code <n>
*<fault><reason>unknown <value></reason><n/></fault>
""",
    "header": r"""
X-<Key>: <value>
> X-User-<Key>: <value>\r\n> Accept: */*
*x-forwarded-data: <value>
*Cookie-Note: v="<value>"; max=<n>
"headers":{"x-<Key>":["<value|json>"],"accept":["*/*"]}
x-customer-<Key>=<value|percent>;q=0.9
*baggage: note=<value|percent>,shard=<n>
*"x-note":["<value|json>","<n>"]
""",
    "exception": r"""
ValidationError: 1 validation error for Customer\n<key>\n  invalid value [type=value_error, input_value='<value>', input_type=str]
could not deliver to <words> <value>: timeout after <n> s
*KeyError: '<value>'
*invalid literal for conversion: "<value>"
<words> <value> has been used <n> times
No handler for <key> <value>
*Refused: <value>
*unexpected token near '<value>' at position <n>
""",
    "attribute": r"""
app.<key> => <value>
user.<key> => <value>
*exception.message => no route for <value>
*messaging.message.body => <value>
form.<key> => <value>
enduser.<key> => <value>
*app.input => <value>
*error.detail => got <value>, expected none
""",
    "message": r"""
Hello, my <words> is <value>, please update it.
chat: "you can use <words> <value> from now on" (agent <n>)
*user wrote: please take <value> instead
*note: "I have <value> now, thank you"
ticket <n>: customer asks to replace <words> <value>
"subject":"new <words>","body":"Dear team, <value> is my new <words>. Regards"
*feedback: your form did not accept <value>!
*comment=please remove <value> from my file
""",
}

# Written after the rules were. What leaks here is not to be looked at when one is changed; else it moves up.
_HELD_OUT = {
    "SQL": r"""
DELETE FROM leads WHERE lower(<key>) = '<value>' RETURNING id
*psycopg.errors.CheckViolation: new row for relation "t" violates check constraint "c"\nDETAIL:  Failing row contains (<n>, <value>, null).
db.people.find({"<key>": "<value>"}).limit(<n>)
*HSET session:<hex> v "<value>" n <n>
""",
    "URL": r"""
302 https://pay.example/return#status=ok&<key>=<value|percent>
*http://intranet.example/report.aspx?x=<value|percent>&format=pdf
curl -X PATCH 'https://api.example/v3/people/<n>?<key>=<value|percent>'
*"GET /autocomplete?text=<value|form>&n=<n> HTTP/1.1" 200 512 "-" "okhttp/4.12"
""",
    "stack trace": r"""
PHP Fatal error:  Uncaught InvalidArgumentException: Bad <key> "<value>" in /srv/www/lib/Check.php:<n>\nStack trace:\n#0 {main}
*** (ArgumentError) argument error: "<value>"\n    (app 0.1.0) lib/app/worker.ex:<n>: App.Worker.run/1
Caused by: com.example.BadRequest: <words> <value> not accepted\n\t... <n> more
*ERROR -- : StandardError: gave up on <value>\n/app/lib/job.rb:<n>:in `perform'
""",
    "JSON": r"""
{"@timestamp":"<ts>","log.level":"error","message":"lookup","labels":{"<key>":"<value|json>"},"ecs.version":"8.11"}
*{"jsonrpc":"2.0","method":"put","params":{"v":["<value|json>"]},"id":<n>}
{"data":{"customer":{"<key>":"<value|json>","active":true}},"errors":[]}
*[{"op":"replace","path":"/x","value":"<value|json>"},{"op":"test","path":"/y","value":<n>}]
""",
    "key=value": r"""
time="<ts>" level=error msg="not accepted" <key>="<value>" status=<n>
*<ts> [notice] arg0=<value> arg1=<n>
<key>=<value>|seq_no=<n>|result=FAIL
*CEF:0|acme|gw|1.0|100|blocked|5|msg=<value> cnt=<n>
""",
    "log line": r"""
<ts> [Thread-<n>] NOTICE  Gate - <words> = <value>
*<ts> FATAL aborted at <value>
W, [<ts> #<n>]  WARN -- : changed <words> to <value>
*<ts> | 3 | reader | parsed "<value>" (ok)
""",
    "RPC": r"""
twirp error invalid_argument: <key> <value> is malformed
*PublishRequest failed: payload=<value>, attempt=<n>
GraphQL error: Variable "$<key>" got invalid value "<value>"; expected type "Code"
*<soap:Body><m:Echo><m:text><value></m:text></m:Echo></soap:Body>
""",
    "header": r"""
:authority: api.example\n<key>: <value>\ncontent-length: <n>
*X-Original-Input: <value>
tracestate: vendor=<n>; <Key>: <value>
*grpc-metadata-note: <value|percent>
""",
    "exception": r"""
ZodError: [{"path":["<key>"],"received":"<value|json>","message":"Invalid"}]
*ValueError: time data '<value>' does not match format
<words>: <value> exceeds the limit
*IndexError: nothing at <value>!
""",
    "attribute": r"""
http.request.header.x-<key> => <value>
session.<key> => <value>
*log.message => skipped <value> (<n> left)
*rpc.request.body => {"x":"<value|json>"}
""",
    "message": r"""
Good morning, this is about <words> <value>. Thank you for your help
*sms: my new one is <value> please save it
"note":"client said: I lost my <words> <value> on Monday"
*reply: we could not use <value>, did you mean another?
""",
}

# Of what only has a meaning in its place.
_OWN = {
    "placed SQL_LITERAL": r"""
db.query.text => SELECT id FROM people WHERE name = '<value>' LIMIT <n>
db.statement => UPDATE people SET city = '<value>' WHERE id = ?
db.query.text => INSERT INTO notes (t, k) VALUES ('<value>', 0)
""",
    "placed URL": r"""
url.full => https://<value|percent>@files.example.com/a?page=<n>
url.full => https://app.example.com/callback?user_name=<value|percent>&page=<n>
GET /profile?full_name=<value|form>&n=<n> HTTP/1.1
""",
}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


_STYLES: tuple[Callable[[str], str], ...] = (
    str,
    _camel,
    lambda name: name.replace("_", "."),
    lambda name: name.replace("_", "-"),
)
_ENCODERS: dict[str | None, Callable[[str], str]] = {
    None: str,
    "percent": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "json": lambda value: json.dumps(value)[1:-1],
    "jsonjson": lambda value: json.dumps(json.dumps(value)[1:-1])[1:-1],
}
_NOISE: dict[str, Callable[[random.Random], str]] = {
    "n": lambda rnd: str(rnd.randrange(2, 999)),
    "ts": lambda rnd: (
        f"2026-{rnd.randrange(1, 13):02d}-{rnd.randrange(1, 29):02d}T{rnd.randrange(24):02d}:{rnd.randrange(60):02d}:07.{rnd.randrange(1000):03d}Z"
    ),
    "epoch": lambda rnd: f"{1_780_000_000 + rnd.randrange(10**6)}.{rnd.randrange(1000):03d}",
    "uuid": lambda rnd: str(uuid.UUID(int=rnd.getrandbits(128), version=4)),
    "trace": lambda rnd: f"{rnd.getrandbits(128):032x}",
    "hex": lambda rnd: fill(rnd, "@@@@@@"),
}


def templates() -> Iterator[tuple[str, str, bool]]:
    """Name, text and whether it is held out."""
    for held_out, families in ((False, _DEVELOPMENT), (False, _OWN), (True, _HELD_OUT)):
        for family, block in families.items():
            for number, line in enumerate(block.strip().splitlines(), 1):
                yield f"{family} {number}{' held out' if held_out else ''}", line, held_out


def _filled(rnd: random.Random, name: str, template: str, held_out: bool, kind: Kind) -> Sample:
    bare = template.startswith("*")
    make = kind.plain if bare and kind.plain is not None else kind.make
    value, prefix = make(rnd), rnd.choice(kind.prefixes)
    key = rnd.choice(_STYLES)(rnd.choice(kind.keys))
    names = {"key": key, "Key": key.replace("_", "-").replace(".", "-").title(), "words": rnd.choice(kind.words)}
    attribute, arrow, text = template.removeprefix("*").rpartition(" => ")
    text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    out: list[str] = []
    gold: list[Span] = []
    done = size = 0
    for slot in _SLOT.finditer(text):
        if slot[1] not in ("value", *names, *_NOISE):
            continue
        encode = _ENCODERS[slot[2]]
        before = encode(prefix) if slot[1] == "value" else ""
        part = encode(value) if slot[1] == "value" else names.get(slot[1]) or _NOISE[slot[1]](rnd)
        out += (text[done : slot.start()], before, part)
        size += slot.start() - done + len(before)
        if slot[1] == "value":
            gold.append(Span(kind.entity, size, size + len(part)))
        size += len(part)
        done = slot.end()
    out.append(text[done:])
    full = attribute.replace("<key>", key) if arrow else None
    return Sample("".join(out), tuple(gold), name, full, held_out)


@cache
def corpus(seed: int = SEED, kinds: Sequence[Kind] = ALL_KINDS) -> tuple[Sample, ...]:
    """Every kind in every template that fits it, ``VALUES`` times (``VALUES_OF_IDENTIFIERS`` for those that most systems do not know)."""
    return tuple(
        _filled(random.Random(f"{seed}/{name}/{kind.entity}/{number}"), name, template, held_out, kind)
        for name, template, held_out in templates()
        for kind in kinds
        if (
            name.startswith(f"placed {kind.entity}")
            if kind in PLACED
            else kind.plain is not None or not template.startswith("*")
        )
        and (kind in PLACED or not name.startswith(tuple(_OWN)))
        for number in range(VALUES if kind in KINDS else VALUES_OF_IDENTIFIERS)
    )
