"""Ordinary log lines, in the style of many systems, without personal data but for IP addresses.

Real collections of logs may not be copied into a project (LogHub, https://github.com/logpai/loghub, is free for research
only), so these are generated; a folder of real ones can be measured beside them (``read_folder``).
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.accuracy.kinds import digits, fill, token, words

SEED, COUNT = 20261125, 10_000
Maker = Callable[[random.Random], str]


def _iso(rnd: random.Random) -> str:
    return (
        f"2026-{rnd.randrange(1, 13):02d}-{rnd.randrange(1, 29):02d}{rnd.choice('T ')}{rnd.randrange(24):02d}:"
        f"{rnd.randrange(60):02d}:{rnd.randrange(60):02d}{rnd.choice(['', ',', '.'])[:1]}"
    ).rstrip(",.") + rnd.choice(["", f".{digits(rnd, 3)}", f",{digits(rnd, 3)}", f".{digits(rnd, 6)}Z", "+01:00"])


_MONTHS = words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
_NAMES = words(
    "checkout payments orders catalog search gateway auth billing ledger mailer worker indexer frontend cart"
)
_LEVELS = words("INFO WARN ERROR DEBUG TRACE NOTICE")
_CLASSES = words(
    "OrderService RetryTemplate HikariPool ConnectionManager BlockManager TaskSetManager KafkaConsumer Dispatcher"
)
_PARTS: dict[str, Maker] = {
    "iso": _iso,
    "syslog": lambda rnd: (
        f"{rnd.choice(_MONTHS)} {rnd.randrange(1, 29):2d} {rnd.randrange(24):02d}:{rnd.randrange(60):02d}:{rnd.randrange(60):02d}"
    ),
    "clf": lambda rnd: (
        f"{rnd.randrange(1, 29):02d}/{rnd.choice(_MONTHS)}/2026:{rnd.randrange(24):02d}:{rnd.randrange(60):02d}:{rnd.randrange(60):02d} +0{rnd.randrange(10)}00"
    ),
    "short": lambda rnd: (
        f"26/{rnd.randrange(1, 13):02d}/{rnd.randrange(1, 29):02d} {rnd.randrange(24):02d}:{rnd.randrange(60):02d}:{rnd.randrange(60):02d}"
    ),
    "hdfs": lambda rnd: (
        f"26{rnd.randrange(1, 13):02d}{rnd.randrange(1, 29):02d} {fill(rnd, '1%4%2%')} {rnd.randrange(1, 4000)}"
    ),
    "s": lambda rnd: str(1_700_000_000 + rnd.randrange(10**8)),
    "ms": lambda rnd: str(1_700_000_000_000 + rnd.randrange(10**11)),
    "us": lambda rnd: str(1_700_000_000_000_000 + rnd.randrange(10**14)),
    "ns": lambda rnd: str(1_700_000_000_000_000_000 + rnd.randrange(10**17)),
    "n": lambda rnd: str(rnd.randrange(10 ** rnd.randrange(1, 6))),
    "big": lambda rnd: str(rnd.randrange(10 ** rnd.randrange(6, 13))),
    "id": lambda rnd: str(rnd.randrange(10**7, 10**10)),
    "long": lambda rnd: digits(rnd, rnd.choice([15, 16, 17, 18, 19])).replace("0", "3", 1),
    "i64": lambda rnd: str(rnd.randrange(-(2**63), 2**63)),
    "p": lambda rnd: str(rnd.randrange(1024, 65536)),
    "d": lambda rnd: str(rnd.randrange(1, 9)),
    "f": lambda rnd: f"{rnd.random() * 10 ** rnd.randrange(5):.{rnd.randrange(1, 9)}f}",
    "uuid": lambda rnd: str(uuid.UUID(int=rnd.getrandbits(128), version=4)),
    "trace": lambda rnd: f"{rnd.getrandbits(128):032x}",
    "span": lambda rnd: f"{rnd.getrandbits(64):016x}",
    "sha1": lambda rnd: f"{rnd.getrandbits(160):040x}",
    "sha256": lambda rnd: f"{rnd.getrandbits(256):064x}",
    "hex": lambda rnd: f"{rnd.getrandbits(32):08x}",
    "ptr": lambda rnd: f"0x{rnd.getrandbits(48):012x}",
    "ip": lambda rnd: ".".join(str(rnd.randrange(1, 224)) for _ in range(4)),
    "ver": lambda rnd: ".".join(str(rnd.randrange(30)) for _ in range(rnd.choice([2, 3, 3]))),
    "ver4": lambda rnd: ".".join(str(rnd.randrange(1, 200)) for _ in range(4)),
    "svc": lambda rnd: rnd.choice(_NAMES),
    "lvl": lambda rnd: rnd.choice(_LEVELS),
    "cls": lambda rnd: rnd.choice(_CLASSES),
    "pod": lambda rnd: f"{rnd.choice(_NAMES)}-{token(rnd, 10).lower()}-{token(rnd, 5).lower()}",
    "host": lambda rnd: f"{rnd.choice(['ip', 'node', 'web', 'db', 'r'])}{rnd.choice('-.')}{rnd.randrange(1, 99)}",
    "order": lambda rnd: fill(
        rnd, rnd.choice(["###-#######-#######", "ORD-2026-######", "INV######", "#########", "A##-###-####"])
    ),
    "status": lambda rnd: str(rnd.choice([200, 201, 204, 301, 304, 400, 401, 403, 404, 429, 500, 502, 503])),
    "rack": lambda rnd: fill(rnd, "R##-M%-N#-C:J##-U##"),
}
_LINES = r"""
{ip} - - [{clf}] "GET /static/app.{hex}.js?v={ms} HTTP/1.1" {status} {n} "-" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.{n}.{n} Safari/537.36"
{ip} - - [{clf}] "POST /api/v1/orders/{id}/items HTTP/2.0" {status} {n} {f} "curl/8.{d}.{d}"
10.0.0.1 - [{clf}] "GET /healthz HTTP/1.1" {status} {n} {n} {n} {n}
{syslog} {host} sshd[{p}]: Connection closed by {ip} port {p} [preauth]
{syslog} {host} kernel: [{f}] eth0: link up, 1000 Mbps, full-duplex, lpa 0x{hex}
{syslog} {host} systemd[1]: Started Session {n} of user root.
{syslog} {host} CRON[{p}]: (root) CMD (/usr/lib/sa/sa1 {d} {d})
{syslog} {host} kernel: audit({f}:{n}): arch=c000003e syscall={n} success=yes exit={n} a0={hex} items={d} pid={p} auid=4294967295
{syslog} combo ftpd[{p}]: connection at {syslog} 2026
{hdfs} INFO dfs.DataNode$PacketResponder: Received block blk_{i64} of size {big} from /10.251.{d}.{d}
{hdfs} INFO dfs.FSNamesystem: BLOCK* NameSystem.delete: blk_{i64} is added to invalidSet of 10.250.1{d}.{d}:50010
{short} INFO storage.{cls}: Block broadcast_{n}_piece{d} stored as bytes in memory (estimated size {f} KB, free {f} MB)
{short} INFO executor.Executor: Finished task {n}.0 in stage {n}.0 (TID {id}). {big} bytes result sent to driver
{short} ERROR scheduler.{cls}: Lost executor {d} on {host}: Container container_{ms}_{n}_01_{n} exited with code 137
{iso} {lvl} [main] org.apache.hadoop.mapred.{cls}: attempt_{ms}_{n}_m_{n}_0 progress {f}
{iso} [myid:{d}] - INFO  [QuorumPeer[myid={d}]/0:0:0:0:0:0:0:0:2181:{cls}@{n}] - Notification time out: {big}
{iso} - INFO [ProcessThread(sid:{d} cport:-1)::PrepRequestProcessor@{n}] - Got session 0x{span} zxid:0x{hex} txntype:-{n}
- {s} 2026.11.25 {rack} 2026-11-25-10.15.{n}.{us} {rack} RAS KERNEL INFO generating core.{n}
- {s} 2026.11.25 {host} Nov 25 10:15:30 {host}/{host} ntpd[{p}]: synchronized to {ip}, stratum {d}
{id} node-{n} unix.hw state_change.unavailable {s} {d} Component State Change: Component "alt{d}" is in the unavailable state (HWID={n})
11-25 10:15:3{d}.{n}  {p}  {p} D PowerManagerService: acquire lock={id}, flags=0x{d}, tag="*alarm*", ws=WorkSource{{n}}, uid={n}, pid={p}
20261125-10:15:3{d}:{n}|Step_LSC|{id}|onStandStepChanged {n}
[11.25 10:15:3{d}] chrome.exe - proxy.example.net:5070 close, {n} bytes ({f} KB) sent, {big} bytes received, lifetime 0{d}:{d}{d}
2026-11-25 10:15:3{d}, Info CBS Loaded Servicing Stack v6.1.7601.{p} with Core: C:\Windows\winsxs\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_6.1.7601.{p}_none_{span}\cbscore.dll
nova-compute.log.1.2026-11-25 {iso} {n} INFO nova.compute.manager [req-{uuid} {trace} {trace} - - -] [instance: {uuid}] VM Started (Lifecycle Event)
{iso} {n} INFO nova.osapi_compute.wsgi.server [req-{uuid}] 10.11.10.1 "GET /v2/{trace}/servers/detail HTTP/1.1" status: {status} len: {n} time: 0.{id}
[{iso}] [error] [client {ip}] File does not exist: /var/www/html/scripts/{hex}
{iso} {lvl} 1 --- [nio-8080-exec-{d}] c.e.{svc}.{cls} : request {uuid} took {n} ms, {n} rows, order={order}
{iso} {lvl} c.e.{svc}.{cls} - Processing order {long} with {d} items, correlation id {long}
{iso} {lvl} {svc} seq={long} offset={big} partition={d} lag={n}
{iso} {lvl} trace_id={trace} span_id={span} {svc} http.status={status} dur={ns}ns
java.lang.IllegalStateException: queue {svc}-{d} is full ({n}/{n})\n\tat com.example.{svc}.{cls}.offer({cls}.java:{n})\n\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)\n\tat com.example.{cls}$$Lambda$14/{ptr}.run(Unknown Source)
Traceback (most recent call last):\n  File "/app/{svc}/main.py", line {n}, in handle\n    raise TimeoutError(f"shard {d}")\nTimeoutError: shard {d} after {f} s
panic: runtime error: index out of range [{n}] with length {n}\n\ngoroutine {n} [running]:\nmain.handle({ptr}, {ptr})\n\t/app/main.go:{n} +0x{hex}
System.InvalidOperationException: Sequence contains no elements\n   at {cls}.Next(Int64 id) in /src/{svc}/{cls}.cs:line {n}
{"level":"info","ts":{s}.{n},"caller":"{svc}/server.go:{n}","msg":"served","took":{f},"status":{status},"bytes":{big},"request_id":"{uuid}"}
{"timestamp":"{iso}","level":"WARN","thread":"worker-{d}","logger":"{cls}","message":"retry {d}/5 in {f}s","orderId":{long},"tenant":{n}}
{"time":{ms},"@version":"1","host":"{host}","metrics":{"p50":{f},"p99":{f},"count":{big},"heap":[{big},{big},{big}]}}
{"event":"deploy","image":"registry.example.com/shop/{svc}:{ver4}","digest":"sha256:{sha256}","replicas":{d}}
level=info ts={iso} caller=compact.go:{n} component=tsdb msg="write block" mint={ms} maxt={ms} ulid=01HZX{order} duration={f}s
ts={iso} level={lvl} svc={svc} user_agent="Go-http-client/1.1" bytes_in={big} bytes_out={big} id={long}
I1125 10:15:30.{n}       1 controller.go:{n}] "Syncing deployment" deployment="default/{svc}" generation={n} resourceVersion="{big}"
E1125 10:15:30.{n}    {p} pod_workers.go:{n}] "Error syncing pod, skipping" err="failed to start {pod}" podUID={uuid}
{pod} {svc} GC({n}) Pause Young (Normal) (G1 Evacuation Pause) {n}M->{n}M({n}M) {f}ms
{iso} LOG:  checkpoint complete: wrote {n} buffers ({f}%); 0 WAL file(s) added; write={f} s, sync={f} s; lsn=0/{hex}, redo lsn=0/{hex}
{iso} [{p}] ERROR:  deadlock detected DETAIL:  Process {p} waits for ShareLock on transaction {id}; blocked by process {p}.
{iso} {n} [Note] InnoDB: Log sequence number {long}, pages flushed up to {long}
# Time: {iso}  # Query_time: {f}  Lock_time: {f} Rows_sent: {n}  Rows_examined: {big}
[{p}] {clf} * Background saving terminated with success, {n} MB of memory used by copy-on-write
{iso} [info] <0.{n}.0> connection <0.{n}.0> (127.0.0.1:{p} -> 127.0.0.1:5672): user authenticated and granted access to vhost '/'
[{iso}] INFO [GroupCoordinator {d}]: Preparing to rebalance group {svc}-{n} in state PreparingRebalance with old generation {n} (__consumer_offsets-{d}) (kafka.coordinator.group.GroupCoordinator)
[{iso}] INFO [Log partition=orders-{d}, dir=/var/lib/kafka] Rolled new log segment at offset {long} in {d} ms. (kafka.log.Log)
{iso} {svc} upgraded from version {ver4} to {ver4}, build {n}, commit {sha1}
{svc} {ver} started in {f} seconds (JVM running for {f}), pid {p}, java {ver}+{d}
haproxy[{p}]: {ip}:{p} [25/Nov/2026:10:15:30.{n}] fe be/{host} {n}/{d}/{d}/{n}/{n} {status} {n} - - ---- {n}/{n}/{d}/{d}/0 0/0 "GET / HTTP/1.1"
[25/Nov/2026:10:15:30] upstream {svc} rt={f} uct={f} urt={f} cache=HIT key={sha1}
{s} {n} {n} {n} {big} {big} {n} {n} {n}
cpu {n} {n} {n} {big} {n} 0 {n} 0; mem {big} {big} {big}; load {f} {f} {f}
eth0: RX packets {big} bytes {long} ({f} MiB) errors 0 dropped {n} overruns 0 frame 0
http_requests_total{method="get",code="{status}",instance="{host}:9090"} {big} {ms}
scrape {svc} took {us} us, {n} samples, series {big}, next at {ms}
Downloaded from central: https://repo.example.org/maven2/com/example/{svc}/{ver}/{svc}-{ver}.jar ({n} kB at {n} kB/s)
Collecting {svc}=={ver} (from -r requirements.txt (line {n})) Using cached {svc}-{ver}-cp311-cp311-manylinux_2_17_x86_64.whl ({n} kB)
npm warn deprecated {svc}@{ver}: this version is no longer supported
#{d}{d} [{d}/{d}] RUN make -j{d} sha256:{sha256} {f}MB / {f}MB {f}s done
Resources: 4 vCores, {big} bytes, node {host}, application_{ms}_{n}
order {order} shipped, sku 978-3-16-{n}-0, tracking 1Z999AA10{d}{d}{d}{d}{d}{d}{d}{d}{d}, weight {f} kg, total {f} EUR
shipment {long} scanned at depot {n}, parcel {long}, event {n}
event id {uuid} stored in bucket {n}, key orders/2026/11/25/{trace}.parquet, etag {trace}, size {big}
cache key user:{id}:profile expired after {n} s, ttl {n}, hits {big}, misses {n}
worker {d} heartbeat {ms} last {ms} diff {n} queue {n} {n} {n}
latency p50={f} p95={f} p99={f} max={f}, skew {f}, drift -{f}
retrying in {n} ms (attempt {d} of {d}): HTTP {status} from {svc}, request id {hex}-{n}
job {long} finished with status {d} after {n} ms, result rows {big}
rows {n} {n} {n}, range {n}-{n}, chunk {n}/{n}, progress {f}%, eta 00:{d}{d}:{d}{d}
message {long} acked by {svc}, delivery tag {n}, redelivered=false
[{d}{d}:{d}{d}:{d}{d}] {lvl} snapshot {hex} at {big} of {big} ({f}%) epoch {n} term {n} index {big}
E/AndroidRuntime({p}): at android.os.Handler.dispatchMessage(Handler.java:{n})
Timer {n}: {n} ticks, mean {f}, stddev {f}, min {n}, max {n}, total {big}
SELECT count(*) FROM t_{n} took {n} ms (plan hash {id}, cost {f}..{f} rows={n} width={n})
TLS handshake with {svc}.internal:{p} done in {f} ms, cipher TLS_AES_256_GCM_SHA384, serial {trace}
""".strip().splitlines()
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and where in it are versions of four parts, which are no IP addresses."""

    text: str
    versions: tuple[tuple[int, int], ...]


def _line(rnd: random.Random, template: str) -> Line:
    versions: list[tuple[int, int]] = []
    out: list[str] = []
    size = done = 0
    text = template.replace("\\n", "\n").replace("\\t", "\t")
    for slot in _SLOT.finditer(text):
        part = _PARTS[slot[1]](rnd)
        start = size + slot.start() - done
        if slot[1] == "ver4":
            versions.append((start, start + len(part)))
        out += (text[done : slot.start()], part)
        size, done = start + len(part), slot.end()
    return Line("".join((*out, text[done:])), tuple(versions))


def ordinary_lines(seed: int = SEED, count: int = COUNT) -> list[Line]:
    """So many lines, of each template about as many."""
    rnd = random.Random(seed)
    return [_line(rnd, _LINES[number % len(_LINES)]) for number in range(count)]


def read_folder(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The lines of each ``*.log`` below a folder, by the file's name. Raises FileNotFoundError where there is none."""
    files = sorted(folder.rglob("*.log"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no *.log: take a checkout of https://github.com/logpai/loghub")
    for file in files:
        yield file.stem.removesuffix("_2k"), file.read_text(errors="replace").splitlines()
