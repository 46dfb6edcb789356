"""The provider that a policy describes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from types import MappingProxyType

from errorplane.keys._command import command_secret
from errorplane.keys._derive import SECRET_BYTES, decode_secret, derive
from errorplane.keys._errors import KeyUnavailable
from errorplane.keys._file import file_secret
from errorplane.keys._key import Key
from errorplane.policy import KeySource, Policy

PLUGIN_GROUP = "errorplane_keys"
PURPOSES = ("journal", "segments", "tokens")


def from_policy(policy: Policy, environ: Mapping[str, str] = os.environ, *, generate: bool = True) -> SourceProvider:
    """A provider of the keys in ``policy.keys``; a source is asked when its key is first wanted, and once.

    With ``generate`` a missing file gets a new key: not for those who only read what was made with it.
    """
    sources = {purpose: policy.key_source(purpose) for purpose in PURPOSES}
    retired = {"journal": policy.keys.retired_journal, "tokens": policy.keys.retired_tokens}
    return SourceProvider(sources, environ, retired, generate=generate)


class SourceProvider:
    """Keys from the sources of a policy; safe to share between threads."""

    def __init__(
        self,
        sources: Mapping[str, KeySource],
        environ: Mapping[str, str] = os.environ,
        retired: Mapping[str, Sequence[KeySource]] = MappingProxyType({}),
        *,
        generate: bool = True,
    ) -> None:
        self._sources = dict(sources)
        self._environ = environ
        self._retired = dict(retired)
        self._generate = generate
        self._keys: dict[str, Key] = {}
        self._lock = threading.Lock()

    def key(self, purpose: str) -> Key:
        """The key for ``purpose``. Raises ``KeyUnavailable``."""
        with self._lock:
            if purpose not in self._keys:
                source = self._sources.get(purpose)
                if source is None:
                    known = ", ".join(sorted(self._sources))
                    raise KeyUnavailable(purpose, f"no key has this purpose; there are {known}")
                self._keys[purpose] = derive(self._secret(purpose, source, self._generate), purpose)
            return self._keys[purpose]

    def retired(self, purpose: str) -> tuple[Key, ...]:
        """Earlier keys of ``purpose``, newest first, for reading only. Raises ``KeyUnavailable``."""
        return tuple(
            derive(self._secret(f"retired_{purpose}[{number}]", source, generate=False), purpose)
            for number, source in enumerate(self._retired.get(purpose, ()))
        )

    def _secret(self, purpose: str, source: KeySource, generate: bool) -> bytes:
        if source.file is not None:
            return file_secret(purpose, source.file, generate=generate)
        if source.env is not None:
            return _env_secret(purpose, source.env, self._environ)
        if source.command is not None:
            return command_secret(purpose, source.command)
        assert source.plugin is not None  # KeySource has exactly one of the four
        return _plugin_secret(purpose, source.plugin)


def _env_secret(purpose: str, name: str, environ: Mapping[str, str]) -> bytes:
    if name not in environ:
        raise KeyUnavailable(purpose, f"the environment variable {name} is not set")
    try:
        return decode_secret(environ[name].encode())
    except ValueError:
        raise KeyUnavailable(
            purpose, f"the environment variable {name} does not hold 32 bytes in base64 or hex"
        ) from None


def _plugin_secret(purpose: str, name: str) -> bytes:
    """Ask the entry point ``name``: a callable that takes the purpose and returns 32 bytes, within its own deadline."""
    found = entry_points(group=PLUGIN_GROUP)
    if name not in found.names:
        installed = ", ".join(sorted(found.names)) or "none"
        raise KeyUnavailable(
            purpose, f"no plug-in {name} is installed in the group {PLUGIN_GROUP}: there are {installed}"
        )
    try:
        plugin: Callable[[str], object] = found[name].load()
        secret = plugin(purpose)
    except Exception as error:  # noqa: BLE001  # boundary guard: another author's code, whose message may hold a secret
        raise KeyUnavailable(purpose, f"the plug-in {name} failed with {type(error).__name__}") from None
    if not isinstance(secret, bytes) or len(secret) != SECRET_BYTES:
        raise KeyUnavailable(purpose, f"the plug-in {name} did not return {SECRET_BYTES} bytes")
    return secret
