"""Section ``redaction``: what is looked for, what is done to it, and for which destination."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from errorplane.policy._actions import Action
from errorplane.policy._lists import Many
from errorplane.policy._measures import Duration
from errorplane.policy._patterns import check_allow_pattern, check_pattern, pattern_gates
from errorplane.policy._scalars import Number, Text, fail
from errorplane.policy._section import FilePath, Name, Plain, Section, section
from errorplane.policy._vocabulary import DEFAULT_ENTITIES, DataClass, Entity, Pack

ENTITY_NAME = r"[A-Z][A-Z0-9_]{1,63}"
EntityName = Annotated[
    str, Text("the name of an entity: 2 to 64 capital letters, digits and underscores", ENTITY_NAME, "entity")
]
Actions = Mapping[Plain, Action]
"""By entity, or ``default``; that an entity exists is checked with the whole policy, which knows all of them."""


class Expression(Text):
    """A regular expression in RE2 syntax."""

    label = "regular expression"

    def __init__(self) -> None:
        super().__init__("a regular expression", label=self.label)

    def read(self, value: object, info: ValidationInfo) -> str:
        text = super().read(value, info)
        try:
            check_allow_pattern(text)
        except ValueError as error:
            fail("value", str(error))
        return text


Pattern = Annotated[str, Expression()]


class CustomDetector(Section):
    """A detector of one's own: a pattern, attribute keys, or both."""

    name: EntityName = Field(description="Entity that it finds; no built-in one.", examples=["CUSTOMER_ID"])
    pattern: Pattern | None = Field(
        default=None,
        description="Regular expression in RE2 syntax, which knows no look-around and no back-references.",
        examples=["CUST-[0-9]{8}"],
    )
    group: Annotated[int, Number(0, 99, whole=True)] = Field(
        default=0, description="Group of the pattern that is hidden; 0 is the whole match.", examples=[1]
    )
    context: Annotated[tuple[Plain, ...], Many()] = Field(
        default=(),
        description="If given, one of these words must stand within 40 characters before the match, or in the attribute's key.",
        examples=[["customer", "client"]],
    )
    keys: Annotated[tuple[Plain, ...], Many()] = Field(
        default=(), description="Attribute keys whose whole value is one.", examples=[["customer.id"]]
    )
    data_class: DataClass = Field(default="personal", description="How sensitive it is.", examples=["health"])

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if self.pattern is None and not self.keys:
            fail("one_of", "must have a pattern, keys or both")
        if self.pattern is None and (self.group or self.context):
            fail("one_of", "must have a pattern: group and context are about its matches")
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValidationError.from_exception_data("CustomDetector", mistakes, hide_input=True)
        return self

    def _mistakes(self) -> Iterator[InitErrorDetails]:
        """What cannot be looked for in raw bytes, or is so common that looking for it would slow down everything."""
        if self.pattern is not None:
            yield from _said(("pattern",), check_pattern, self.pattern, self.group, self.context)
        for number, key in enumerate(self.keys):
            yield from _said(("keys", number), pattern_gates, f"(?i){re.escape(key)}")


def _said(where: tuple[str | int, ...], check: Callable[..., object], *arguments: object) -> Iterator[InitErrorDetails]:
    try:
        check(*arguments)
    except ValueError as error:
        words = {"message": str(error), "allowed": ()}
        kind = PydanticCustomError("policy_value", "{message}", words)
        yield InitErrorDetails(type=kind, loc=where, input=None)


class Ner(Section):
    """A second look at error texts by a spaCy model that knows names and places; needs the extra ``ner``."""

    model: Plain = Field(
        default="en_core_web_sm",
        description="Name of an installed spaCy package, or path of a model.",
        examples=["en_core_web_sm"],
    )
    entities: Annotated[tuple[EntityName, ...], Many(filled=True)] = Field(
        default=("PERSON", "LOCATION"),
        description="Entities to take from it, by Presidio's names.",
        examples=[["PERSON"]],
    )
    deadline: Annotated[float, Duration("1ms", "10s")] = Field(
        default=0.05, description="How long one text may take.", examples=["50ms"]
    )


class Quarantine(Section):
    """What becomes of a text that cannot be scanned. Without ``seal_to`` it is discarded."""

    seal_to: FilePath | None = Field(
        default=None,
        description="File with an X25519 public key, PEM, to which the original is sealed.",
        examples=["./keys/quarantine.pub.pem"],
    )


class Redaction(Section):
    """What is hidden before anything is written or sent.

    This is what is written. What it comes to, packs and defaults included, say ``effective_actions`` and ``detection``.
    """

    packs: Annotated[tuple[Pack, ...], Many()] = Field(
        default=(),
        description="Rule sets: each adds entities, attribute keys and actions, and checks the whole policy.",
        examples=[["gdpr", "pci-dss"]],
    )
    detectors: Annotated[tuple[Entity, ...], Many()] = Field(
        default=DEFAULT_ENTITIES,
        description="What to look for; by default everything that is on by default.",
        examples=[["EMAIL_ADDRESS", "CREDIT_CARD"]],
    )
    custom: Annotated[tuple[CustomDetector, ...], Many()] = Field(
        default=(),
        description="Detectors of one's own.",
        examples=[[{"name": "CUSTOMER_ID", "pattern": "CUST-[0-9]{8}"}]],
    )
    allow: Annotated[tuple[Plain, ...], Many()] = Field(
        default=(), description="Literal values that are never masked.", examples=[["support@example.com"]]
    )
    allow_patterns: Annotated[tuple[Pattern, ...], Many()] = Field(
        default=(),
        description="Regular expressions in RE2 syntax; what one of them matches as a whole is never masked.",
        examples=[[r".*@example\.com"]],
    )
    presidio: Annotated[tuple[EntityName, ...], Many()] = Field(
        default=(),
        description="Recognisers of Presidio, by their entity; needs the extra presidio.",
        examples=[["AU_ABN"]],
    )
    ner: Ner | None = Field(
        default=None,
        description="A model that finds names and places in error texts; null: none. Needs the extra ner.",
        examples=[{"model": "en_core_web_sm", "deadline": "50ms"}],
    )
    actions: Actions = Field(
        default_factory=dict,
        description="What is done to an entity, by its name; default is for those that neither this section nor a pack "
        "names. By default replace.",
        examples=[{"default": "replace", "CREDIT_CARD": {"do": "mask", "last": 4}}],
    )
    destinations: Mapping[Name, Actions] = Field(
        default_factory=dict,
        description="Where a destination, by its name, gets something else than actions say.",
        examples=[{"files": {"EMAIL_ADDRESS": "token"}}],
    )
    quarantine: Quarantine = section(
        "What becomes of a text that cannot be scanned.", [{"seal_to": "./keys/quarantine.pub.pem"}]
    )
    deadline: Annotated[float, Duration("10ms", "10m")] = Field(
        default=10.0,
        description="How long one request may be scanned; what is left then is quarantined.",
        examples=["10s"],
    )
    shadow: FilePath | None = Field(
        default=None,
        description="Another policy whose redaction runs beside this one, only to be counted.",
        examples=["./candidate.yaml"],
    )
