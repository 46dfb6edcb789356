"""``errorplane keygen``: a pair of keys for what is encrypted so that this machine cannot open it."""

from __future__ import annotations

import argparse
from pathlib import Path

from errorplane.cli._main import CommandFailed
from errorplane.keys import SealError, write_pair

_EPILOG = """\
The public key goes into the policy, the private one to a machine that runs no processor:
  redaction: {actions: {US_SSN: {do: encrypt, to: ./keys/seal.pub.pem}}}
  redaction: {quarantine: {seal_to: ./keys/seal.pub.pem}}

examples:
  errorplane keygen --out keys/
  errorplane reveal --private-key keys/seal.key.pem enc_...
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "keygen",
        help="make a pair of keys to encrypt values to",
        description="Make an X25519 pair: the private key with mode 0600, and the public one. Nothing is overwritten.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder for the pair (default: this one)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the pair and say where it is."""
    try:
        private, public = write_pair(args.out)
    except SealError as error:
        raise CommandFailed(str(error)) from error
    print(f"private key: {private}\npublic key:  {public}")
    return 0
