"""Section ``keys``: where the keys of what is written to disk come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from errorplane.policy._lists import Many
from errorplane.policy._scalars import NAME, Text
from errorplane.policy._section import FilePath, OneOf, Plain, Section

EnvName = Annotated[str, Text("the name of an environment variable", "[A-Za-z_][A-Za-z0-9_]*", "name")]
Command = Annotated[tuple[Plain, ...], Many(filled=True, repeats=True)]
PluginName = Annotated[str, NAME]


class KeySource(OneOf):
    """Where a key comes from: exactly one of the four."""

    file: FilePath | None = Field(
        default=None,
        description="File with the key; generated with mode 0600 when it is missing.",
        examples=["./data/journal.key"],
    )
    env: EnvName | None = Field(
        default=None,
        description="Environment variable with 32 bytes in base64 or hex.",
        examples=["ERRORPLANE_JOURNAL_KEY"],
    )
    command: Command | None = Field(
        default=None,
        description="Program and arguments, run without a shell, that print 32 bytes in base64 or hex within 10 s. Arguments are not secret.",
        examples=[["vault", "kv", "get", "-field=key", "secret/errorplane"]],
    )
    plugin: PluginName | None = Field(
        default=None, description="Name of an entry point in the group errorplane_keys.", examples=["aws-kms"]
    )


class Keys(Section):
    """Keys of what errorplane writes to disk, and of tokens. Each purpose has its own key, derived from its source."""

    journal: KeySource | None = Field(
        default=None,
        description="Key of the journal; by default the file journal.key in the journal's folder.",
        examples=[{"env": "ERRORPLANE_JOURNAL_KEY"}],
    )
    retired_journal: Annotated[tuple[KeySource, ...], Many()] = Field(
        default=(),
        description="Earlier keys of the journal, newest first: what they sealed is still read and delivered, nothing "
        "new is sealed with them. The log says at each start how much is left.",
        examples=[[{"file": "/etc/errorplane/journal-2025.key"}]],
    )
    segments: KeySource | None = Field(
        default=None,
        description="Key of encrypted file segments; by default the file segments.key in the journal's folder.",
        examples=[{"file": "/etc/errorplane/segments.key"}],
    )
    tokens: KeySource | None = Field(
        default=None,
        description="Key of the actions token and hmac; by default the file tokens.key in the journal's folder.",
        examples=[{"file": "/etc/errorplane/tokens.key"}],
    )
    retired_tokens: Annotated[tuple[KeySource, ...], Many()] = Field(
        default=(),
        description="Earlier keys of tokens, newest first: errorplane reveal still reads what was made with them.",
        examples=[[{"file": "/etc/errorplane/tokens-2025.key"}]],
    )
