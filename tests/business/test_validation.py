"""Failed validations: the fields and the reasons, and nothing of what was in them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal

import httpx
import jsonschema
import pydantic
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from opentelemetry.trace import StatusCode
from pydantic import BaseModel, Field, SecretStr, TypeAdapter, field_validator
from pydantic_core import PydanticCustomError
from tests.business.conftest import Shop

from errorplane.business import OTHER, business_error, invalid_of, validation_errors

SECRET = "hunter2-maria@example.com"
FIELDS = "errorplane.business.validation.errors"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Item(BaseModel):
    price: Annotated[float, Field(gt=0)]
    tags: dict[str, int] = {}


class Order(BaseModel):
    model_config = {"extra": "forbid"}
    password: Annotated[SecretStr, Field(min_length=100)]
    items: list[Item]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    guess: Cat | int | None = None
    by_name: dict[str, Item] = {}
    mail: Annotated[str, Field(alias="eMail", pattern="^[a-z]+$")]
    checked: str = ""

    @field_validator("checked")
    @classmethod
    def check(cls, value: str) -> str:
        if value:
            raise ValueError(f"cannot take {value}")
        return value


BAD: dict[str, Any] = {
    "password": SECRET,
    "items": [{"price": 1}, {"price": SECRET, "tags": {SECRET: SECRET}}, {}],
    "pet": {"kind": "cat", "lives": SECRET},
    "guess": {"kind": SECRET},
    "by_name": {SECRET: {"price": -1}},
    "eMail": SECRET,
    "checked": SECRET,
    SECRET: SECRET,
}
EXPECTED = {
    ("password", "too_short"),
    ("items[].price", "float_parsing"),
    ("items[].price", "missing"),
    ("items[].tags.*", "int_parsing"),
    ("pet.cat.lives", "int_parsing"),
    ("guess.Cat.kind", "literal_error"),
    ("guess.Cat.lives", "missing"),
    ("guess.int", "int_type"),
    ("by_name.*.price", "greater_than"),
    ("eMail", "string_pattern_mismatch"),
    ("checked", "value_error"),
    ("*", "extra_forbidden"),
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "properties": {"properties": {"mail": {"pattern": "^[a-z]+$"}}},
    },
    "patternProperties": {"^x-": {"type": "integer"}},
    "additionalProperties": {"type": "integer"},
    "$defs": {"item": {"properties": {"price": {"enum": ["secret-price"]}}, "required": ["price"]}},
}


def test_pydantic_tells_fields_and_reasons(shop: Shop) -> None:
    """Of nested models, unions, lists, aliases and dictionaries the program's names stand there, and nothing else."""
    with pytest.raises(pydantic.ValidationError) as raised:
        Order(**BAD)
    assert set(invalid_of(raised.value) or ()) == EXPECTED


@pytest.mark.parametrize(
    "validate",
    [
        lambda: Order(**BAD),
        lambda: Order.model_validate(BAD),
        lambda: TypeAdapter(Order).validate_python(BAD),
        lambda: Order.model_validate_json(TypeAdapter(dict[str, Any]).dump_json(BAD)),
    ],
    ids=["constructor", "model_validate", "TypeAdapter", "json"],
)
def test_nothing_of_the_input_leaves(shop: Shop, validate: Callable[[], object]) -> None:
    """Whichever way pydantic is called, through a span and a decorator no value or key of the input is written."""

    @validation_errors("order.invalid")
    def order() -> object:
        with shop.tracer.start_as_current_span("validate"):
            return validate()

    with pytest.raises(pydantic.ValidationError), shop.tracer.start_as_current_span("order"):
        order()
    assert "hunter2" not in shop.everything()
    assert "maria" not in shop.everything()
    assert "items[].tags.*" in shop.everything()
    assert shop.capture.spans["validate"].status.status_code is StatusCode.UNSET
    assert shop.capture.spans["order"].status.status_code is StatusCode.UNSET


def test_metrics_and_event_of_a_failed_validation(shop: Shop) -> None:
    """One business error of the kind validation; each field that failed is counted, and listed on the event."""
    with pytest.raises(pydantic.ValidationError), validation_errors("order.invalid", code="api"):
        Item(price=-1, tags={"a": "x", "b": "y"})  # type: ignore[dict-item]  # that is the point
    ((attributes, count),) = shop.counts()
    assert (attributes["errorplane.business.error"], attributes["errorplane.business.code"], count) == (
        "order.invalid",
        "api",
        1,
    )
    fields = {(a["errorplane.validation.field"], a["errorplane.validation.type"]): n for a, n in shop.counts(FIELDS)}
    assert fields == {("price", "greater_than"): 1, ("tags.*", "int_parsing"): 2}
    written = dict(shop.event.log_record.attributes or {})
    assert written["errorplane.error.kind"] == "validation"
    assert written["errorplane.validation.errors"] == ("price: greater_than", "tags.*: int_parsing")
    assert written["errorplane.validation.count"] == 3


def test_a_type_of_somebodys_own_may_hold_anything() -> None:
    """Only pydantic's own words for what is wrong are written: others are made by code that may put values in."""

    class Own(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def check(cls, value: str) -> str:
            raise PydanticCustomError(f"bad_{value}", "bad")

    with pytest.raises(pydantic.ValidationError) as raised:
        Own(name=SECRET)
    assert invalid_of(raised.value) == [("name", OTHER)]


def test_without_a_model_no_name_is_believed() -> None:
    """A validation error of which nobody knows the model shows no key; with the model given, its names."""
    with pytest.raises(pydantic.ValidationError) as raised:
        Item.model_validate({"price": SECRET})
    bare = raised.value.with_traceback(None)
    assert invalid_of(bare) == [("*", "float_parsing")]
    assert invalid_of(bare, Item) == [("price", "float_parsing")]


def test_dataclasses_and_typed_dictionaries_have_names_too() -> None:
    """Fields of pydantic's dataclasses are names of the program."""

    @pydantic.dataclasses.dataclass
    class Point:
        x: int
        inner: Item

    with pytest.raises(pydantic.ValidationError) as raised:
        Point(x=SECRET, inner={"price": 0})  # type: ignore[arg-type]  # that is the point
    assert set(invalid_of(raised.value) or ()) == {("x", "int_parsing"), ("inner.price", "greater_than")}
    assert dataclasses.is_dataclass(Point)


def test_fastapi_request_errors() -> None:
    """FastAPI's own exception shows where in the request it was, and names only of the model that is given."""
    rows = [{"type": "missing", "loc": ("body", "price"), "msg": SECRET, "input": SECRET}]
    error = RequestValidationError(rows, body=SECRET)
    assert invalid_of(error) == [("body.*", "missing")]
    assert invalid_of(error, Item) == [("body.price", "missing")]


def test_parameters_of_functions_have_names() -> None:
    """pydantic validates calls, too."""

    @pydantic.validate_call
    def pay(amount: int, *, items: list[Item]) -> None:
        """Never called."""

    with pytest.raises(pydantic.ValidationError) as raised:
        pay(amount=SECRET, items=[{"price": SECRET}], **{SECRET: 1})  # type: ignore[arg-type, list-item]  # the point
    assert set(invalid_of(raised.value) or ()) == {
        ("amount", "int_parsing"),
        ("items[].price", "float_parsing"),
        ("*", "unexpected_keyword_argument"),
    }


def test_a_handler_of_fastapi_records_what_came_in(shop: Shop) -> None:
    """FastAPI validates before the endpoint is called: its exception handler is given the error, and knows the endpoint."""
    app = FastAPI()

    @app.post("/orders")
    def order(item: Item, size: int) -> None:
        """Never called."""

    @app.exception_handler(RequestValidationError)
    async def refused(request: Request, error: RequestValidationError) -> Response:
        business_error("order.invalid", error=error, model=request.scope["endpoint"])
        return Response(status_code=422)

    async def send() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return (await client.post("/orders?size=", json={"price": SECRET, "tags": {SECRET: SECRET}})).status_code

    assert asyncio.run(send()) == 422
    told = dict(shop.event.log_record.attributes or {})
    assert told["errorplane.error.kind"] == "validation"
    assert told["errorplane.validation.errors"] == (
        "body.price: float_parsing",
        "body.tags.*: int_parsing",
        "query.size: int_parsing",
    )
    assert sorted(a["errorplane.validation.field"] for a, _ in shop.counts(FIELDS)) == [
        "body.price",
        "body.tags.*",
        "query.size",
    ]


def test_too_many_errors_are_only_counted(shop: Shop) -> None:
    """Of an input with thousands of mistakes no list is made: they are one business error and one field."""
    with pytest.raises(pydantic.ValidationError), validation_errors("order.invalid"):
        TypeAdapter(list[int]).validate_python(["x"] * 5000)
    assert [(a["errorplane.validation.field"], n) for a, n in shop.counts(FIELDS)] == [("*", 5000)]
    assert dict(shop.event.log_record.attributes or {})["errorplane.validation.count"] == 5000


@pytest.mark.parametrize(
    ("instance", "field", "keyword"),
    [
        ({"items": [{"price": SECRET}]}, "items[].price", "enum"),
        ({"items": [{"price": "secret-price"}, {SECRET: 1}]}, "items[].price", "required"),
        ({"items": SECRET}, "items", "type"),
        ({"properties": {"mail": SECRET}}, "properties.mail", "pattern"),
        ({f"x-{SECRET}": SECRET}, "*", "type"),
        ({SECRET: SECRET}, "*", "type"),
        (SECRET, "$", "type"),
    ],
)
def test_jsonschema_tells_fields_and_keywords(shop: Shop, instance: object, field: str, keyword: str) -> None:
    """Names that the schema gives are written, keys that only the input has are `*`, and no value leaves."""
    span, block = shop.tracer.start_as_current_span("order"), validation_errors("order.invalid")
    with pytest.raises(jsonschema.ValidationError), span, block:
        jsonschema.validate(instance, SCHEMA)
    ((attributes, _),) = shop.counts(FIELDS)
    assert (attributes["errorplane.validation.field"], attributes["errorplane.validation.type"]) == (field, keyword)
    assert "hunter2" not in shop.everything()
    assert "secret-price" not in shop.everything()


def test_other_exceptions_pass(shop: Shop) -> None:
    """An exception that is no failed validation is an error of the program, whatever it is called."""

    class MyValidationError(Exception):
        pass

    span, block = shop.tracer.start_as_current_span("order"), validation_errors("order.invalid")
    with pytest.raises(MyValidationError), span, block:
        raise MyValidationError
    assert shop.capture.spans["order"].status.status_code is StatusCode.ERROR
    assert not shop.counts()


def test_coroutines_are_decorated(shop: Shop) -> None:
    """The decorator sees the failed validation of a coroutine function."""

    @validation_errors("order.invalid")
    async def order() -> Item:
        await asyncio.sleep(0)
        return Item.model_validate({"price": SECRET})

    with pytest.raises(pydantic.ValidationError):
        asyncio.run(order())
    assert [count for _, count in shop.counts()] == [1]


def test_fields_are_bounded(shop: Shop) -> None:
    """A thousand different fields make a hundred series and one for the rest."""
    model = pydantic.create_model("Wide", **{f"f{n}": (int, ...) for n in range(900)})  # type: ignore[call-overload]  # names are made
    with pytest.raises(pydantic.ValidationError), validation_errors("wide.invalid"):
        model()
    series = shop.counts(FIELDS)
    assert len(series) <= 102
    assert sum(count for _, count in series) == 900
