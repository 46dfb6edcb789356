"""The detectors of personal data, each by the rules of whoever issues it.

Most numbers say nothing by themselves: ``_contextual`` makes a detector of a pattern, a check and the words that announce
it (``errorplane.detectors.context``). Checks of many are in ``_checksums``.
"""

from __future__ import annotations

from errorplane.detectors._model import Detector
from errorplane.detectors.identifiers._birth import AGE, DATE_OF_BIRTH
from errorplane.detectors.identifiers._card import CARD
from errorplane.detectors.identifiers._coordinates import COORDINATES
from errorplane.detectors.identifiers._crypto import CRYPTO
from errorplane.detectors.identifiers._devices import IMEI, MAC, PLATE, VIN
from errorplane.detectors.identifiers._email import EMAIL
from errorplane.detectors.identifiers._iban import IBAN
from errorplane.detectors.identifiers._ip import IP
from errorplane.detectors.identifiers._national import NATIONAL
from errorplane.detectors.identifiers._phone import PHONE
from errorplane.detectors.identifiers._records import ACCOUNT_NUMBER, PLAN_NUMBER, RECORD_NUMBER, ZIP_CODE
from errorplane.detectors.identifiers._ssn import SSN
from errorplane.detectors.identifiers._stripe import CVV, TRACK
from errorplane.detectors.identifiers._united_kingdom import NHS, NINO
from errorplane.detectors.identifiers._united_states import (
    BANK_NUMBER,
    DEA,
    DRIVER_LICENSE,
    ITIN,
    MBI,
    NPI,
    PASSPORT,
    ROUTING_NUMBER,
)
from errorplane.detectors.identifiers._vat import VAT

__all__ = ["COMMON", "IDENTIFIERS"]

COMMON: tuple[Detector, ...] = (EMAIL, CARD, IBAN, SSN, IP, PHONE)
"""What stands in any telemetry."""
IDENTIFIERS: tuple[Detector, ...] = (
    *(TRACK, CVV, CRYPTO, MAC, IMEI, VIN, PLATE, COORDINATES, DATE_OF_BIRTH, AGE, NHS, NINO, VAT),
    *(ITIN, NPI, MBI, DEA, PASSPORT, DRIVER_LICENSE, BANK_NUMBER, ROUTING_NUMBER),
    *(RECORD_NUMBER, PLAN_NUMBER, ACCOUNT_NUMBER, ZIP_CODE),
    *NATIONAL,
)
"""What stands where it was announced, or has a shape of its own."""
