"""What a policy may say about redaction, and what is said about mistakes in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError
from tests.policy.conftest import PUBLIC_KEY

from errorplane.policy import Action, KeySource, LoadResult, Policy, Redaction, load
from errorplane.policy._actions import ACTIONS, OPTIONS

Read = Callable[..., LoadResult]


def errors(reading: Read, redaction: str) -> list[str]:
    """Path and message of each error in a policy with this section."""
    return [f"{p.path}: {p.message}" for p in reading(f"version: 1\nredaction: {redaction}\n").errors]


def test_bare_word_is_short_for_do() -> None:
    """``mask`` and ``{do: mask}`` are the same action, with the same defaults."""
    assert Action.model_validate("mask") == Action.model_validate({"do": "mask"}) == Action(do="mask")
    assert Action(do="mask").options == {"first": 0, "last": 4, "char": "*"}


@pytest.mark.parametrize("word", ACTIONS)
def test_action_has_its_own_options_only(word: str) -> None:
    """An option of another action is refused, with the options that there are."""
    names = sorted({name for options in OPTIONS.values() for name in options} - set(OPTIONS.get(word, ())))
    for name in names:
        with pytest.raises(ValidationError) as caught:
            Action.model_validate({"do": word, name: 1})
        (mistake,) = [each for each in caught.value.errors() if each["loc"] == (name,)]
        assert mistake["ctx"]["allowed"] == ("do", *OPTIONS.get(word, ()))


def test_actions_that_need_to_say_what_to(reading: Read) -> None:
    """generalise and encrypt do nothing without ``to``."""
    assert errors(
        reading, "{actions: {AGE_X: generalise, US_SSN: {do: encrypt}}, custom: [{name: AGE_X, keys: [a.age]}]}"
    ) == [
        "redaction.actions.AGE_X.to: is missing",
        "redaction.actions.US_SSN.to: is missing",
    ]


def test_misspelt_entity_is_refused_with_the_right_one(reading: Read) -> None:
    """A name that no detector finds is an error wherever an action is given for it."""
    text = "{actions: {EMAIL_ADRESS: drop}, destinations: {files: {CREDITCARD: mask}, elsewhere: {}}}"
    problems = reading(f"version: 1\nredaction: {text}\n").errors
    assert [p.path for p in problems] == [
        "redaction.actions.EMAIL_ADRESS",
        "redaction.destinations.files.CREDITCARD",
        "redaction.destinations.elsewhere",
    ]
    assert "did you mean EMAIL_ADDRESS?" in problems[0].message
    assert "did you mean CREDIT_CARD?" in problems[1].message
    assert problems[2].allowed == ("files",)


def test_declared_entities_can_be_named(reading: Read) -> None:
    """Entities of own detectors, Presidio, the model and the packs take actions like built-in ones."""
    text = """{custom: [{name: CUSTOMER_ID, keys: [customer.id]}], presidio: [AU_ABN], ner: {}, packs: [secrets],
    actions: {CUSTOMER_ID: drop, AU_ABN: drop, PERSON: drop, COOKIE: drop, CVV: drop, default: replace}}"""
    assert errors(reading, text) == []


def test_names_of_own_detectors(reading: Read) -> None:
    """A built-in name, a name used twice, and Presidio's recogniser of a built-in entity are refused."""
    text = """{custom: [{name: US_SSN, keys: [a.ssn]}, {name: AB, keys: [a.b]}, {name: AB, keys: [a.c]}, {name: CD}],
    presidio: [IBAN_CODE]}"""
    found = errors(reading, text)
    assert found == [
        "redaction.custom[3]: must have a pattern, keys or both",
        "redaction.presidio[0]: is built in: list it under redaction.detectors instead",
    ]
    found = errors(reading, text.replace(", {name: CD}", ""))
    assert found[:2] == [
        "redaction.custom[0].name: is a built-in entity: take another name",
        "redaction.custom[2].name: is the name of redaction.custom[1] already",
    ]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("(?=x)CUST", "RE2"), ("(a+", "RE2"), (".*", "matches"), ("[a-z]+", "ordinary"), (r"(CUST)\1", "RE2")],
)
def test_pattern_that_could_hang_or_match_everything_is_refused(reading: Read, pattern: str, words: str) -> None:
    """What RE2 or Hyperscan cannot take is an error at its place that shows the pattern."""
    (problem,) = reading(f"version: 1\nredaction:\n  custom:\n    - name: AB\n      pattern: '{pattern}'\n").errors
    assert (problem.line, problem.path) == (5, "redaction.custom[0].pattern")
    assert words in problem.message
    assert pattern.replace("\\", "\\\\") in str(problem)


def test_pattern_of_the_allow_list_is_checked(reading: Read) -> None:
    """A pattern of values that are left alone is RE2's too."""
    assert [each.split(":")[0] for each in errors(reading, r"{allow_patterns: ['a', '(?<=a)b']}")] == [
        "redaction.allow_patterns[1]"
    ]


def test_group_that_the_pattern_does_not_have(reading: Read) -> None:
    """Hiding a group that is not there would hide nothing."""
    (found,) = errors(reading, "{custom: [{name: AB, pattern: 'CUST-([0-9]{8})', group: 2}]}")
    assert found.startswith("redaction.custom[0].pattern: has 1 group")


def test_action_that_does_not_fit_its_entity(reading: Read) -> None:
    """Only e-mail addresses have a domain to keep, and only IP addresses a prefix."""
    text = "{actions: {US_SSN: keep_domain, default: ip_prefix, EMAIL_ADDRESS: keep_domain, IP_ADDRESS: ip_prefix}}"
    assert errors(reading, text) == [
        "redaction.actions.US_SSN: keep_domain is an action for EMAIL_ADDRESS only",
        "redaction.actions.default: ip_prefix is an action for IP_ADDRESS only",
    ]


def test_card_verification_values_are_always_dropped(reading: Read) -> None:
    """Another action for them is worth a warning, since it does not hold."""
    (warning,) = reading("version: 1\nredaction: {actions: {CVV: mask}}\n").warnings
    assert warning.path == "redaction.actions.CVV"


def _files(folder: Path) -> dict[str, str]:
    """A file of each wrong kind, with what is said about it."""
    own, other = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    contents = {
        "private.pem": (own.private_bytes(*pem), "holds a private key"),
        "ed25519.pem": (public, "is no X25519 key"),
        "text.pem": (b"hello\n", "is no public key in PEM"),
        "empty.pem": (b"", "is no public key in PEM"),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    return {name: words for name, (_, words) in contents.items()} | {"missing.pem": "there is no such file"}


def test_public_keys_are_looked_at(reading: Read, tmp_path: Path) -> None:
    """A file that is not there, no X25519 public key, or a private key is refused without a word of its content."""
    for name, words in _files(tmp_path).items():
        for text in (
            f"{{quarantine: {{seal_to: ../{name}}}}}",
            f"{{actions: {{US_SSN: {{do: encrypt, to: ../{name}}}}}}}",
            f"{{destinations: {{files: {{US_SSN: {{do: encrypt, to: ../{name}}}}}}}}}",
        ):
            (problem,) = reading(f"version: 1\nredaction: {text}\n").errors
            assert words in problem.message
            lines = (tmp_path / name).read_text().splitlines() if (tmp_path / name).exists() else []
            assert not [line for line in lines if line in repr(problem) and "-----" not in line]


def test_public_key_is_taken(reading: Read, tmp_path: Path) -> None:
    """An X25519 public key will do, its path relative to the policy."""
    policy = reading("version: 1\nredaction: {actions: {US_SSN: {do: encrypt, to: keys/quarantine.pub.pem}}}\n").policy
    assert policy is not None
    assert policy.redaction.actions["US_SSN"].to == str(tmp_path / "policy/keys/quarantine.pub.pem")
    assert Path(policy.redaction.actions["US_SSN"].to).read_text() == PUBLIC_KEY


def test_revision_depends_on_actions_not_on_the_folder(reading: Read) -> None:
    """Another action is another policy; the same keys in another folder are not."""
    text = "version: 1\nredaction: {actions: {US_SSN: %s}}\n"
    revisions = {
        written: {reading(text % written, folder=folder).policy.revision for folder in ("a", "b")}  # type: ignore[union-attr]  # None fails the test
        for written in ("mask", "{do: mask, last: 3}", "{do: encrypt, to: keys/quarantine.pub.pem}", "token")
    }
    assert [len(found) for found in revisions.values()] == [1, 1, 1, 1]
    assert len(set.union(*revisions.values())) == 4


def test_key_of_tokens_has_a_default() -> None:
    """Without a source it is a file in the journal's folder, like the others."""
    assert Policy(version=1).key_source("tokens") == KeySource(file=Path("data/tokens.key"))


SHADOWS = {
    "absent": ("./none.yaml", None, "redaction.shadow: there is no such file"),
    "wrong": ("./other.yaml", "version: 1\nredaction: {actions: {US_SSN: hide}}\n", "other.yaml:2:31: error"),
    "nested": ("./other.yaml", "version: 1\nredaction: {shadow: other.yaml}\n", "cannot stand in a policy that is"),
    "itself": ("./errorplane.yaml", None, "cannot stand in a policy that is"),
}


@pytest.mark.parametrize(("path", "text", "words"), SHADOWS.values(), ids=SHADOWS)
def test_shadow_must_be_a_policy(reading: Read, tmp_path: Path, path: str, text: str | None, words: str) -> None:
    """A shadow with a mistake, or with a shadow of its own, makes the policy unusable; its mistakes name its file."""
    if text is not None:
        (tmp_path / "policy").mkdir()
        (tmp_path / "policy" / "other.yaml").write_text(text)
    result = reading(f"version: 1\nredaction: {{shadow: {path}}}\n")
    assert result.policy is None
    (problem,) = result.errors
    assert words in str(problem)


def test_mistakes_in_one_list_hide_nothing_around_it(reading: Read) -> None:
    """Two wrong items of a list leave the rest of the section to be read."""
    found = errors(reading, "{allow_patterns: ['(', ')'], presidio: [JWT], actions: {US_SSN: keep_domain}}")
    assert [each.split(":")[0] for each in found] == [
        "redaction.allow_patterns[0]",
        "redaction.allow_patterns[1]",
        "redaction.presidio[0]",
        "redaction.actions.US_SSN",
    ]


def test_good_shadow_is_read(reading: Read, tmp_path: Path) -> None:
    """A shadow that is a policy is taken, and only what is doubtful in its redaction is told."""
    (tmp_path / "policy").mkdir()
    other = tmp_path / "policy" / "other.yaml"
    other.write_text("version: 1\nsampling: {rules: []}\nredaction: {detectors: [], packs: [secrets]}\n")
    result = reading("version: 1\nredaction: {shadow: other.yaml}\n")
    assert result.policy is not None
    assert result.policy.redaction.shadow == other
    assert load(other).redaction.packs == ("secrets",)
    assert [p.path for p in result.problems] == ["redaction.detectors"]


def test_default_hides_everything() -> None:
    """Without a word in the policy every entity that is on by default is replaced, and nothing is allowed."""
    section = Redaction()
    assert section.detectors
    assert (section.actions, section.destinations, section.allow, section.custom) == ({}, {}, (), ())
    assert (section.ner, section.shadow, section.quarantine.seal_to, section.deadline) == (None, None, None, 10.0)
