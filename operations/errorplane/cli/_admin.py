"""How commands ask a running processor."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from errorplane.cli._main import CommandFailed
from errorplane.policy import Policy

_TIMEOUT_S = 15.0  # longer than the processor takes to give up a page


class NoAnswer(CommandFailed):
    """Nothing at the address answers as a processor does."""


def add_admin_argument(parser: argparse._ActionsContainer) -> None:
    """The option that names the processor to ask."""
    parser.add_argument(
        "--admin", metavar="URL", help="the processor's admin address, HOST:PORT (default: listen.admin of the policy)"
    )


def admin_of(policy: Policy) -> str:
    """The address in the policy; raises ``CommandFailed`` where it names no port."""
    address = policy.listen.admin
    if address is None or address.endswith(":0"):
        raise CommandFailed("listen.admin of the policy names no port: give the address with --admin", code=2)
    return address


def ask(
    address: str,
    path: str,
    method: str = "GET",
    body: Mapping[str, Any] | None = None,
    token: str | None = None,
    actor: str | None = None,
) -> tuple[int, Mapping[str, Any]]:
    """The status code and the document that a page answers; raises ``NoAnswer``.

    ``token`` authorises a change, ``actor`` is who is said in the audit to have asked for it.
    """
    url = f"{address.rstrip('/') if '://' in address else f'http://{address}'}{path}"
    if not url.startswith(("http://", "https://")):
        raise CommandFailed(f"--admin: {address}: must be HOST:PORT or an http URL", code=2)
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if actor is not None:
        headers["Errorplane-Actor"] = actor.encode("ascii", "backslashreplace").decode()
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                return response.status, _document(response.read())
        except urllib.error.HTTPError as error:
            return error.code, _document(error.read())
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise NoAnswer(f"no processor answers at {address}: {reason}") from error


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = {"error": body[:200].decode(errors="replace").strip()}
    return document if isinstance(document, dict) else {"error": "the answer is no object"}
