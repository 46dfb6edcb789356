"""What an application writes itself holds nothing that its processor would hide."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import re
import subprocess
import sys
import traceback
from collections import UserDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry import baggage
from opentelemetry.context import Context
from werkzeug.local import LocalProxy

from errorplane.cli import main
from errorplane.hooks import GUARD
from errorplane.logs import JsonFormatter
from errorplane.masking import (
    Mask,
    MaskingFilter,
    SettingsError,
    load_mask,
    mask_baggage,
    mask_event,
    mask_locals,
)

EMAIL, CARD, SECRET = "lena.ito42@example.com", "4539148803436467", "hunter2-Zq81"
CANARIES = (EMAIL, CARD, SECRET)


class Unprintable:
    """An object of the application's that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError(EMAIL)

    __repr__ = __str__


def charge(card: str) -> None:
    """Fail with a canary in the message."""
    raise ValueError(f"card {card} of {EMAIL} refused")


def clean(text: str) -> str:
    """The text, in which no canary may be."""
    for canary in CANARIES:
        assert canary not in text, f"{canary} in {text}"
    return text


def logger_with(formatter: logging.Formatter, *filters: logging.Filter) -> tuple[logging.Logger, io.StringIO]:
    """A logger that writes into a string."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    for each in filters:
        handler.addFilter(each)
    logger = logging.Logger("shop")  # noqa: LOG001  # not in the tree that pytest listens to
    logger.addHandler(handler)
    return logger, stream


@pytest.mark.parametrize(
    "formatter", [logging.Formatter("%(message)s %(user)s"), JsonFormatter()], ids=["text", "json"]
)
def test_filter_hides_message_arguments_extra_exception_and_stack(formatter: logging.Formatter) -> None:
    """No canary of a record reaches the line, wherever in the record it is, and what is harmless does."""
    logger, stream = logger_with(formatter, MaskingFilter(Mask()))
    try:
        charge(CARD)
    except ValueError:
        extra = {"user": {"mail": EMAIL, "password": SECRET, "tries": 3}}
        logger.exception("refused %s for %s in %d ms", CARD, EMAIL, 12, extra=extra, stack_info=True)
    line = clean(stream.getvalue())
    for kept in ("refused <CREDIT_CARD> for <EMAIL_ADDRESS> in 12 ms", "<PASSWORD>", "charge", "ValueError"):
        assert kept in line


def test_filter_leaves_a_clean_exception_to_the_formatter() -> None:
    """An exception in which nothing must be hidden keeps its error id and type in a JSON line."""
    logger, stream = logger_with(JsonFormatter(), MaskingFilter(Mask()))
    try:
        dict[str, int]()["order"]
    except KeyError:
        logger.exception("no order")
    line = json.loads(stream.getvalue())
    assert line["exception.type"] == "KeyError"
    assert line["errorplane.error.id"]


def test_filter_changes_the_record_of_other_handlers_only_on_python_3_11() -> None:
    """From Python 3.12 on a handler without the filter gets what was logged; before, a filter cannot answer with a copy."""
    logger, _ = logger_with(logging.Formatter(), MaskingFilter(Mask()))
    plain = io.StringIO()
    logger.addHandler(logging.StreamHandler(plain))
    logger.warning("mail %s", EMAIL)
    assert (EMAIL in plain.getvalue()) == (sys.version_info >= (3, 12))


def test_filter_works_from_dict_config(tmp_path: Path) -> None:
    """The spelling of the guide configures the filter, and the file that is written holds no canary."""
    out = tmp_path / "app.log"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"mask": {"()": "errorplane.masking.MaskingFilter"}},
            "handlers": {"file": {"class": "logging.FileHandler", "filename": str(out), "filters": ["mask"]}},
            "loggers": {"masked.shop": {"handlers": ["file"], "propagate": False}},
        }
    )
    logger = logging.getLogger("masked.shop")
    logger.warning("login of %s with password=%s", EMAIL, SECRET)
    for handler in logger.handlers:
        handler.close()
    assert "login of <EMAIL_ADDRESS>" in clean(out.read_text())


def test_arguments_that_do_not_fit_are_masked_too() -> None:
    """A record whose arguments do not fit its message is written, without its canaries."""
    logger, stream = logger_with(logging.Formatter(), MaskingFilter(Mask()))
    logger.warning("one %s two %s", EMAIL)  # noqa: PLE1206  # the mistake that is tested
    assert "<EMAIL_ADDRESS>" in clean(stream.getvalue())


def test_json_formatter_masks_by_itself() -> None:
    """A formatter with a mask hides the canaries, and keeps the error's id and the numbers that are harmless."""
    logger, stream = logger_with(JsonFormatter(mask=Mask()))
    try:
        charge(CARD)
    except ValueError:
        logger.exception("refused %s", EMAIL, extra={"card": int(CARD), "tries": 3, "auth": {"token": SECRET}})
    line = json.loads(clean(stream.getvalue()))
    assert line["exception.message"] == "card <CREDIT_CARD> of <EMAIL_ADDRESS> refused"
    assert line["attributes"] == {"card": "<CREDIT_CARD>", "tries": 3, "auth": {"token": "<BEARER_TOKEN>"}}
    assert line["errorplane.error.id"]


def test_structlog_event_is_masked_with_its_exception() -> None:
    """A structlog chain with the processor writes no canary of event, values, keys, or of the exception it renders."""
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.processors.TimeStamper(), mask_event, structlog.processors.JSONRenderer()],
    )
    try:
        charge(CARD)
    except ValueError:
        log.error("refused " + EMAIL, exc_info=True, password=SECRET, user={"mail": EMAIL}, **{EMAIL: 1})  # noqa: G201  # it is exc_info that is tested
    line = json.loads(clean(out.getvalue()))
    assert line["event"] == "refused <EMAIL_ADDRESS>"
    assert "charge" in line["exception"]
    assert isinstance(line["timestamp"], float)


def test_baggage_is_masked() -> None:
    """It has the harmless entries, no canary as a value and no entry named after one; the context itself stays."""
    context = Context()
    for key, value in {"tenant": "acme", "user": EMAIL, "password": SECRET, EMAIL: "1", "card": CARD}.items():
        context = baggage.set_baggage(key, value, context)
    masked = baggage.get_all(mask_baggage(context, Mask()))
    clean(str(masked))
    assert set(masked) == {"tenant", "user", "password", "card"}
    assert (masked["tenant"], masked["user"]) == ("acme", "<EMAIL_ADDRESS>")
    assert baggage.get_baggage("user", context) == EMAIL


def test_baggage_is_withheld_when_masking_fails(swallowing: None) -> None:
    """A fault of the mask costs the entry, not its privacy."""

    def broken(text: str, kind: object) -> str:
        raise RuntimeError(text)

    masked = mask_baggage(baggage.set_baggage("user", EMAIL, Context()), Mask(broken))
    clean(str(baggage.get_all(masked)))
    assert GUARD.failures["mask"]


def test_locals_are_masked_by_name_and_by_content_and_bounded() -> None:
    """Captured variables hold no canary, whatever holds it; many, long and unprintable ones are cut or named."""
    password, order, long = SECRET, {"mail": EMAIL, "cards": [CARD]}, "x" * 300 + EMAIL
    variables: dict[str, object] = {
        "password": password,
        "order": order,
        "long": long,
        "odd": Unprintable(),
        "tries": 3,
    }
    shown = mask_locals(variables, Mask())
    clean(str(shown))
    assert shown["tries"] == "3"
    assert shown["order"] == "{'mail': '<EMAIL_ADDRESS>', 'cards': ['<CREDIT_CARD>']}"
    assert max(map(len, shown.values())) <= 256
    assert len(mask_locals({f"name{number}": number for number in range(100)}, Mask())) == 32


def test_number_that_ends_where_a_value_is_cut_is_hidden() -> None:
    """A value is masked before it is cut, so that no part of a card number stays at the end."""
    for before in range(230, 260):
        clean_text = mask_locals({"text": " " * before + CARD}, Mask())["text"]
        assert CARD[:8] not in clean_text


def deep(levels: int) -> object:
    """A canary in this many lists."""
    value: object = EMAIL
    for _ in range(levels):
        value = [value]
    return value


def cyclic() -> object:
    """A list that holds itself more than once."""
    value: list[object] = [EMAIL]
    value += [value] * 50
    return value


class FailingMap(UserDict[str, str]):
    """A mapping of the application's that cannot be walked."""

    def items(self) -> Any:
        """Fail."""
        raise RuntimeError(EMAIL)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (deep(100), "depth"),
        (cyclic(), "depth"),
        ("a " * 200_000 + EMAIL, "size"),
        (Unprintable(), "error"),
        (FailingMap(mail=EMAIL), "error"),
    ],
    ids=["deep", "cyclic", "long", "unprintable", "failing map"],
)
def test_what_cannot_be_looked_at_is_withheld(value: object, reason: str) -> None:
    """Values beyond the bounds and objects that fail are replaced by the reason, and nothing is raised."""
    assert f"[QUARANTINED:{reason}]" in clean(str(Mask().value(value)))


def test_fault_of_a_detector_withholds_the_text(swallowing: None) -> None:
    """In an application a fault of ours is counted and hides the whole text."""

    def broken(text: str, kind: object) -> str:
        raise RuntimeError(text)

    mask = Mask(broken)
    assert mask.text(EMAIL) == "[QUARANTINED:error]"
    assert mask.value({"mail": EMAIL}) == {"[QUARANTINED:error]": "[QUARANTINED:error]"}
    assert GUARD.failures["mask"]


SHAPES: Mapping[str, Callable[[str], object]] = {
    "proxy": lambda canary: LocalProxy(lambda: canary),
    "text": lambda canary: f"the card {canary} was refused",
    "bytes": lambda canary: canary.encode(),
    "list": lambda canary: ["a", [canary]],
    "set": lambda canary: {canary},
    "key": lambda canary: {canary: 1},
    "value": lambda canary: {"a": {"b": (1, canary)}},
    "exception": lambda canary: "".join(traceback.format_exception(ValueError(canary))),
    "json": lambda canary: json.dumps({"a": json.dumps({"mail": canary})}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("canary", [EMAIL, CARD])
def test_canary_is_found_in_every_shape_of_value(shape: str, canary: str) -> None:
    """Whatever a value is made of, the canary in it is hidden, and a second mask changes nothing."""
    masked = Mask().value(SHAPES[shape](canary))
    clean(str(masked))
    assert Mask().value(masked) == masked


SETTINGS: dict[str, Any] = {
    "version": 1,
    "revision": "0123456789ab",
    "detectors": ["EMAIL_ADDRESS", "CREDIT_CARD", "IP_ADDRESS"],
    "allow": ["support@example.com"],
    "actions": {
        "default": {"do": "replace"},
        "CREDIT_CARD": {"do": "mask", "first": 0, "last": 4, "char": "*"},
        "EMAIL_ADDRESS": {"do": "keep_domain"},
        "IP_ADDRESS": {"do": "drop"},
    },
    "keys": {"customer.id": "CUSTOMER_ID"},
    "custom": ["CUSTOMER_ID"],
}


def settings_file(folder: Path, **changes: object) -> Path:
    """The settings with some changed, in a file."""
    path = folder / "application.json"
    path.write_text(json.dumps({**SETTINGS, **changes}))
    return path


def test_settings_decide_what_is_hidden_and_how(tmp_path: Path) -> None:
    """Detectors, literal exceptions, actions and keys of the settings hold, and nothing else is hidden."""
    mask = load_mask(settings_file(tmp_path))
    assert (
        mask.text(f"card {CARD} of {EMAIL} at 203.0.113.9")
        == "card ************6467 of <EMAIL_ADDRESS>@example.com at "
    )
    assert mask.text("mail support@example.com, password=hunter2") == "mail support@example.com, password=hunter2"
    assert mask.value({"Customer.Id": "anna", "customer": "anna"}) == {
        "Customer.Id": "<CUSTOMER_ID>",
        "customer": "anna",
    }
    assert mask.value({"customer.id": {"first": "anna", "all": ["x", 17]}}) == {
        "customer.id": {"first": "<CUSTOMER_ID>", "all": ["<CUSTOMER_ID>", "<CUSTOMER_ID>"]}
    }


def test_of_what_is_in_one_place_the_strictest_action_counts(tmp_path: Path) -> None:
    """A value that is one thing by its name and another by its content is hidden enough for both."""
    actions = {"default": {"do": "mask", "first": 0, "last": 8, "char": "*"}, "CREDIT_CARD": {"do": "replace"}}
    mask = load_mask(settings_file(tmp_path, keys={"note": "NOTE"}, actions=actions))
    assert mask.value({"note": CARD}) == {"note": "<CREDIT_CARD>"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "version: is 2, and this errorplane reads 1"),
        ({"detectors": ["EMAIL"]}, "detectors: 'EMAIL' is none of"),
        ({"actions": {"default": {"do": "token"}}}, "actions.default.do: 'token' is none of replace, drop"),
        ({"actions": {}}, "default"),
        ({"allow": None}, "NoneType"),
        ({"keys": ["customer"]}, "was not written by `errorplane compile`"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    """The error names the file, what is wrong in it and the command that writes it."""
    path = settings_file(tmp_path, **changes)
    with pytest.raises(SettingsError, match=re.escape(str(path))) as refused:
        load_mask(path)
    assert said in str(refused.value)
    assert "errorplane compile" in str(refused.value)


def test_settings_that_are_missing_or_no_json_are_refused(tmp_path: Path) -> None:
    """So are a file that does not exist and one that is no JSON."""
    with pytest.raises(SettingsError, match="cannot be read"):
        load_mask(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(SettingsError, match="is no JSON"):
        load_mask(tmp_path / "bad.json")


def test_command_compiles_a_policy_to_settings_that_an_application_uses(tmp_path: Path) -> None:
    """What `errorplane compile` writes hides in another process what the policy says, with its masks."""
    policy = tmp_path / "errorplane.yaml"
    policy.write_text(
        "version: 1\nredaction:\n  allow: [support@example.com]\n  custom: [{name: CUSTOMER_ID, keys: [customer.id]}]\n"
        "  actions: {CREDIT_CARD: {do: mask, last: 4}, EMAIL_ADDRESS: token}\n"
    )
    assert main(["compile", "--policy", str(policy), "--out", str(tmp_path / "build")]) == 0
    code = (
        "from errorplane.masking import default_mask\n"
        f"print(default_mask().value(dict(text='{CARD} {EMAIL} support@example.com', **{{'customer.id': 'anna'}})))"
    )
    environ = {**os.environ, "ERRORPLANE_SETTINGS": str(tmp_path / "build" / "application.json")}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == str(
        {"text": "************6467 <EMAIL_ADDRESS> support@example.com", "customer.id": "<CUSTOMER_ID>"}
    )


def test_command_refuses_a_policy_with_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written of a policy that is not valid, and the mistake is named."""
    policy = tmp_path / "errorplane.yaml"
    policy.write_text("version: 1\nredaction: {detectors: [EMAIL]}\n")
    assert main(["compile", "--policy", str(policy), "--out", str(tmp_path / "build")]) == 1
    assert "redaction.detectors" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
