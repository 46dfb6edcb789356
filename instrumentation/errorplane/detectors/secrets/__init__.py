"""The detectors of what opens something, and of URLs and statements, which carry it."""

from __future__ import annotations

from errorplane.detectors._model import Detector
from errorplane.detectors.secrets._aws import AWS
from errorplane.detectors.secrets._bearer import BEARER
from errorplane.detectors.secrets._jwt import JWT
from errorplane.detectors.secrets._password import PASSWORD
from errorplane.detectors.secrets._pem import PRIVATE_KEY
from errorplane.detectors.secrets._services import SERVICE_KEYS
from errorplane.detectors.secrets._sql import SQL
from errorplane.detectors.secrets._url import URL

__all__ = ["SECRETS"]

SECRETS: tuple[Detector, ...] = (BEARER, JWT, AWS, PASSWORD, *SERVICE_KEYS, PRIVATE_KEY, URL, SQL)
