"""How sensitive a finding is: four classes, the same for every detector of an entity."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping


class DataClass(enum.StrEnum):
    """What somebody could do with it; the most sensitive first."""

    SECRET = "secret"
    """Opens something: keys, tokens, passwords."""
    PAYMENT = "payment"
    """Moves money: cards, accounts."""
    HEALTH = "health"
    """Tells of a person's health, or names one in its records."""
    PERSONAL = "personal"
    """Tells who somebody is."""


_ENTITIES: Mapping[DataClass, tuple[str, ...]] = {
    DataClass.SECRET: (
        *("API_KEY", "AWS_KEY", "BEARER_TOKEN", "GCP_API_KEY", "GITHUB_TOKEN", "GITLAB_TOKEN", "JWT", "PASSWORD"),
        *("PRIVATE_KEY", "SLACK_TOKEN", "STRIPE_KEY"),
    ),
    DataClass.PAYMENT: (
        *("ABA_ROUTING_NUMBER", "ACCOUNT_NUMBER", "CREDIT_CARD", "CRYPTO", "CVV", "IBAN_CODE", "TRACK_DATA"),
        "US_BANK_NUMBER",
    ),
    DataClass.HEALTH: ("HEALTH_PLAN_NUMBER", "MEDICAL_LICENSE", "MEDICAL_RECORD_NUMBER", "UK_NHS", "US_MBI", "US_NPI"),
}
_CLASSES = {entity: data_class for data_class, entities in _ENTITIES.items() for entity in entities}
_ORDER = tuple(DataClass)


def data_class(entity: str) -> DataClass:
    """The class of an entity; what is not in the table tells of a person.

    >>> data_class("CREDIT_CARD").value, data_class("EMAIL_ADDRESS").value
    ('payment', 'personal')
    """
    return _CLASSES.get(entity, DataClass.PERSONAL)


def sensitivity(of: DataClass) -> int:
    """The place of a class in the order secret, payment, health, personal: 0 is the most sensitive."""
    return _ORDER.index(of)


def most_sensitive(classes: Iterable[DataClass]) -> DataClass | None:
    """The first in the order secret, payment, health, personal; None of none."""
    return min(classes, key=sensitivity, default=None)
