"""The fields that code binds, and what becomes of them on spans, log records and metrics."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context

import pytest

from errorplane.context import (
    FLAGS,
    OTHER,
    bind,
    configure,
    fields,
    metric_fields,
    set_deployment,
    set_flag,
    set_tenant,
    set_user,
    user_hash,
)
from errorplane.errors import COMPONENT, CORRELATION_ID, DEPLOYMENT, DEPLOYMENT_ID, FEATURE_FLAG, TENANT, USER_HASH
from errorplane.testing import Capture

KEY = "a key of the shop's own"
Settings = Callable[[Mapping[str, str]], None]


@pytest.fixture
def settings() -> Iterator[Settings]:
    yield configure
    configure({})


def test_all_fields_are_on_spans_log_records_and_errors(settings: Settings) -> None:
    """By the names of the semantic conventions where there are some."""
    with Capture() as capture:
        settings({"ERRORPLANE_USER_KEY": KEY})
        given = bind(
            correlation_id="c-17",
            component="cart",
            tenant="acme",
            user="lena",
            deployment="canary",
            deployment_id="2026-11-25.1",
            flags={"new-cart": True, "colour": "red"},
        )
        with given, contextlib.suppress(ValueError), capture.tracer.start_as_current_span("checkout"):
            capture.logger.emit(body="x")
            raise ValueError("x")
        expected = {
            CORRELATION_ID: "c-17",
            COMPONENT: "cart",
            TENANT: "acme",
            USER_HASH: hmac.new(KEY.encode(), b"lena", hashlib.sha256).hexdigest(),
            DEPLOYMENT: "canary",
            DEPLOYMENT_ID: "2026-11-25.1",
            FEATURE_FLAG + "new-cart": "true",
            FEATURE_FLAG + "colour": "red",
        }
        assert capture.logs[0] == expected
        span = capture.spans["checkout"]
        assert expected.items() <= dict(span.attributes or {}).items()
        (_, event), *_ = capture.exceptions
        assert expected.items() <= dict(event.attributes or {}).items()


def test_what_is_set_is_on_the_span_that_has_started_too() -> None:
    """Such as that of the request, whose tenant the application finds out; nothing is taken from it again."""
    with Capture() as capture, bind():
        with capture.tracer.start_as_current_span("request"):
            set_tenant("acme")
            set_flag("colour", "red")
            with capture.tracer.start_as_current_span("step"):
                set_tenant(None)
        assert capture.spans["request"].attributes == {TENANT: "acme", FEATURE_FLAG + "colour": "red"}


def test_without_a_key_nothing_about_users_is_written(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Said once, without the user."""
    settings({})
    with bind(user="lena", tenant="acme"):
        set_user("lena")
        assert dict(fields()) == {TENANT: "acme"}
    assert caplog.messages == ["ERRORPLANE_USER_KEY is not set: nothing about users is written"]


def test_a_key_that_can_be_guessed_is_refused(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Said when it is read, without the key."""
    settings({"ERRORPLANE_USER_KEY": "hunter2"})
    assert user_hash("lena") is None
    (said,) = caplog.messages
    assert said.startswith("ERRORPLANE_USER_KEY has fewer than 16 characters")
    assert "hunter2" not in said


def test_a_user_can_be_removed(settings: Settings) -> None:
    """And another key makes another pseudonym."""
    settings({"ERRORPLANE_USER_KEY": KEY})
    with bind(user="lena"):
        first = fields()[USER_HASH]
        set_user(None)
        assert not fields()
    settings({"ERRORPLANE_USER_KEY": KEY + "!"})
    assert user_hash("lena") != first


def test_a_block_may_be_left_in_another_context() -> None:
    """A generator that nobody reads to its end is closed wherever it is collected; nothing is raised there."""

    def messages() -> Iterator[str]:
        with bind(tenant="acme"):
            yield fields()[TENANT]

    waiting = messages()
    assert Context().run(next, waiting) == "acme"
    with bind(tenant="other"):
        waiting.close()  # type: ignore[attr-defined]  # it is a generator
        assert fields()[TENANT] == "other"


def test_a_deployment_can_be_set_and_removed() -> None:
    """The environment and the deployment in it."""
    with bind():
        set_deployment("staging", "17")
        assert dict(fields()) == {DEPLOYMENT: "staging", DEPLOYMENT_ID: "17"}
        set_deployment(None)
        assert not fields()


def test_a_new_variant_is_an_event_of_the_semantic_conventions() -> None:
    """Once for each new variant, in the current span; the field is on what comes after."""
    with Capture() as capture, bind():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("errorplane.context._flags.get_logger", capture.logger_provider.get_logger)
            with capture.tracer.start_as_current_span("checkout"):
                set_flag("new cart", True, provider="flagd", reason="split")
                set_flag("new cart", True)
                set_flag("new cart", "off")
                assert dict(fields()) == {FEATURE_FLAG + "new_cart": "off"}
                set_flag("new cart", None)
                assert not fields()
        first, second = capture.logs
        assert first == {
            "feature_flag.key": "new cart",
            "feature_flag.result.variant": "true",
            "feature_flag.provider.name": "flagd",
            "feature_flag.result.reason": "split",
            FEATURE_FLAG + "new_cart": "true",
        }
        assert second["feature_flag.result.variant"] == "off"


def test_flags_are_bounded() -> None:
    """Each is an attribute of every span: of too many the first are told, and those can change."""
    many = {f"flag-{number}": "on" for number in range(FLAGS + 3)}
    with bind(flags=many), bind(flags={"one-more": "on", "flag-0": "off"}):
        assert len(fields()) == FLAGS
        assert fields()[FEATURE_FLAG + "flag-0"] == "off"
    with bind(flags={"k" * 1000: "v" * 1000}):
        ((name, value),) = fields().items()
        assert (len(name), len(value)) == (len(FEATURE_FLAG) + 64, 256)


def test_metrics_carry_no_field_unless_it_is_listed(settings: Settings) -> None:
    """By its short name or its attribute's; what is not bound is not there."""
    with bind(tenant="acme", component="cart"):
        settings({})
        assert metric_fields() == {}
        settings({"ERRORPLANE_METRIC_FIELDS": f"tenant,{DEPLOYMENT},plan"})
        assert metric_fields() == {TENANT: "acme"}


def test_metrics_carry_a_bounded_number_of_values(settings: Settings) -> None:
    """Of each field the first ones are told apart, in every scope; the rest is one value."""
    settings({"ERRORPLANE_METRIC_FIELDS": "tenant", "ERRORPLANE_METRIC_VALUES": "2"})
    seen = []
    for tenant in ("a", "b", "c", "a", "d"):
        with bind(tenant=tenant):
            seen.append(metric_fields()[TENANT])
    assert seen == ["a", "b", OTHER, "a", OTHER]


def test_metrics_never_carry_ids(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Exemplars lead to them."""
    settings({"ERRORPLANE_METRIC_FIELDS": "correlation_id,user.hash,tenant", "ERRORPLANE_USER_KEY": KEY})
    with bind(correlation_id="c-17", user="lena", tenant="acme"):
        assert metric_fields() == {TENANT: "acme"}
    assert caplog.messages[0].startswith("ERRORPLANE_METRIC_FIELDS: errorplane.correlation_id is different")
