"""The words that a policy may use for errors, detectors, data classes and packs.

``errorplane.policy`` imports nobody, so the words stand here a second time; a test compares them with
``errorplane.errors`` and ``errorplane.detectors``.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from errorplane.policy._scalars import Choice

CategoryWord = Literal["transient", "persistent", "cascading", "unknown"]
KindWord = Literal[
    "timeout",
    "validation",
    "dependency",
    "authentication",
    "authorization",
    "not_found",
    "conflict",
    "rate_limit",
    "resource",
    "cancelled",
    "configuration",
    "business",
    "bug",
    "unknown",
]
SeverityWord = Literal["P1", "P2", "P3", "P4", "P5"]
EntityWord = Literal[
    "EMAIL_ADDRESS",
    "CREDIT_CARD",
    "IBAN_CODE",
    "US_SSN",
    "IP_ADDRESS",
    "PHONE_NUMBER",
    "BEARER_TOKEN",
    "JWT",
    "AWS_KEY",
    "PASSWORD",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "SLACK_TOKEN",
    "STRIPE_KEY",
    "GCP_API_KEY",
    "API_KEY",
    "PRIVATE_KEY",
    "URL",
    "SQL_LITERAL",
    "TRACK_DATA",
    "CVV",
    "CRYPTO",
    "MAC_ADDRESS",
    "IMEI",
    "VIN_CODE",
    "LICENSE_PLATE",
    "LOCATION",
    "DATE_OF_BIRTH",
    "AGE",
    "UK_NHS",
    "UK_NINO",
    "EU_VAT",
    "US_ITIN",
    "US_NPI",
    "US_MBI",
    "MEDICAL_LICENSE",
    "US_PASSPORT",
    "US_DRIVER_LICENSE",
    "US_BANK_NUMBER",
    "ABA_ROUTING_NUMBER",
    "MEDICAL_RECORD_NUMBER",
    "HEALTH_PLAN_NUMBER",
    "ACCOUNT_NUMBER",
    "ZIP_CODE",
    "ES_NIF",
    "ES_NIE",
    "IT_FISCAL_CODE",
    "FI_PERSONAL_IDENTITY_CODE",
    "CH_AHV",
    "PL_PESEL",
    "SE_PERSONNUMMER",
    "NO_FODSELSNUMMER",
    "DK_CPR",
    "DE_TAX_ID",
    "FR_NIR",
    "NL_BSN",
    "BE_NATIONAL_NUMBER",
    "PT_NIF",
    "IE_PPSN",
    "AT_SVNR",
    "CZ_BIRTH_NUMBER",
    "RO_CNP",
    "BG_EGN",
    "HR_OIB",
    "EE_PERSONAL_CODE",
    "LT_PERSONAL_CODE",
    "LV_PERSONAL_CODE",
    "GR_AMKA",
    "GR_AFM",
    "SI_EMSO",
    "HU_TAX_ID",
]
DataClassWord = Literal["secret", "payment", "health", "personal"]
PackWord = Literal["gdpr", "hipaa", "pci-dss", "secrets"]

Category = Annotated[CategoryWord, Choice()]
Kind = Annotated[KindWord, Choice()]
Severity = Annotated[SeverityWord, Choice()]
Entity = Annotated[EntityWord, Choice()]
DataClass = Annotated[DataClassWord, Choice()]
Pack = Annotated[PackWord, Choice()]

ENTITIES: tuple[EntityWord, ...] = get_args(EntityWord)
OFF_BY_DEFAULT: frozenset[str] = frozenset()
"""Entities that a policy has to name, since ordinary telemetry is full of what looks like them."""
DEFAULT_ENTITIES: tuple[EntityWord, ...] = tuple(entity for entity in ENTITIES if entity not in OFF_BY_DEFAULT)
