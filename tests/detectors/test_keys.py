"""What the names of attributes say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import wide

from errorplane.detectors import KeyClass, key_class

CLASSES = {
    KeyClass.SECRET: (
        "password user.password db_password DB_PASS userPassword PASSWORD passphrase pwd secret client_secret clientSecret "
        "SECRET_KEY api_key apiKey x-api-key http.request.header.x-api-key accessKey private_key aws.secret_access_key "
        "credentials password1 new_password_confirmation passwordHash redis.pass api-key-value"
    ),
    KeyClass.TOKEN: (
        "token access_token accessToken refresh-token csrf_token authorization http.request.header.authorization "
        "Proxy-Authorization cookie set-cookie http.request.header.cookie jwt id.jwt bearer token2 sessionToken PHPSESSID"
    ),
    KeyClass.CARD: "card card_number cardNumber payment.card creditCard orderCard customerPan pan cc ccn card.no",
    KeyClass.PHONE: "phone user.phone phoneNumber phone_home mobile msisdn fax fax_no whatsapp tel_no contactNumber",
    KeyClass.SSN: "ssn user.ssn SSN social_security_number socialSecurity",
    KeyClass.ACCOUNT: "cloud.account.id aws_account_id accountId",
    KeyClass.VERSION: (
        "version service.version telemetry.sdk.version user_agent user_agent.original browser.version release app_release "
        "container.image.tag container.image.tags api_versions"
    ),
    KeyClass.ID: "id order.id session.id orderId trace_id uuid kafka.offset seq timestamp body_size token_count version_count",
    KeyClass.NONE: (
        "gen_ai.usage.input_tokens gen_ai.usage.output_tokens max_tokens nextPageToken next_page_token "
        "continuation_token sync-token token.type password_length passwordless secret_name key primary_key "
        "user.email http.route cardinality company pancake userAgentParser released compass "
        "cookie_banner author authority release_notes"
    ),
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in CLASSES.items() for key in keys.split()])
def test_what_a_name_says(kind: KeyClass, key: str) -> None:
    """Of words in any usual spelling the last decide; counts, kinds and paging tokens say nothing."""
    assert key_class(key) is kind


@pytest.mark.parametrize("key", ["password", "api_key", "access_token", "phone", "ssn"])
def test_spelling_and_place(key: str) -> None:
    """A prefix, capitals and other forms of the letters change nothing."""
    kind = key_class(key)
    for other in (f"app.{key}", key.upper(), key.title(), wide(key), f"{'x' * 5000}.{key}", key.replace("_", "-")):
        assert key_class(other) is kind


@given(st.text(max_size=400))
@settings(max_examples=300)
def test_any_text_can_be_a_name(key: str) -> None:
    """No name raises."""
    assert isinstance(key_class(key), KeyClass)
