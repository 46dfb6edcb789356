"""HIPAA Safe Harbor: the eighteen identifiers of 45 CFR 164.514(b)(2)(i), (A) to (R).

Quotes are from the text of the regulation, cut where ``...`` stands. Where a rule names something that no detector can
tell by its form (names, places, biometric identifiers), the rule lists attribute keys. The quotes were
compared with copies of the regulation, that of 164.514(c)(1) with policies that repeat its words.
"""

from __future__ import annotations

from errorplane.policy._actions import Action
from errorplane.policy.packs._model import DROP, REPLACE, Pack, PolicyRule, Rule

_A = "164.514(b)(2)(i)(A)"
_B = "164.514(b)(2)(i)(B)"
_C = "164.514(b)(2)(i)(C)"
_H = "164.514(b)(2)(i)(H)"
_I = "164.514(b)(2)(i)(I)"
_J = "164.514(b)(2)(i)(J)"
_K = "164.514(b)(2)(i)(K)"
_L = "164.514(b)(2)(i)(L)"
_M = "164.514(b)(2)(i)(M)"
_R = "164.514(b)(2)(i)(R)"
_GEOGRAPHY = (
    "All geographic subdivisions smaller than a State, including street address, city, county, precinct, zip code"
)
_DATES = "All elements of dates (except year) for dates directly related to an individual"
_AGES = "all ages over 89"
_HEALTH_PLAN = "Health plan beneficiary numbers"
_LICENSES = "Certificate/license numbers"
_ACCOUNTS = "Account numbers"
_VEHICLES = "Vehicle identifiers and serial numbers, including license plate numbers"
_DEVICES = "Device identifiers and serial numbers"
_OTHER = "Any other unique identifying number, characteristic, or code"
_ANYWHERE = "texts of any kind: log bodies, exception messages, SQL"

HIPAA = Pack(
    "hipaa",
    "HIPAA Privacy Rule, 45 CFR 164.514(b)(2), Safe Harbor",
    (
        Rule(
            _A,
            "PERSON",
            "Names",
            REPLACE,
            "attributes of users, exception messages, SQL",
            (
                "patient.name", "patient.first_name", "patient.last_name", "user.full_name", "enduser.name",
                "customer.name", "contact.name", "guarantor.name", "subscriber.name", "first_name", "last_name",
                "given_name", "middle_name", "family_name", "maiden_name", "surname",
                "full_name",
            ),
        ),
        Rule(
            _B,
            "LOCATION",
            _GEOGRAPHY,
            REPLACE,
            "attributes of users and of geo-location, SQL",
            (
                "geo.locality.name", "geo.location.lat", "geo.location.lon", "patient.address", "patient.city",
                "patient.county", "user.address", "customer.address", "street", "street_address", "address.line1",
                "address.line2", "address.city", "city", "county", "latitude", "longitude",
            ),
        ),
        Rule(
            _B,
            "ZIP_CODE",
            _GEOGRAPHY,
            Action(do="generalise", to="zip3"),
            "attributes of users and of geo-location, SQL",
            ("geo.postal_code", "patient.zip", "patient.postal_code", "address.zip", "address.postal_code", "zip",
             "zip_code", "zipcode", "postal_code"),
        ),
        Rule(
            _C,
            "DATE_OF_BIRTH",
            _DATES,
            Action(do="generalise", to="year"),
            "attributes of patients, SQL, bodies of requests in logs",
            ("patient.birth_date", "patient.birthdate", "patient.dob", "user.birth_date", "birth_date", "birthdate",
             "date_of_birth", "dob"),
        ),
        Rule(
            _C,
            "DATE_TIME",
            _DATES,
            Action(do="generalise", to="year"),
            "admission, discharge and death in attributes of patients; never the times of spans and records",
            ("patient.admission_date", "patient.discharge_date", "patient.death_date", "encounter.date",
             "admission_date", "discharge_date", "date_of_death", "deceased_date"),
        ),
        Rule(_C, "AGE", _AGES, Action(do="generalise", to="age"), "attributes of patients", ("patient.age", "user.age")),
        Rule(
            "164.514(b)(2)(i)(D)",
            "PHONE_NUMBER",
            "Telephone numbers",
            REPLACE,
            _ANYWHERE,
            ("patient.phone", "user.phone", "phone_number"),
        ),
        Rule(
            "164.514(b)(2)(i)(E)",
            "FAX_NUMBER",
            "Fax numbers",
            REPLACE,
            "attributes of practices and payers; in texts a fax number is found as PHONE_NUMBER",
            ("patient.fax", "provider.fax", "fax", "fax_number"),
        ),
        Rule("164.514(b)(2)(i)(F)", "EMAIL_ADDRESS", "Electronic mail addresses", REPLACE, _ANYWHERE, ("user.email",)),
        Rule("164.514(b)(2)(i)(G)", "US_SSN", "Social security numbers", REPLACE, _ANYWHERE, ("patient.ssn", "ssn")),
        Rule("164.514(b)(2)(i)(G)", "US_ITIN", "Social security numbers", REPLACE, _ANYWHERE),
        Rule(
            _H,
            "MEDICAL_RECORD_NUMBER",
            "Medical record numbers",
            REPLACE,
            "attributes of patients, paths and queries of URLs, SQL",
            ("patient.mrn", "patient.id", "mrn", "medical_record_number", "http.request.header.x-patient-id"),
            "health",
        ),
        Rule(_H, "UK_NHS", "Medical record numbers", REPLACE, _ANYWHERE, ("nhs_number",), "health"),
        Rule(_I, "US_MBI", _HEALTH_PLAN, REPLACE, "claims in bodies and exception messages", ("mbi",), "health"),
        Rule(
            _I,
            "HEALTH_PLAN_NUMBER",
            _HEALTH_PLAN,
            REPLACE,
            "attributes of claims, SQL",
            ("member.id", "member_id", "subscriber.id", "subscriber_id", "beneficiary_id", "policy_number"),
            "health",
        ),
        Rule(_J, "CREDIT_CARD", _ACCOUNTS, REPLACE, _ANYWHERE, (), "payment"),
        Rule(_J, "IBAN_CODE", _ACCOUNTS, REPLACE, _ANYWHERE, (), "payment"),
        Rule(
            _J,
            "ACCOUNT_NUMBER",
            _ACCOUNTS,
            REPLACE,
            "attributes of payments, SQL",
            ("account.number", "account_number", "bank_account"),
            "payment",
        ),
        Rule(_K, "MEDICAL_LICENSE", _LICENSES, REPLACE, "prescriptions in bodies", ("dea_number",), "health"),
        Rule(_K, "US_NPI", _LICENSES, REPLACE, "claims in bodies", ("npi", "provider.npi"), "health"),
        Rule(
            _K,
            "US_DRIVER_LICENSE",
            _LICENSES,
            REPLACE,
            "attributes of users, SQL",
            ("driver_license", "drivers_license", "license_number", "certificate_number"),
        ),
        Rule(_L, "VIN_CODE", _VEHICLES, REPLACE, _ANYWHERE, ("vehicle.vin", "vin")),
        Rule(
            _L,
            "LICENSE_PLATE",
            _VEHICLES,
            REPLACE,
            "attributes of vehicles",
            ("vehicle.plate", "license_plate", "plate_number"),
        ),
        Rule(_M, "MAC_ADDRESS", _DEVICES, REPLACE, "resource attributes, logs of networks", ("host.mac",)),
        Rule(_M, "IMEI", _DEVICES, REPLACE, "attributes of mobile applications", ("device.imei", "imei")),
        Rule(
            _M,
            "DEVICE_ID",
            _DEVICES,
            REPLACE,
            "resource attributes of mobile applications and of medical devices",
            ("device.id", "device.serial", "device_id", "device.serial_number", "serial_number",
             "app.installation.id"),
        ),
        Rule(
            "164.514(b)(2)(i)(N)",
            "URL",
            "Web Universal Resource Locators (URLs)",
            REPLACE,
            "url.full, url.query, span names, exception messages",
            ("patient.url", "user.url"),
        ),
        Rule(
            "164.514(b)(2)(i)(O)",
            "IP_ADDRESS",
            "Internet Protocol (IP) address numbers",
            REPLACE,
            "client.address, network.peer.address, access logs",
            ("client.address",),
        ),
        Rule(
            "164.514(b)(2)(i)(P)",
            "BIOMETRIC",
            "Biometric identifiers, including finger and voice prints",
            DROP,
            "attributes and bodies of services that identify people",
            ("biometric", "biometric.template", "fingerprint_template", "voiceprint", "voiceprint_id", "voice_print", "face_template",
             "iris_code"),
        ),
        Rule(
            "164.514(b)(2)(i)(Q)",
            "PHOTO",
            "Full face photographic images and any comparable images",
            DROP,
            "attributes and bodies with images in base64",
            ("patient.photo", "user.photo", "user.avatar", "user.avatar_url", "photo", "photo_url", "portrait",
             "face_image"),
        ),
        Rule(
            _R,
            "UNIQUE_ID",
            _OTHER,
            REPLACE,
            "attributes of users and sessions",
            ("user.id", "user.name", "user.hash", "enduser.id", "session.id", "session.previous_id",
             "patient.external_id", "subject_id", "customer.id"),
        ),
    ),
    (
        PolicyRule(
            "164.514(b)(2)(i)(A)",
            "Names",
            "No way to find names in texts: neither ner with PERSON, nor a PERSON of presidio or of custom.",
        ),
        PolicyRule(
            "164.514(b)(2)(i)",
            "The following identifiers of the individual or of relatives, employers, or household members of the individual, are removed",
            "An identifier that is left in full or in part: keep; a mask that shows characters; ip_prefix; keep_domain; allow_patterns that let any of them through; dates more exact than the year, ZIP codes of "
            "more than three digits, ages above 89. The number is that of the identifier.",
        ),
        PolicyRule(
            "164.514(c)(1)",
            "The code or other means of record identification is not derived from or related to information about the individual",
            "A token or HMAC of an identifier whose key lies in the journal's folder. With a key from elsewhere, and for encrypt, a warning: such data is "
            "pseudonymised, not de-identified.",
        ),
    ),
)  # fmt: skip
