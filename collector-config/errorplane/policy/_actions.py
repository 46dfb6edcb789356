"""What is done to a thing that was found: one word, or a mapping with its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from errorplane.policy._locations import Location
from errorplane.policy._scalars import NAME_PATTERN, Choice, Number, Text, fail
from errorplane.policy._section import Section, YesNo

ActionWord = Literal[
    "replace", "mask", "drop", "hmac", "token", "ip_prefix", "generalise", "keep_domain", "encrypt", "keep"
]
ACTIONS: tuple[ActionWord, ...] = get_args(ActionWord)
GENERALISATIONS = ("year", "zip3", "age", "geo")

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "mask": ("first", "last", "char"),
    "hmac": ("domain",),
    "token": ("domain",),
    "ip_prefix": ("v4", "v6", "keyed", "domain"),
    "generalise": ("to",),
    "encrypt": ("to",),
}
"""Which options an action has; the others have none."""
_REQUIRED: Mapping[str, str] = {"generalise": "to", "encrypt": "to"}


class _Aim(Location):
    """Option ``to``: what a value is generalised to, or the file with the public key that it is encrypted to."""

    label = "`year` | `zip3` | `age` | `geo`, or a path"

    def read(self, value: object, info: ValidationInfo) -> str:  # type: ignore[override]  # text, see Action.to
        if info.data.get("do") != "generalise":
            return self._text(value, info)
        if value not in GENERALISATIONS:
            fail("choice", "is not one of the allowed values", GENERALISATIONS)
        return str(value)

    def show(self, value: Any) -> object:
        return value


class Action(Section):
    """What is done to a thing that was found. A bare word is short for ``{do: word}``."""

    bare: ClassVar[str | None] = "do"

    do: Annotated[ActionWord, Choice()] = Field(
        description="replace: by its entity, such as <EMAIL_ADDRESS>. mask: its characters, except the first and last "
        "ones; a short value shows at most half of them. drop: taken out with nothing in its place. hmac: a keyed hash. token: a reversible token, the same for the same value "
        "within one domain. ip_prefix: the network of an address. generalise: less exact. keep_domain: what stands "
        "after the @ of an e-mail address. encrypt: to a public key. keep: left as it is.",
        examples=["mask"],
    )
    first: Annotated[int, Number(0, 64, whole=True)] = Field(
        default=0, description="For mask: characters that stay at the start.", examples=[6]
    )
    last: Annotated[int, Number(0, 64, whole=True)] = Field(
        default=4, description="For mask: characters that stay at the end.", examples=[4]
    )
    char: Annotated[str, Text("one character that is no letter and no digit", r"[^\w\s]", "character")] = Field(
        default="*", description="For mask: what stands for each other character.", examples=["#"]
    )
    domain: Annotated[str, Text("the name of a domain", NAME_PATTERN, "name")] | None = Field(
        default=None,
        description="For token, hmac and ip_prefix with keyed: results are equal, and can be joined, within one "
        "domain. By default the name of the destination, and all under redaction.actions.",
        examples=["support"],
    )
    v4: Annotated[int, Number(0, 24, whole=True)] = Field(
        default=24, description="For ip_prefix: bits that stay of an IPv4 address.", examples=[16]
    )
    v6: Annotated[int, Number(0, 64, whole=True)] = Field(
        default=48, description="For ip_prefix: bits that stay of an IPv6 address.", examples=[32]
    )
    keyed: YesNo = Field(
        default=False,
        description="For ip_prefix: instead of cutting an address, encrypt it so that addresses of one network stay in "
        "one network.",
        examples=[True],
    )
    to: Annotated[str, _Aim()] | None = Field(
        default=None,
        description="For generalise: year of a date, first three digits of a ZIP code, age in years, with 90+ for "
        "all above 89, or coordinates with one decimal. For encrypt: file with an X25519 public key, PEM.",
        examples=["year"],
    )

    @property
    def options(self) -> Mapping[str, str | int]:
        """The options of this action, defaults filled in; those without a value are left out."""
        values = ((name, getattr(self, name)) for name in OPTIONS.get(self.do, ()))
        return {name: value for name, value in values if value is not None}

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"do": value}
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            fail("choice", "must be an action, or a mapping of do and its options", ACTIONS)
        if value.get("do") in ACTIONS and (mistakes := list(_mistakes(value))):
            raise ValidationError.from_exception_data("Action", mistakes, hide_input=True)
        return value


def _mistakes(written: Mapping[str, object]) -> list[InitErrorDetails]:
    """Options that this action does not have, or lacks."""
    do = str(written["do"])
    allowed = ("do", *OPTIONS.get(do, ()))
    found = [
        InitErrorDetails(
            type=PydanticCustomError(
                "policy_option", "{message}", {"message": f"is no option of {do}", "allowed": allowed}
            ),
            loc=(key,),
            input=None,
        )
        for key in written
        if key not in allowed
    ]
    if _REQUIRED.get(do, "do") not in written:
        found.append(InitErrorDetails(type="missing", loc=(_REQUIRED[do],), input=None))
    return found
