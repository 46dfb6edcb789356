"""The detectors of personal identifiers, those that look at every text first."""

from __future__ import annotations

from errorplane.detectors._birth import AGE, DATE_OF_BIRTH
from errorplane.detectors._coordinates import COORDINATES
from errorplane.detectors._crypto import CRYPTO
from errorplane.detectors._devices import IMEI, MAC, PLATE, VIN
from errorplane.detectors._model import Detector
from errorplane.detectors._national import NATIONAL
from errorplane.detectors._records import ACCOUNT_NUMBER, PLAN_NUMBER, RECORD_NUMBER, ZIP_CODE
from errorplane.detectors._stripe import CVV, TRACK
from errorplane.detectors._united_kingdom import NHS, NINO
from errorplane.detectors._united_states import (
    BANK_NUMBER,
    DEA,
    DRIVER_LICENSE,
    ITIN,
    MBI,
    NPI,
    PASSPORT,
    ROUTING_NUMBER,
)
from errorplane.detectors._vat import VAT

IDENTIFIERS: tuple[Detector, ...] = (
    *(TRACK, CVV, CRYPTO, MAC, IMEI, VIN, PLATE, COORDINATES, DATE_OF_BIRTH, AGE, NHS, NINO, VAT),
    *(ITIN, NPI, MBI, DEA, PASSPORT, DRIVER_LICENSE, BANK_NUMBER, ROUTING_NUMBER),
    *(RECORD_NUMBER, PLAN_NUMBER, ACCOUNT_NUMBER, ZIP_CODE),
    *NATIONAL,
)
