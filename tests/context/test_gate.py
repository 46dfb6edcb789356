"""The gate around the propagator: what passes it in either direction, whoever's propagator stands behind it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import sentry_sdk
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagate import get_global_textmap as known_before
from opentelemetry.propagate import set_global_textmap as set_before
from opentelemetry.propagators.textmap import CarrierT, Setter, TextMapPropagator, default_setter
from opentelemetry.sdk.trace import Span, TracerProvider
from sentry_sdk.integrations.opentelemetry import SentryPropagator
from sentry_sdk.integrations.otlp import OTLPIntegration, SentryOTLPPropagator
from tests.context.conftest import Attach
from tests.context.servers import INSIDE, THIRD_PARTY, Recorder, entries
from tests.context.test_clients import with_requests

from errorplane.context import bind, fields
from errorplane.errors import CORRELATION_ID, TENANT
from errorplane.hooks import GUARD, detach
from errorplane.propagation import Gate, destination


@pytest.fixture(autouse=True)
def propagator() -> Iterator[None]:
    """The global propagator is as it was after each test."""
    before = propagate.get_global_textmap()
    yield
    detach()
    propagate.set_global_textmap(before)


def injected() -> dict[str, str]:
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def test_nothing_passes_to_an_unknown_host(attached: Attach, carrying: None) -> None:
    """It fails closed; the context itself keeps its baggage."""
    attached({})
    assert "baggage" not in injected()
    assert baggage.get_baggage("tenant") == "acme"


def test_who_knows_the_host_says_so(attached: Attach, carrying: None) -> None:
    """For clients that nobody hooks into."""
    attached({})
    with destination("kafka.internal"):
        assert entries(injected()) == {"tenant=acme"}
    with destination(THIRD_PARTY):
        assert "baggage" not in injected()
    assert "baggage" not in injected()


def test_what_stays_here_is_said_once(attached: Attach, carrying: None, caplog: pytest.LogCaptureFixture) -> None:
    """By its key, without its value: the application may have relied on it. Of third parties nothing is said."""
    attached({})
    for host in (THIRD_PARTY, INSIDE, INSIDE):
        with destination(host):
            injected()
    assert caplog.messages == [
        "baggage 'cart' is not sent, even to hosts of ours: ERRORPLANE_BAGGAGE_KEYS does not list it"
    ]


def test_the_gate_can_be_copied(attached: Attach) -> None:
    """As whatever an application does with its propagator; and it offers what that one offers."""
    attached({})
    gate = propagate.get_global_textmap()
    assert isinstance(gate, Gate)
    assert copy.copy(gate).fields == gate.inner.fields
    assert not hasattr(gate, "none_of_this")


def test_all_hosts_and_all_keys_can_be_allowed(attached: Attach, carrying: None) -> None:
    """Then even a client that nobody knows sends baggage, as without errorplane."""
    attached({"ERRORPLANE_BAGGAGE_HOSTS": "*", "ERRORPLANE_BAGGAGE_KEYS": "*"})
    assert entries(injected()) == {"tenant=acme", "cart=17"}


def test_bound_fields_travel_under_their_keys(attached: Attach) -> None:
    """`correlation_id` and `tenant`; other fields under their attribute's name, if that is allowed."""
    attached({"ERRORPLANE_BAGGAGE_KEYS": "tenant,errorplane.feature_flag.*"})
    with bind(correlation_id="c-17", tenant="acme", component="cart", flags={"new": "on"}), destination(INSIDE):
        assert entries(injected()) == {"tenant=acme", "errorplane.feature_flag.new=on"}


def test_what_leaves_can_be_masked(attached: Attach) -> None:
    """ERRORPLANE_BAGGAGE_MASK: by the detectors that mask the rest of an application's output."""
    attached({"ERRORPLANE_BAGGAGE_MASK": "true"})
    with bind(tenant="lena@example.com"), destination(INSIDE):
        assert entries(injected()) == {"tenant=%3CEMAIL_ADDRESS%3E"}


@pytest.mark.parametrize("setter", ["the module's", "one that was imported before"])
def test_a_propagator_that_is_set_later_is_behind_the_gate(attached: Attach, carrying: None, setter: str) -> None:
    """Whether it is set by the name that is known now or by one that was imported before `attach`."""
    attached({})
    (propagate.set_global_textmap if setter == "the module's" else set_before)(W3CBaggagePropagator())
    assert injected() == {}
    with destination(INSIDE):
        assert injected() == {"baggage": "tenant=acme"}


def test_a_name_of_the_getter_from_before_leads_to_the_gate(attached: Attach) -> None:
    """Libraries import it by name."""
    attached({})
    assert isinstance(known_before(), Gate)


def test_detaching_leaves_the_propagator_that_was_there(attached: Attach, carrying: None) -> None:
    """And a gate that somebody holds lets everything pass."""
    before = propagate.get_global_textmap(), propagate.get_global_textmap.__name__
    attached({})
    gate = propagate.get_global_textmap()
    detach()
    assert (propagate.get_global_textmap(), propagate.get_global_textmap.__name__) == before
    headers: dict[str, str] = {}
    gate.inject(headers)
    assert entries(headers) == {"tenant=acme", "cart=17"}


def test_of_incoming_baggage_only_allowed_keys_are_seen(attached: Attach) -> None:
    """The application and the spans do not see what strangers send."""
    attached({"ERRORPLANE_BAGGAGE_INBOUND": "tenant"})
    found = propagate.extract({"baggage": "tenant=acme,admin=true,correlation_id=theirs"})
    assert baggage.get_all(found) == {"tenant": "acme"}
    assert fields(found) == {TENANT: "acme"}


@pytest.mark.parametrize("value", ["none", ""])
def test_at_the_edge_no_baggage_comes_in(attached: Attach, value: str) -> None:
    """`none`, or a variable that is set to nothing."""
    attached({"ERRORPLANE_BAGGAGE_INBOUND": value})
    found = propagate.extract({"baggage": "tenant=acme,correlation_id=theirs"})
    assert not baggage.get_all(found)


def test_own_baggage_survives_what_comes_in(attached: Attach, carrying: None) -> None:
    """What the context had before stays, and a stranger cannot replace it by a key that is not allowed."""
    attached({"ERRORPLANE_BAGGAGE_INBOUND": "tenant"})
    found = propagate.extract({"baggage": "tenant=theirs,cart=theirs,x=theirs"})
    assert baggage.get_all(found) == {"tenant": "theirs", "cart": "17"}


def test_the_default_is_what_spans_may_have(attached: Attach) -> None:
    """OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS, in both directions."""
    attached({"OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS": "plan"})
    found = propagate.extract({"baggage": "tenant=acme,plan=gold"})
    assert baggage.get_all(found) == {"plan": "gold"}
    token = context.attach(found)
    with bind(tenant="acme"), destination(INSIDE):
        assert entries(injected()) == {"plan=gold"}
    context.detach(token)


class Jaeger(TextMapPropagator):
    """Baggage as Jaeger and OpenTracing write it: a header for each entry, from a store of their own."""

    fields = {"uberctx-tenant", "ot-baggage-cart"}  # noqa: RUF012  # a property in the base class

    def extract(self, carrier: object, context: object = None, getter: object = None) -> context.Context:
        raise NotImplementedError

    def inject(
        self, carrier: CarrierT, context: context.Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        setter.set(carrier, "uber-trace-id", "1:2:0:1")
        setter.set(carrier, "uberctx-tenant", "acme")
        setter.set(carrier, "ot-baggage-cart", "17")


def test_baggage_in_other_formats_is_baggage(attached: Attach) -> None:
    """Each header is decided on by the key in its name."""
    attached({})
    propagate.set_global_textmap(Jaeger())
    assert injected() == {"uber-trace-id": "1:2:0:1"}
    with destination(INSIDE):
        assert injected() == {"uber-trace-id": "1:2:0:1", "uberctx-tenant": "acme"}


SENTRY_HEADERS = {
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
    "baggage": "sentry-trace_id=0af7651916cd43dd8448eb211c80319c,sentry-release=shop%401",
}


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A client of Sentry that sends nothing, with the integration whose propagator it is; its patches are taken back."""
    monkeypatch.setattr(Span, "record_exception", Span.record_exception)
    monkeypatch.setattr("sentry_sdk.integrations.otlp._sentry_patched_exception", False)
    integration = OTLPIntegration(setup_otlp_traces_exporter=False, setup_propagator=False, capture_exceptions=False)
    sentry_sdk.init(
        "http://key@127.0.0.1:9/1",
        integrations=[integration],
        default_integrations=False,
        auto_enabling_integrations=False,
    )
    yield
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)


@pytest.mark.parametrize("keys", ["tenant", "tenant,sentry-*"])
def test_sentrys_propagator_tells_no_third_party(
    attached: Attach, server: Recorder, tracer_provider: TracerProvider, sentry: None, keys: str
) -> None:
    """Sentry replaces the global propagator and keeps baggage of its own; hosts of ours get it if its keys are allowed."""
    attached({"ERRORPLANE_BAGGAGE_KEYS": keys})
    set_before(SentryOTLPPropagator())
    came = propagate.extract(SENTRY_HEADERS)
    token = context.attach(came)
    with tracer_provider.get_tracer("shop").start_as_current_span("request"):
        assert "baggage" not in injected()
        assert "sentry-trace" in injected()
        with_requests(server.url(INSIDE, then=server.url(THIRD_PARTY)))
    context.detach(token)
    told = server.sent_to(INSIDE).get("baggage", "")
    assert ("sentry-release=shop%401" in told) == ("sentry" in keys)
    assert "baggage" not in server.sent_to(THIRD_PARTY)


def test_sentrys_older_propagator_is_behind_the_gate_too(attached: Attach) -> None:
    """What it reads stays readable to it."""
    attached({})
    set_before(SentryPropagator())
    found = propagate.extract(SENTRY_HEADERS)
    assert trace.get_current_span(found).get_span_context().trace_id == 0x0AF7651916CD43DD8448EB211C80319C


def test_where_deciding_fails_nothing_leaves(
    attached: Attach, carrying: None, swallowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the trace: whether a propagator would write baggage is not known then."""
    attached({})

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Gate, "_leaving", broken)
    assert injected() == {}
    monkeypatch.setattr(Gate, "_admitted", broken)
    assert not baggage.get_all(propagate.extract({"baggage": "tenant=acme"}))
    assert GUARD.failures == {"baggage_out": 1, "baggage_in": 1}


def test_switched_off_errorplane_leaves_opentelemetry_as_it_is(attached: Attach, carrying: None) -> None:
    """ERRORPLANE_ENABLED=false."""
    attached({"ERRORPLANE_ENABLED": "false"})
    assert entries(injected()) == {"tenant=acme", "cart=17"}


def test_the_id_of_a_stranger_does_not_come_in_as_baggage(attached: Attach) -> None:
    """Unless its key is allowed; then it is a field like any."""
    attached({})
    assert fields(propagate.extract({"baggage": "correlation_id=c-17"})) == {CORRELATION_ID: "c-17"}


@pytest.mark.parametrize("sent", ["%3Cscript%3E", "two%20words", "c" * 129])
def test_an_id_that_cannot_be_used_does_not_come_in_as_baggage(attached: Attach, sent: str) -> None:
    """It is held to the same as one in a header of its own; the rest of the baggage comes in."""
    attached({})
    assert fields(propagate.extract({"baggage": f"correlation_id={sent},tenant=acme"})) == {TENANT: "acme"}
