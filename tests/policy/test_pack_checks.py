"""Packs refuse a policy that breaks their rules, quoted by number, and take one that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from errorplane.policy import LoadResult
from errorplane.policy.packs import PACKS
from errorplane.policy.packs._checks import PACK_CHECKS

Read = Callable[..., LoadResult]
HEAD = """\
version: 1
keys: {tokens: {env: TOKENS}}
destinations:
  files: {file: {path: ./out/}}
  audit: {file: {path: ./audit.jsonl}}
  backend: {otlp: {endpoint: "https://backend:4317"}}
"""
BESIDE = HEAD.replace("keys: {tokens: {env: TOKENS}}\n", "")
HIPAA = "packs: [hipaa], ner: {}, "

# Pack, section, path of the problem, level, number of the rule; then a section that is close and good.
CASES = {
    "track data is masked": (
        "packs: [pci-dss], actions: {TRACK_DATA: mask}",
        "redaction.actions.TRACK_DATA",
        "error",
        "pci-dss 3.3.1",
        "packs: [pci-dss], actions: {TRACK_DATA: drop}",
    ),
    "a PIN is hashed for one destination": (
        "packs: [pci-dss], destinations: {audit: {PIN: hmac}}",
        "redaction.destinations.audit.PIN",
        "error",
        "pci-dss 3.3.1",
        "packs: [pci-dss], destinations: {audit: {PIN: drop}}",
    ),
    "a mask shows nine digits": (
        "packs: [pci-dss], actions: {CREDIT_CARD: {do: mask, first: 9, last: 4}}",
        "redaction.actions.CREDIT_CARD",
        "error",
        "pci-dss 3.4.1",
        "packs: [pci-dss], actions: {CREDIT_CARD: {do: mask, first: 6, last: 4}}",
    ),
    "a mask shows five last digits": (
        "packs: [pci-dss], destinations: {audit: {CREDIT_CARD: {do: mask, last: 5}}}",
        "redaction.destinations.audit.CREDIT_CARD",
        "error",
        "pci-dss 3.4.1",
        "packs: [pci-dss], actions: {CREDIT_CARD: {do: mask, last: 3}}",
    ),
    "a mask shows a BIN of eight digits": (
        "packs: [pci-dss], actions: {CREDIT_CARD: {do: mask, first: 8, last: 4}}",
        "redaction.actions.CREDIT_CARD",
        "warning",
        "pci-dss 3.4.1",
        "packs: [pci-dss], actions: {CREDIT_CARD: {do: mask, first: 6}}",
    ),
    "cards are not looked for": (
        "packs: [pci-dss], detectors: [EMAIL_ADDRESS]",
        "redaction.detectors",
        "error",
        "pci-dss 3.5.1",
        "packs: [pci-dss], detectors: [EMAIL_ADDRESS, CREDIT_CARD]",
    ),
    "cards are kept for one destination": (
        "packs: [pci-dss], destinations: {audit: {CREDIT_CARD: keep}}",
        "redaction.destinations.audit.CREDIT_CARD",
        "error",
        "pci-dss 3.5.1",
        "packs: [pci-dss], destinations: {audit: {default: keep}}",
    ),
    "a card number is allowed": (
        'packs: [pci-dss], allow: ["1234", "4111-1111-1111-1111"]',
        "redaction.allow[1]",
        "error",
        "pci-dss 3.5.1",
        'packs: [pci-dss], allow: ["1234", "4111-1111-1111-1112"]',
    ),
    "a pattern allows card numbers": (
        "packs: [pci-dss], allow_patterns: ['[0-9]{16}']",
        "redaction.allow_patterns[0]",
        "error",
        "pci-dss 3.5.1",
        "packs: [pci-dss], allow_patterns: ['[0-9]{11}', 'order-[0-9]{16}']",
    ),
    "a card number with dots is allowed": (
        'packs: [pci-dss], allow: ["4111.1111.1111.1111"]',
        "redaction.allow[0]",
        "error",
        "pci-dss 3.5.1",
        'packs: [pci-dss], allow: ["4111.1111.1111.1112"]',
    ),
    "a pattern allows card numbers with dots": (
        "packs: [pci-dss], allow_patterns: ['[0-9]{4}([.][0-9]{4}){3}']",
        "redaction.allow_patterns[0]",
        "error",
        "pci-dss 3.5.1",
        "packs: [pci-dss], allow_patterns: ['[0-9]{1,3}([.][0-9]{1,3}){3}']",
    ),
    "the domain of e-mail addresses is left": (
        HIPAA + "actions: {EMAIL_ADDRESS: keep_domain}",
        "redaction.actions.EMAIL_ADDRESS",
        "error",
        "hipaa 164.514(b)(2)(i)(F)",
        HIPAA + "actions: {EMAIL_ADDRESS: drop}",
    ),
    "a pattern lets every identifier through": (
        HIPAA + "allow_patterns: ['.*']",
        "redaction.allow_patterns[0]",
        "error",
        "hipaa 164.514(b)(2)(i)",
        HIPAA + "allow_patterns: ['.*@our-clinic[.]example', '10[.].*']",
    ),
    "a pattern lets every secret through": (
        "packs: [secrets], allow_patterns: ['test-.*', '[A-Za-z0-9-]{8,64}']",
        "redaction.allow_patterns[1]",
        "error",
        "secrets CWE-532",
        "packs: [secrets], allow_patterns: ['test-[A-Za-z0-9-]{8,64}']",
    ),
    "tokens of one domain go to two destinations": (
        "packs: [gdpr], destinations: {audit: {EMAIL_ADDRESS: {do: token, domain: x}}, backend: {EMAIL_ADDRESS: {do: token, domain: x}}}",
        "redaction.destinations.audit.EMAIL_ADDRESS",
        "error",
        "gdpr Art. 25(1)",
        "packs: [gdpr], destinations: {audit: {EMAIL_ADDRESS: {do: token, domain: x}}, backend: {EMAIL_ADDRESS: {do: hmac, domain: x}}}",
    ),
    "a pattern allows card numbers of one bank": (
        "packs: [pci-dss], allow_patterns: ['424242[0-9]{10}']",
        "redaction.allow_patterns[0]",
        "error",
        "pci-dss 3.5.1",
        "packs: [pci-dss], allow_patterns: ['424242[0-9]{4}']",
    ),
    "a truncated number here and a token of it there": (
        "packs: [pci-dss], actions: {CREDIT_CARD: {do: mask, last: 4}}, destinations: {audit: {CREDIT_CARD: token}}",
        "redaction.destinations.audit.CREDIT_CARD",
        "error",
        "pci-dss 3.5.1 (correlation)",
        "packs: [pci-dss], actions: {CREDIT_CARD: drop}, destinations: {audit: {CREDIT_CARD: token}}",
    ),
    "a truncated number here and a hash of it there": (
        "packs: [pci-dss], destinations: {backend: {CREDIT_CARD: hmac}}",
        "redaction.destinations.backend.CREDIT_CARD",
        "error",
        "pci-dss 3.5.1 (correlation)",
        "packs: [pci-dss], actions: {CREDIT_CARD: hmac}",
    ),
    "two truncations of one number": (
        "packs: [pci-dss], destinations: {audit: {CREDIT_CARD: {do: mask, first: 6, last: 0}}}",
        "redaction.destinations.audit.CREDIT_CARD",
        "error",
        "pci-dss 3.5.1 (correlation)",
        "packs: [pci-dss], destinations: {audit: {CREDIT_CARD: {do: mask, first: 0, last: 4, char: '#'}}}",
    ),
    "names in texts are not looked for": (
        "packs: [hipaa]",
        "redaction.packs[0]",
        "error",
        "hipaa 164.514(b)(2)(i)(A)",
        "packs: [hipaa], custom: [{name: PERSON, keys: [customer.who]}]",
    ),
    "the model finds places but no names": (
        "packs: [hipaa], ner: {entities: [LOCATION]}",
        "redaction.packs[0]",
        "error",
        "hipaa 164.514(b)(2)(i)(A)",
        "packs: [hipaa], ner: {entities: [PERSON]}",
    ),
    "names are kept": (
        HIPAA + "actions: {PERSON: keep}",
        "redaction.actions.PERSON",
        "error",
        "hipaa 164.514(b)(2)(i)(A)",
        HIPAA + "actions: {PERSON: drop}",
    ),
    "dates are kept to the day": (
        HIPAA + "destinations: {audit: {DATE_OF_BIRTH: keep}}",
        "redaction.destinations.audit.DATE_OF_BIRTH",
        "error",
        "hipaa 164.514(b)(2)(i)(C)",
        HIPAA + "destinations: {audit: {DATE_OF_BIRTH: {do: generalise, to: year}}}",
    ),
    "ages over 89 are kept": (
        HIPAA + "actions: {AGE: keep}",
        "redaction.actions.AGE",
        "error",
        "hipaa 164.514(b)(2)(i)(C)",
        HIPAA + "actions: {AGE: {do: generalise, to: age}}",
    ),
    "ZIP codes of five digits": (
        HIPAA + "actions: {ZIP_CODE: {do: mask, first: 5}}",
        "redaction.actions.ZIP_CODE",
        "error",
        "hipaa 164.514(b)(2)(i)(B)",
        HIPAA + "actions: {ZIP_CODE: {do: generalise, to: zip3}}",
    ),
    "networks of addresses": (
        HIPAA + "actions: {IP_ADDRESS: ip_prefix}",
        "redaction.actions.IP_ADDRESS",
        "error",
        "hipaa 164.514(b)(2)(i)(O)",
        HIPAA + "actions: {IP_ADDRESS: replace}",
    ),
    "the last four digits of a social security number": (
        HIPAA + "actions: {US_SSN: mask}",
        "redaction.actions.US_SSN",
        "error",
        "hipaa 164.514(b)(2)(i)(G)",
        HIPAA + "actions: {US_SSN: {do: mask, last: 0}}",
    ),
    "an identifier of one's own is kept": (
        HIPAA + "custom: [{name: CASE_ID, keys: [case.number], data_class: health}], actions: {default: keep}",
        "redaction.actions.default",
        "error",
        "hipaa 164.514(b)(2)(i)(R)",
        HIPAA
        + "custom: [{name: CASE_ID, keys: [case.number]}], actions: {default: keep, CASE_ID: drop}, detectors: []",
    ),
    "tokens whose key is elsewhere": (
        HIPAA + "destinations: {audit: {US_SSN: token}}",
        "redaction.destinations.audit.US_SSN",
        "warning",
        "hipaa 164.514(c)(1)",
        HIPAA + "destinations: {audit: {US_SSN: replace}}",
    ),
    "addresses kept where nothing deletes them": (
        "packs: [gdpr], destinations: {backend: {EMAIL_ADDRESS: keep}}",
        "redaction.destinations.backend.EMAIL_ADDRESS",
        "error",
        "gdpr Art. 5(1)(e)",
        "packs: [gdpr], destinations: {backend: {EMAIL_ADDRESS: keep_domain}}",
    ),
    "addresses kept in one file": (
        "packs: [gdpr], actions: {EMAIL_ADDRESS: keep}, destinations: {backend: {EMAIL_ADDRESS: drop}}",
        "redaction.actions.EMAIL_ADDRESS",
        "error",
        "gdpr Art. 5(1)(e)",
        "packs: [gdpr], actions: {EMAIL_ADDRESS: drop}",
    ),
    "addresses kept in a folder": (
        "packs: [gdpr], destinations: {files: {EMAIL_ADDRESS: keep}}",
        "redaction.destinations.files.EMAIL_ADDRESS",
        "warning",
        "gdpr Art. 5(1)(c)",
        "packs: [gdpr], destinations: {files: {EMAIL_ADDRESS: mask}}",
    ),
    "health data kept in a folder": (
        "packs: [gdpr], destinations: {files: {MEDICAL_RECORD_NUMBER: keep}}",
        "redaction.destinations.files.MEDICAL_RECORD_NUMBER",
        "error",
        "gdpr Art. 9(1)",
        "packs: [gdpr], destinations: {files: {MEDICAL_RECORD_NUMBER: token}}",
    ),
    "one domain for all destinations": (
        "packs: [gdpr], actions: {EMAIL_ADDRESS: token}",
        "redaction.actions.EMAIL_ADDRESS",
        "error",
        "gdpr Art. 25(1)",
        "packs: [gdpr], destinations: {audit: {EMAIL_ADDRESS: token}, files: {EMAIL_ADDRESS: token}}",
    ),
    "hashes with the domain of another destination": (
        "packs: [gdpr], destinations: {audit: {US_SSN: {do: hmac, domain: files}}, files: {US_SSN: hmac}}",
        "redaction.destinations.audit.US_SSN",
        "error",
        "gdpr Art. 25(1)",
        "packs: [gdpr], destinations: {audit: {US_SSN: {do: hmac, domain: other}}, files: {US_SSN: hmac}}",
    ),
    "a password is kept": (
        "packs: [secrets], destinations: {audit: {PASSWORD: keep}}",
        "redaction.destinations.audit.PASSWORD",
        "error",
        "secrets CWE-532",
        "packs: [secrets], destinations: {audit: {PASSWORD: hmac}}",
    ),
    "a secret of one's own is kept by default": (
        "packs: [secrets], custom: [{name: OUR_KEY, keys: [our.key], data_class: secret}], actions: {default: keep}",
        "redaction.actions.default",
        "error",
        "secrets CWE-532",
        "packs: [secrets], custom: [{name: OUR_KEY, keys: [our.key]}], actions: {default: keep}",
    ),
    "a token of a token": (
        "packs: [secrets], actions: {JWT: token}",
        "redaction.actions.JWT",
        "error",
        "secrets CWE-522",
        "packs: [secrets], actions: {JWT: hmac}",
    ),
    "a password is encrypted": (
        "packs: [secrets], actions: {PASSWORD: {do: encrypt, to: keys/quarantine.pub.pem}}",
        "redaction.actions.PASSWORD",
        "error",
        "secrets CWE-522",
        "packs: [secrets], actions: {US_SSN: {do: encrypt, to: keys/quarantine.pub.pem}}",
    ),
}


def said(reading: Read, redaction: str, head: str = HEAD) -> list[tuple[str, str, str]]:
    """Path, level and text of each problem that quotes a rule."""
    problems = reading(f"{head}redaction: {{{redaction}}}\n").problems
    return [(p.path, p.level, p.message) for p in problems if any(f"({one.name} " in p.message for one in PACKS)]


@pytest.mark.parametrize(("bad", "path", "level", "rule", "good"), CASES.values(), ids=CASES)
def test_rule_is_kept(reading: Read, bad: str, path: str, level: str, rule: str, good: str) -> None:
    """A policy that breaks a rule is told so where the action stands, with the rule; its good twin is not."""
    found = said(reading, bad)
    broken = [(p, lv) for p, lv, message in found if f"({rule}: " in message]
    assert (path, level) in broken
    assert {lv for _, lv in broken} == {level}
    assert [message for _, _, message in said(reading, good) if f"({rule}: " in message] == []
    assert (reading(f"{HEAD}redaction: {{{bad}}}\n").policy is None) == any(lv == "error" for _, lv, _ in found)


def test_quote_is_the_rule(reading: Read) -> None:
    """The words of the rule stand in the message."""
    ((_, _, message),) = said(reading, "packs: [pci-dss], actions: {CREDIT_CARD: keep}")
    assert message.endswith('(pci-dss 3.5.1: "PAN is rendered unreadable anywhere it is stored")')
    assert message.startswith("leaves card numbers readable for files and audit and backend")


@pytest.mark.parametrize("pack", ["gdpr", "hipaa", "pci-dss"])
def test_key_beside_the_data(reading: Read, pack: str) -> None:
    """Tokens whose key lies in the journal's folder are a warning, and under HIPAA refused; a key elsewhere is neither."""
    text = (
        f"packs: [{pack}], ner: {{}}, destinations: {{audit: {{CREDIT_CARD: token}}}}, actions: {{CREDIT_CARD: drop}}"
    )
    beside, apart = said(reading, text, BESIDE), said(reading, text)
    levels = {level for _, level, message in beside if "the journal's folder" in message}
    assert levels == {"error" if pack == "hipaa" else "warning"}
    assert not [message for _, _, message in apart if "the journal's folder" in message]


def test_key_in_the_folder_of_a_destination(reading: Read, tmp_path: Path) -> None:
    """Who gets the files of a destination must not get the key of its card tokens with them."""
    head = HEAD.replace("{env: TOKENS}", "{file: ./out/sub/tokens.key}")
    text = "packs: [pci-dss], actions: {CREDIT_CARD: token}"
    ((path, level, message),) = said(reading, text, head)
    assert (path, level) == ("redaction.actions.CREDIT_CARD", "error")
    assert "destinations.files (pci-dss 3.6.1: " in message
    assert said(reading, text, HEAD.replace("{env: TOKENS}", f"{{file: {tmp_path}/elsewhere.key}}")) == []


def test_one_place_is_told_once(reading: Read) -> None:
    """A default that breaks a rule for many entities is one mistake, with the names of the first."""
    ((path, level, message),) = said(
        reading, "packs: [gdpr], detectors: [CRYPTO, EU_VAT, VIN_CODE, AGE], actions: {default: keep}"
    )
    assert (path, level) == ("redaction.actions.default", "error")
    assert message.startswith("CRYPTO, VIN_CODE, AGE and 1 more is kept for audit and backend, where nothing")


def test_rules_of_a_pack_that_is_not_named_do_not_count(reading: Read) -> None:
    """Without packs, no rule is quoted."""
    for bad, *_ in CASES.values():
        without = ", ".join(part for part in bad.split(", ") if not part.startswith("packs: "))
        assert said(reading, without) == []


def test_every_check_is_tripped() -> None:
    """Each check of each pack has its case above: its rules are all among those that the cases quote."""
    numbers = {rule for _, _, _, rule, _ in CASES.values()} | {"gdpr Art. 4(5)", "pci-dss 3.6.1"}
    for one in PACKS:
        for rule in one.policy_rules:
            assert any(number.startswith(f"{one.name} {rule.id}") for number in numbers), rule.id
        assert PACK_CHECKS[one.name]
