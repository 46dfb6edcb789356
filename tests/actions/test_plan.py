"""What is journalled, and what each destination gets of it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from tests.actions.parts import FixedKeys, effective, finding
from tests.support.telemetry import pairs, span, traces

from errorplane.detectors import Finding
from errorplane.keys import Key, KeyUnavailable, derive
from errorplane.otlp import Signal
from errorplane.policy import ALWAYS_DROPPED
from errorplane.redaction.actions import ActionPlan, Effective, Keyring, Rewriter

KEYS = FixedKeys()
JOURNAL = Keyring(KEYS).journal()
EMAIL = "bob@example.com"


def plan(actions: Effective) -> ActionPlan:
    """A plan with fixed keys."""
    return ActionPlan(actions, KEYS)


def journalled(actions: Effective, entity: str, value: str) -> str:
    """What the journal holds of a value."""
    return plan(actions).before(finding(entity, value), value)


def sent(actions: Effective, destination: str, text: str) -> str:
    """What a destination gets of a text of the journal."""
    return plan(actions).rewriter(destination).text(text, Counter())


def test_what_all_destinations_want_is_done_before_the_journal() -> None:
    """Equal actions, default ones too, are done at once; nothing is left to replace on sending."""
    actions = effective(a={"default": "mask", "US_SSN": "drop"}, b={"default": "mask", "US_SSN": "drop"})
    assert journalled(actions, "CREDIT_CARD", "4111111111111111") == "************1111"
    assert journalled(actions, "US_SSN", "078-05-1120") == ""
    assert journalled(effective(a={}, b={}), "EMAIL_ADDRESS", EMAIL) == "<EMAIL_ADDRESS>"


def test_where_destinations_differ_each_gets_its_own() -> None:
    """The journal holds a token that only its key opens; each destination has its action instead, from the raw value."""
    actions = effective(
        a={"EMAIL_ADDRESS": {"do": "token", "domain": "a"}},
        b={"EMAIL_ADDRESS": "keep_domain"},
        c={"EMAIL_ADDRESS": "keep"},
        d={"EMAIL_ADDRESS": "drop"},
    )
    held = journalled(actions, "EMAIL_ADDRESS", "Bob@Example.com")
    assert held == JOURNAL.token("EMAIL_ADDRESS", "Bob@Example.com")
    text = f"from {held} to {held}."
    token = Keyring(KEYS).tokens("a").token("EMAIL_ADDRESS", EMAIL)
    assert sent(actions, "a", text) == f"from {token} to {token}."
    assert sent(actions, "b", text) == "from <EMAIL_ADDRESS>@example.com to <EMAIL_ADDRESS>@example.com."
    assert sent(actions, "c", text) == "from Bob@Example.com to Bob@Example.com."
    assert sent(actions, "d", text) == "from  to ."


def test_a_value_that_nobody_needs_is_not_journalled() -> None:
    """Where some replace and the others drop, the journal's token is the same for every value."""
    actions = effective(a={"EMAIL_ADDRESS": "replace"}, b={"EMAIL_ADDRESS": "drop"})
    held = journalled(actions, "EMAIL_ADDRESS", EMAIL)
    assert held == journalled(actions, "EMAIL_ADDRESS", "eve@example.org")
    assert (sent(actions, "a", held), sent(actions, "b", held)) == ("<EMAIL_ADDRESS>", "")
    later = effective(a={"EMAIL_ADDRESS": "token"}, b={"EMAIL_ADDRESS": "keep"})
    assert (sent(later, "a", held), sent(later, "b", held)) == ("<EMAIL_ADDRESS>", "<EMAIL_ADDRESS>")


@pytest.mark.parametrize("entity", sorted(ALWAYS_DROPPED))
def test_what_must_never_be_stored_is_dropped_whatever_the_policy_says(entity: str) -> None:
    """Card verification values and track data are in no form in the journal, and a token of one goes nowhere."""
    actions = effective(a={entity: "keep", "default": "keep"}, b={entity: "token", "default": "token"})
    assert journalled(actions, entity, "123") == ""
    assert sent(actions, "a", f"x{JOURNAL.token(entity, '123')}") == "x"


def overlapping(value: str, *entities: str) -> Finding:
    """A finding of several entities in one place, named after the first."""
    return Finding(entities[0], 0, len(value), 1.0, "test", frozenset(entities[1:]))


def test_of_what_is_in_one_place_the_strictest_action_counts() -> None:
    """A kept entity keeps nothing that also is another; of masks the one that shows least, of equal actions the name's."""
    value = "4111111111111111"
    one = plan(
        effective(a={"NOTE": "keep", "CREDIT_CARD": {"do": "mask", "last": 4}, "LONG": {"do": "mask", "last": 8}})
    )
    assert one.before(overlapping(value, "NOTE", "CREDIT_CARD"), value) == "************1111"
    assert one.before(overlapping(value, "LONG", "CREDIT_CARD"), value) == "************1111"
    assert one.before(overlapping(value, "NOTE", "JWT"), value) == "<JWT>"
    assert one.before(overlapping(value, "IBAN_CODE", "JWT"), value) == "<IBAN_CODE>"


def test_what_must_never_be_stored_is_in_no_token_of_what_surrounds_it() -> None:
    """A value that also holds a card verification value is dropped, whatever else it is."""
    actions = effective(a={"NOTE": "keep"}, b={"NOTE": "token"})
    value = "bob, 4111111111111111, cvv 731"
    assert plan(actions).before(overlapping(value, "NOTE", "CVV"), value) == ""


def test_where_destinations_disagree_about_what_is_strictest_none_gets_the_value() -> None:
    """One hides the one entity and keeps the other, the next the other way round: both get the entity's name."""
    actions = effective(a={"NOTE": "keep", "JWT": "drop"}, b={"NOTE": "drop", "JWT": "keep"})
    held = plan(actions).before(overlapping("secret", "NOTE", "JWT"), "secret")
    assert held == "<NOTE>"
    assert sent(actions, "a", held) == sent(actions, "b", held) == "<NOTE>"


def test_an_older_token_is_replaced_by_what_the_policy_says_now() -> None:
    """After a reload to a policy in which all agree, with another entity left out, waiting tokens are still replaced."""
    held = JOURNAL.token("CUSTOMER_ID", "CUST-17")
    assert sent(effective(a={"CUSTOMER_ID": "mask"}, b={"CUSTOMER_ID": "mask"}), "a", held) == "***T-17"
    assert sent(effective(a={"default": "drop"}), "a", held) == ""
    assert sent(effective(a={}), "gone", held) == "<CUSTOMER_ID>"


def test_a_token_that_cannot_be_opened_never_leaves() -> None:
    """Cut, changed or forged, what looks like a token of the journal becomes its entity, and is counted."""
    rewriter = plan(effective(a={"EMAIL_ADDRESS": "keep"})).rewriter("a")
    token = JOURNAL.token("EMAIL_ADDRESS", EMAIL)
    for damaged, new, entity in (
        (token[:-2], "<EMAIL_ADDRESS>", "EMAIL_ADDRESS"),
        (token.replace("email", "phone"), "<PHONE_ADDRESS>", "PHONE_ADDRESS"),
        (f"tok_jwt_{JOURNAL.id}_", "<JWT>", "JWT"),
        (token[3:], "<TOKEN>", "TOKEN"),
        (f"_{JOURNAL.id}_", "<TOKEN>", "TOKEN"),
    ):
        lost: Counter[str] = Counter()
        assert rewriter.text(f"a {damaged} b", lost) == f"a {new} b"
        assert lost == {entity: 1}


TEXTS = st.text(max_size=30)
VALUES = st.text(min_size=1, max_size=30).filter(lambda text: text != "\x00")


@given(st.lists(st.one_of(TEXTS, st.tuples(VALUES)), max_size=6), st.sampled_from(["", " ", "a", "_", "tok_"]))
def test_texts_around_tokens_stay(parts: list[str | tuple[str]], between: str) -> None:
    """Whatever stands between tokens, glued or not, comes out as it was, and each token as its value."""
    rewriter = plan(effective(a={"PASSWORD": "keep"})).rewriter("a")
    written = between.join(part if isinstance(part, str) else JOURNAL.token("PASSWORD", part[0]) for part in parts)
    expected = between.join(part if isinstance(part, str) else part[0] for part in parts)
    lost: Counter[str] = Counter()
    assert (rewriter.text(written, lost), lost) == (expected, {})


def everywhere(token: str) -> ExportTraceServiceRequest:
    """A request with a token in every kind of place that a text can stand in."""
    made = span(f"GET /{token}", attributes={"key": token, token: "value", "list": [token, "b"], "number": 7})
    made.trace_state = f"a={token}"
    made.status.message = token
    made.events.add(name=token, attributes=pairs({"x": token}))
    made.links.add(trace_state=token, attributes=pairs({"x": token}))
    inner = made.attributes.add(key="map").value.kvlist_value.values.add(key=token)
    inner.value.bytes_value = b"\xff" + token.encode() + b"\xff"
    request = traces([made, span("plain")], token)
    group = request.resource_spans[0]
    group.schema_url = token
    group.resource.entity_refs.add(type=token, id_keys=["a", token])
    group.scope_spans[0].scope.name = token
    return request


def rewritten(rewriter: Rewriter, request: ExportTraceServiceRequest) -> tuple[ExportTraceServiceRequest, Counter[str]]:
    """A request as a destination gets it."""
    out = rewriter.payload(Signal.TRACES, request.SerializeToString())
    return ExportTraceServiceRequest.FromString(out.payload), Counter(out.lost)


def test_every_place_is_rewritten() -> None:
    """Names, keys, values, bytes, states, schemas and lists: the result is the request written with the value."""
    rewriter = plan(effective(a={"EMAIL_ADDRESS": "keep"})).rewriter("a")
    token = JOURNAL.token("EMAIL_ADDRESS", EMAIL)
    expected = everywhere(EMAIL)
    found, lost = rewritten(rewriter, everywhere(token))
    for each in (expected, found):
        for one in each.resource_spans[0].scope_spans[0].spans:
            one.ClearField("trace_id")
            one.ClearField("span_id")
    assert found == expected
    assert lost == {}


def test_a_payload_without_tokens_is_the_same_bytes() -> None:
    """Nothing is parsed or written anew where there is nothing to replace."""
    body = traces([span("a", attributes={"x": "tok_email_address_aaaaaa_" + "b" * 30})]).SerializeToString()
    assert plan(effective(a={"EMAIL_ADDRESS": "keep"})).rewriter("a").payload(Signal.TRACES, body).payload is body


def test_a_token_in_an_unknown_field_goes_with_it() -> None:
    """A field that the schema does not know, with a token in it, does not leave."""
    token = JOURNAL.token("EMAIL_ADDRESS", EMAIL).encode()
    unknown = b"\xfa\x3f" + bytes([len(token)]) + token
    body = traces([span("a")]).SerializeToString() + unknown
    out = plan(effective(a={"EMAIL_ADDRESS": "keep"})).rewriter("a").payload(Signal.TRACES, body).payload
    assert token not in out
    assert ExportTraceServiceRequest.FromString(out).resource_spans[0].scope_spans[0].spans[0].name == "a"


def test_odd_bytes_are_rewritten_too() -> None:
    """Tags in over-long spellings, which the quick way cannot follow, are rewritten by parsing the whole."""
    rewriter = plan(effective(a={"EMAIL_ADDRESS": "keep"})).rewriter("a")
    token = JOURNAL.token("EMAIL_ADDRESS", EMAIL)
    body = traces([span(token, attributes={"x": token})]).SerializeToString()
    odd = b"\x8a\x00" + body[1:]  # the tag 0x0a of the resource's group
    assert ExportTraceServiceRequest.FromString(odd) == ExportTraceServiceRequest.FromString(body)
    out = rewriter.payload(Signal.TRACES, odd).payload
    assert out == rewriter.payload(Signal.TRACES, body).payload
    assert ExportTraceServiceRequest.FromString(out).resource_spans[0].scope_spans[0].spans[0].name == EMAIL


def test_numbers_and_flags_stay() -> None:
    """What is no text is the same after the rewriting."""
    rewriter = plan(effective(a={"EMAIL_ADDRESS": "replace"})).rewriter("a")
    request = traces([span("a", attributes={"n": 5, "f": 0.5, "b": True, "t": JOURNAL.token("EMAIL_ADDRESS", EMAIL)})])
    found, _ = rewritten(rewriter, request)
    values = {pair.key: pair.value for pair in found.resource_spans[0].scope_spans[0].spans[0].attributes}
    assert values == {
        "n": AnyValue(int_value=5),
        "f": AnyValue(double_value=0.5),
        "b": AnyValue(bool_value=True),
        "t": AnyValue(string_value="<EMAIL_ADDRESS>"),
    }


def test_keys_are_only_asked_for_where_they_are_needed() -> None:
    """A policy without tokens needs no key of tokens; one with them says at once that it is missing."""

    class NoTokens(FixedKeys):
        def key(self, purpose: str) -> Key:
            if purpose == "tokens":
                raise KeyUnavailable(purpose, "none")
            return derive(b"j" * 32, purpose)

    ActionPlan(effective(a={"default": "mask"}, b={"EMAIL_ADDRESS": "keep"}), NoTokens())
    for needed in ("token", "hmac", {"do": "ip_prefix", "keyed": True}):
        with pytest.raises(KeyUnavailable):
            ActionPlan(effective(a={"EMAIL_ADDRESS": needed}, b={}), NoTokens())
