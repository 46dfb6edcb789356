"""Telemetry that holds no personal data stays as it is."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping

import pytest
from tests.detectors.samples import spans

LINES = """\
2026-11-24T10:00:00.123456789Z INFO [main] o.s.b.w.e.tomcat.TomcatWebServer: Tomcat started on port(s): 8080 (http)
[2026-11-24 10:00:00,123] {taskinstance.py:1280} INFO - Marking task as SUCCESS. dag_id=etl, execution_date=20261124T100000
24/Nov/2026:10:00:00 +0100 "GET /static/image@2x.png?v=1732443600123 HTTP/1.1" 200 5316 "-" "kube-probe/1.31"
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36
Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1
java.lang.NullPointerException: Cannot invoke "String.length()" because "<local1>" is null
    at com.example.orders.PasswordEncoder$1.encode(PasswordEncoder.java:42) ~[orders-1.2.3.jar!/:1.2.3]
    at java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)
  File "/usr/lib/python3.11/site-packages/requests/auth.py", line 120, in handle_401
    at handler@main.js:10:5
    at Object.<anonymous> (/app/node_modules/.pnpm/express@4.18.2/node_modules/express/lib/router/layer.js:95:5)
goroutine 1 [running]: main.main() /go/pkg/mod/golang.org/toolchain@v0.0.1-go1.21.0.linux-amd64/src/main.go:12 +0x1b4
thread 'main' panicked at src/main.rs:4:5: index out of bounds: the len is 3 but the index is 99
panic: runtime error: invalid memory address or nil pointer dereference [signal SIGSEGV code=0x1 addr=0x0 pc=0x4a5c20]
#0 0x00007f8b4c2a1e97 in raise () from /lib/x86_64-linux-gnu/libc.so.6
SELECT o.id, o.total FROM orders o WHERE o.created_at > '2026-11-24 10:00:00' AND o.status IN (1, 2, 3) LIMIT 100
UPDATE users SET password_hash = ? WHERE id = ?
ERROR: duplicate key value violates unique constraint "orders_pkey" DETAIL: Key (id)=(4711) already exists.
password reset failed: token expired
invalid token: unexpected end of input
authorization failed: user lacks permission orders:read
gen_ai.usage.input_tokens=512 gen_ai.usage.output_tokens=128 max_tokens=4096
arn:aws:iam::123456789012:role/checkout
arn:aws:lambda:eu-west-1:501800000009:function:charge
s3://bucket-123456789012/2026/11/24/10/part-00000-1f0e5a3c-9b7d-4c61-8e2f-a3d95b7c61e8.c000.snappy.parquet
registry.example.com:5000/shop/checkout@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
commit da39a3ee5e6b4b0d3255bfef95601890afd80709 merged into main (#1234)
kafka: partition orders-7 offset 10485760123, lag 42, leader epoch 17, broker 3
GC(42) Pause Young (Normal) (G1 Evacuation Pause) 512M->128M(1024M) 12.345ms
eth0: ff:ff:ff:ff:ff:ff mtu 1500 state UP, lo: 127.0.0.1/8 ::1/128 netmask 255.255.255.0
listening on 0.0.0.0:4317 and [::]:4318
nginx/1.27.2 OpenSSL/3.0.15 built 10 Sep 2026, worker 1234 exited on signal 9
Shop.Core, Version=8.0.0.0, Culture=neutral, PublicKeyToken=1b97116863bf3066
Heap [PSYoungGen: 498259K->0K(3736494K)] [ParOldGen: 23068672K->19922944K(80161530K)] 80161530K->7208847K(49880649K)
ledger: posted journal 4375417015 debit=119201.17 credit=0.00 balance=971951036.89 seq=757492680785
slow poll elapsed_ms=98246 conn=ConnectionId(503822134928641949) eventTime=374315173234220
DETAIL:  Key (order_id)=(6427193170332495180) is not present in table "orders".
Node state jump to NORMAL, token 6504120698999147011
GET /cart/392c4f45-2c30-4cc1-8ca9-83e7eb3fe9c4?ts=1764940538796&v=12.25.189
pip install urllib3==2.2.3 protobuf==5.28.3 numpy-2.1.3-cp311-cp311-manylinux_2_17_x86_64.whl
cpu: 1.5, mem: 536870912, disk: 10737418240, uptime: 1234567 s, load: 0.52 0.58 0.59
lat=52.520008 ms avg=13.404954 accuracy=12.5
order 112-1234567-1234567 shipped, sku 978-3-16-148410-0, invoice INV-2026-000123
retry 3/5 in 1.5s (backoff=2**3) after HTTP 503: upstream connect error
Content-Type: multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW
Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8
std::vector<int>::at: __n (which is 5) >= this->size() (which is 5)
getty@tty1.service: Succeeded. user@1000.service: Deactivated successfully.
lib/foo.so.1.2.3.4 and log4j-core-2.17.1.jar, release 24.10.1, build 20261124.1
@app.route("/orders/<int:order_id>") @pytest.fixture @Override
color: #1e90ff; margin: 0 10px 20px 30px; transition: all 0.3s
{"level":"info","ts":1732443600.123,"caller":"zap/logger.go:42","msg":"served","took":0.0012,"status":200,"bytes":5316}
Access-Control-Allow-Credentials: true, Set-Password-Policy: strict
""".splitlines()


@pytest.mark.parametrize("line", LINES)
def test_real_kinds_of_lines(line: str) -> None:
    """Access logs, stack traces of six languages, SQL, ids, versions, addresses of no one, metrics and prose are clean."""
    assert spans(line) == []


Maker = Callable[[random.Random], str]
PARTS: Mapping[str, Maker] = {
    "uuid": lambda rnd: str(uuid.UUID(int=rnd.getrandbits(128), version=4)),
    "trace": lambda rnd: f"{rnd.getrandbits(128):032x}",
    "span": lambda rnd: f"{rnd.getrandbits(64):016x}",
    "sha1": lambda rnd: f"{rnd.getrandbits(160):040x}",
    "sha256": lambda rnd: f"{rnd.getrandbits(256):064x}",
    "epoch ms": lambda rnd: str(1_700_000_000_000 + rnd.randrange(10**11)),
    "epoch ns": lambda rnd: str(1_700_000_000_000_000_000 + rnd.randrange(10**17)),
    "iso": lambda rnd: (
        f"2026-{rnd.randrange(1, 13):02d}-{rnd.randrange(1, 29):02d}T10:{rnd.randrange(60):02d}:00+01:00"
    ),
    "compact": lambda rnd: f"2026{rnd.randrange(1, 13):02d}{rnd.randrange(1, 29):02d}T{rnd.randrange(10**6):06d}Z",
    "count": lambda rnd: str(rnd.randrange(10 ** rnd.randrange(1, 11))),
    "float": lambda rnd: f"{rnd.random() * 10 ** rnd.randrange(6):.{rnd.randrange(1, 14)}f}",
    "version": lambda rnd: "v" + ".".join(str(rnd.randrange(30)) for _ in range(rnd.randrange(2, 5))),
    "pod": lambda rnd: f"web-{rnd.getrandbits(38):x}-{''.join(rnd.choices('bcdfghjklmnpqrstvwxz2456789', k=5))}",
    "pointer": lambda rnd: f"0x{rnd.getrandbits(48):012x}",
    "route": lambda rnd: f"/api/v{rnd.randrange(4)}/orders/{rnd.randrange(10**7)}/items/{rnd.randrange(99)}",
    "object": lambda rnd: f"com.example.Order@{rnd.getrandbits(32):x}",
    "size": lambda rnd: f"{rnd.randrange(999)} {rnd.randrange(999)} kB, {rnd.randrange(9999)} of {rnd.randrange(9999)}",
}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_generated_values(name: str) -> None:
    """Of 1,500 random ids, times, counts, versions and routes, next to words, at most one in a thousand is taken."""
    rnd = random.Random(name)
    values = [PARTS[name](rnd) for _ in range(1500)]
    taken = [value for value in values if spans(f"order {value} done in zone a")]
    assert len(taken) <= len(values) / 1000, taken
