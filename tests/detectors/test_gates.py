"""Nothing that is found can be missed by the scan of raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import hyperscan
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.detectors.identifiers import IN_TEXTS, UNDER_KEYS
from tests.detectors.samples import ENCODERS, marked, wide

from errorplane.detectors import ALL, FOLDED_GATES, Detector, Subject, find

POSITIVES = [
    *(marked(text)[0] for _, text in IN_TEXTS),
    "4111\x1b[m111111111111",
    "4111\u00a01111\u00a01111\u00a01111 and +33\u202f6\u202f12\u202f34\u202f56\u202f78 or 212\u2011555\u20110187",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----",
    "Anna Berg\nMain Street 5\n467 3395\nBerlin",
    *r"""
bob@example.com
"bob smith"@example.co.uk
jörg@müller.de
用户@例子.公司
alice@example.com.tar.gz
4111 1111 1111 1111
3782-822463-10005
4111.1111.1111.1111
4111  1111  1111  1111
6759649826438453
card 122000000000003
501800000009
DE89 3704 0044 0532 0130 00
DE89-3704-0044-0532-0130-00
GB29NWBK60161331926819
NO9386011117947
BF78A14010130046357400039012
MT84MALT011000012345MTLCAST001S
AD1200012030200359100100
536-90-4399
536 90 4399
536.90.4399
ssn 123456789
Social Security no. 536.90.4399
192.168.1.1
0.1.2.3
10.0.0.7
2001:db8::1
fe80::1%eth0
::ffff:10.1.2.3
fdab:cdef::abcd
2001:db8:1:2:3:4:5:6
+1 (212) 555-0187
(212)555-0187
212.555.0187
0044 20 7946 0958
06 12 34 56 78
(020) 7946 0958
07700 900123
tel: 55 50 18
\u001b[36mtel\u001b[0m=\u001b[35m55 50 18
tél. : 21 732 6819 ext. 466
Telefon: 60734576
teléfono 60734576
Тел. 60734576
电话60734576
โทร 60734576
फ़ोन 60734576
tlf: 607345
handy=607345
my number is 810142411
text me at 61779217
+33.612484156
(+33) 6 13 83 32 83
call me on 555 0187 12
desk: 555-0187
whats app 5511912345678
my number is 55 50 18 71
messages from 555-0187
please ring 467 3395
you lost 2125550187
Anna, 721 200 110, Berlin
0472 13 29 62
031-035-132
call 5757803855 to book
reached at 468 0673
caller=(33) 777-289
467 3395 (office)
a\nb c\n467 3395\nd
21 289 731 8106
67 534 85 44
helpline 467 3395
+%28212%29 555 0187
Authorization: Bearer abc.def-ghi
Basic dXNlcjpwYXNz
authorization: SSWS 00abc123
jsessionid=AB12CD34
Cookie: sid=abc; theme=dark
token=deadbeef0123
?sv=1&sig=abcDEF123&x=1
xoxb-1234567890-abcdef
ghp_abcdefghijklmnopqrstuvwxyz0123456789
sk_live_abcdefghij123
SG.abcdefghijklmnop
AKIAIOSFODNN7EXAMPLE
eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def-1
aws secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
SECRET_KEY=abc123def
secret key: abc123
{"password":"hunter2","user":"bob"}
('password', 'hunter2')
['psql', '--password', 'hunter2']
{"name": "DB_PASSWORD", "value": "hunter2"}
pass=hunter2
pw=hunter2
cvv=123
<password type="x">hunter2</password>
postgres://app:s3cr/e@t@db/x
https://bob:hunter2@[::1]:8080/x
jdbc:oracle:thin:scott/tiger@//host:1521/x
redis://:hunter2@h
mysql -uroot -phunter2 db
user pass: x1
sshpass -p hunter2 ssh h
curl -s -u bob:hunter2 http://x
curl --user bob:hunter2 http://x
CREATE USER bob IDENTIFIED BY 'x1'
api key: x1
ftp://a:b@ü.de
otp: 482913
482913 is your login code
bob:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00
{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3
pbkdf2_sha256$260000$abcdefgh$AbCdEfGhIjKlMnOpQrStUvWxYz0123456789ABCDEFG=
https://x/cb?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj1&page=2
user_name=bob&page=2
https://bob:x1@host/x
INSERT INTO users VALUES (1, 'bob', 'x1')
[SQL: UPDATE users SET pw='x1' WHERE id=3]
parameters: $1 = 'bob'
q=Ym9iLnNtaXRoQGV4YW1wbGUuY29tIHNheXM
mail bob&#64;example.com or bob\x40example.com
DISCORD_SECRET_KEY=abcdef0123456789abcdef0123456789
https://api.telegram.org/bot123456789:AAabcdefghijklmnopqrstuvwxyzABCDEFG/sendMessage
whsec_abcdefghijklmnopqrstuvwxyz012345
MHcCAQEEIabcdefghijklmnopqrstuvwxyz
{"kty":"EC","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}
""".strip().splitlines(),
]
KEYS = [
    *(key for _, key, _ in UNDER_KEYS),
    "\uff50assword",
    *"""
db.password
clientSecret
x-api-key
authorization
user.phone
fax number
ssn
social_security
card
version
account_id
cookie
whats-app
sms_no
accessToken2
db.query.text
db.statement
db.query.parameter.0
exception.message
otp
message
""".strip().splitlines(),
]
CLEAN = """\
GET /api/v1/orders/{id}
checkout-service
eu-west-1b
opentelemetry
1.44.0
grpc.health.v1.Health
2026-11-24T10:00:00.123456Z
https://api.example.com:8443/v1/orders/42?page=2&q=a%20b
text/html; q=0.9
1f0e5a3c-9b7d-4c61-8e2f-a3d95b7c61e8
b7ad6b7169203331
web-7f9c4d5b6f-x2x9z
SELECT * FROM orders WHERE id = ?
java.lang.IllegalStateException: queue is full
  File "/app/main.py", line 12, in handle
HTTP/1.1
""".splitlines()
_SEQUENCES = r"00 :: // \n \/ %20 %40 %3D %3a %2B %2F %2520 \u0040 \u002B \u0022 \\u0020 &quot; &amp;"
_SEQUENCES += r" %2D %61 %C2%A0 %E2%80%8B \u0034 \u00a0 \uFF14 \x34 &#52; &#x2d; &shy; &#8203; \u001b[1m #033[m"
BITS = [
    *" -+./:;,=@%\\\"'()[]{}<>&?\n\t0123456789abcdefXYZ",
    *"\x1b\u00ad\u200b\ufeff",
    *"\u00e9\u65e5\u0664\uff19\uff20\uff0e\u2011\u00a0\U0001d7d7",
    *_SEQUENCES.split(),
]
Edit = Callable[[str], str]


def _edit(kind: int, at: int, bit: str) -> Edit:
    def edit(text: str) -> str:
        place = at % (len(text) + 1)
        before, here, after = text[:place], text[place : place + 1], text[place + 1 :]
        match kind:
            case 0:
                return before + bit + here + after
            case 1:
                return before + bit + after
            case 2:
                return before + (wide(here) if "!" <= here <= "~" else here) + after
            case 3:
                return before + (f"%{ord(here):02X}" if here and here.isascii() else here) + after
            case 4:
                return before + (f"\\u{ord(here):04x}" if here and here.isascii() else here) + after
            case _:
                return before + here.swapcase() + after

    return edit


EDITS = st.builds(_edit, st.integers(0, 5), st.integers(0, 200), st.sampled_from(BITS))


def _edited(text: str, edits: list[Edit], encoders: list[str], more: list[Edit]) -> str:
    for edit in edits:
        text = edit(text)
    for name in encoders:
        text = ENCODERS[name](text)
    for edit in more:
        text = edit(text)
    return text


TEXTS = st.builds(
    _edited,
    st.lists(st.sampled_from(POSITIVES) | st.sampled_from(KEYS), min_size=1, max_size=3).map(" ".join),
    st.lists(EDITS, max_size=3),
    st.lists(st.sampled_from(sorted(ENCODERS)), max_size=2),
    st.lists(EDITS, max_size=2),
)
NAMES = st.builds(_edited, st.sampled_from(KEYS), st.lists(EDITS, max_size=2), st.just([]), st.just([]))


def _compiled(expressions: Sequence[bytes]) -> Callable[[str], bool]:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(expressions),
        ids=range(len(expressions)),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_DOTALL] * len(expressions),
    )

    def fires(text: str) -> bool:
        hits: list[int] = []
        database.scan(text.encode(), lambda number, *_: hits.append(number))
        return bool(hits)

    return fires


GATES = [(detector, _compiled([*detector.gate, *FOLDED_GATES])) for detector in ALL]


@given(TEXTS, st.none() | NAMES)
@settings(max_examples=1200)
@example("call\\u0020me on 555 0187 12", None)
@example("postgres%253A//app:s3cret@db/x", None)
@example("social\\u0020security\\u0020123456789", None)
@example("DE89-3704-0%2B044-0532-0130-00", None)
@example("curl -s -u\u65e5bob:hunter2 http://x", None)
@example("%3A:ffff:a01:203", None)
@example("api+key%3Dhunter2", None)
@example("{SSHA%7DDkMTwBl+a/3DQTxCYEApdUtNXGgdUac3", None)
@example("hunter2", "client\uff33ecret")
def test_whatever_is_found_its_gate_fires(text: str, key: str | None) -> None:
    """If a detector finds something by a text or a key, one of its expressions matches the bytes of that text or key."""
    for detector, fires in GATES:
        if find(text, key, [detector]):
            assert fires(text) or (key is not None and fires(key)), detector.entity


@pytest.mark.parametrize("first", sorted(ENCODERS))
def test_every_sample_in_every_encoding(first: str) -> None:
    """Of each sample, encoded once and encoded again in each way, no gate misses what is found."""
    for text in POSITIVES:
        once = ENCODERS[first](text)
        for encoded in (once, *(encode(once) for encode in ENCODERS.values())):
            for detector, fires in GATES:
                assert fires(encoded) or not find(encoded, None, [detector]), (detector.entity, encoded)


@pytest.mark.parametrize("text", POSITIVES)
def test_the_samples_are_found(text: str) -> None:
    """What the texts above start from is personal data, so that the test above has something to look for."""
    assert find(text)


def test_every_character_that_is_read_as_another() -> None:
    """One of the expressions for them fires on each."""
    text = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    changed = [raw for raw, read in zip(text, Subject.of(text).text, strict=True) if raw != read]
    assert len(changed) > 600
    fires = _compiled(FOLDED_GATES)
    assert [char for char in changed if not fires(char)] == []


@given(TEXTS)
@settings(max_examples=200)
def test_gates_have_no_boundaries(text: str) -> None:
    """A gate that fires on a text fires wherever the text stands between other bytes, as in a protobuf message."""
    for _, fires in GATES:
        if fires(text):
            assert fires(f"J9{text}4J")
            assert fires(f"\x12\x30{text}\x4a\x10")


@pytest.mark.parametrize("detector", ALL, ids=lambda detector: detector.entity)
def test_gates_leave_clean_telemetry_alone(detector: Detector) -> None:
    """None fires on routes, ids, timestamps, versions and other usual values; else every string would be looked at."""
    (fires,) = (fires for each, fires in GATES if each is detector)
    assert [value for value in CLEAN if fires(value)] == []
