"""``errorplane processor``: the long-running OTLP service."""

from __future__ import annotations

import argparse
import gc
import logging
import resource
import signal
import sys
from pathlib import Path

from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy
from errorplane.journal import JournalError
from errorplane.keys import KeyUnavailable, SealError, from_policy
from errorplane.otlp import ListenError, TargetError
from errorplane.pipeline import Addresses, Processor
from errorplane.policy import PolicyError, load
from errorplane.redaction import ExtraUnavailable

log = logging.getLogger("errorplane.cli")

_DRAIN_S = 30.0
_COLLECTIONS = (50_000, 20, 1_000)  # new objects, then multiples of that, until a generation is looked at
_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_EPILOG = """\
signals:
  TERM, INT   take nothing more, decide and deliver what is held, exit 0; a second one exits at once
  HUP         read the policy again; a bad one is refused and the old one stays in force

examples:
  errorplane processor
  errorplane processor --policy /etc/errorplane/errorplane.yaml --drain-timeout 60
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "processor",
        help="run the OTLP processor",
        description="Receive OTLP, redact, journal, decide, tag, and send it on.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_policy_argument(parser)
    parser.add_argument(
        "--drain-timeout",
        type=float,
        default=_DRAIN_S,
        metavar="SECONDS",
        help="how long TERM waits for destinations; what is left stays in the journal (default: 30)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until a signal says stop."""
    policy = load_policy(args.policy)
    logging.basicConfig(
        level=policy.telemetry.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # These log whole requests or every call at INFO and DEBUG.
    for chatty in ("httpx", "httpcore", "grpc", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # A core dump would hold requests as they came in.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Blocked in every thread from here on, so that none but this one is woken by them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        processor = Processor(policy, from_policy(policy))
        addresses = processor.start()
    except (
        ExtraUnavailable,
        JournalError,
        KeyUnavailable,
        ListenError,
        PolicyError,
        SealError,
        TargetError,
        OSError,
    ) as error:
        raise CommandFailed(f"cannot start: {error}") from error
    _spare_collections()
    _announce(addresses)
    _serve(processor, args.policy)
    left = processor.stop(args.drain_timeout)
    if left:
        log.warning("stopped with %d deliveries left in the journal; the next start sends them", left)
    else:
        log.info("stopped; everything that was decided has been delivered")
    return 0


def _spare_collections() -> None:
    """Let the cycle collector look at young objects, seldom, and hardly ever at all of them.

    Undecided traces are many long-lived objects without cycles: looking at them again and again took an eighth of the
    processor's time. What makes cycles, such as an exception with its frames, is young when it becomes garbage.
    """
    gc.collect()
    gc.freeze()  # modules, tables and the policy stay until the end
    gc.set_threshold(*_COLLECTIONS)


def _announce(addresses: Addresses) -> None:
    parts = [
        f"{name} {address}"
        for name, address in (("OTLP/gRPC", addresses.grpc), ("OTLP/HTTP", addresses.http), ("admin", addresses.admin))
        if address
    ]
    print(f"errorplane processor ready: {', '.join(parts)}", file=sys.stderr, flush=True)


def _serve(processor: Processor, path: Path) -> None:
    """Wait for TERM or INT, which a second time end the process at once; HUP reloads."""
    while signal.sigwait(_SIGNALS) == signal.SIGHUP:
        _reload(processor, path)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    log.info("draining")


def _reload(processor: Processor, path: Path) -> None:
    try:
        needs_restart = processor.reload(load(path))
    except (ExtraUnavailable, KeyUnavailable, PolicyError, SealError, TargetError) as error:
        log.error("the new policy is refused, the old one stays in force:\n%s", error)
        return
    log.info("policy reloaded")
    if needs_restart:
        log.warning("changes of %s take effect after a restart", ", ".join(needs_restart))
