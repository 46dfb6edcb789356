"""GDPR, Regulation (EU) 2016/679: personal data in telemetry, pseudonymised or less exact.

Quotes are cut short. Articles name kinds of data, not entities: which entity falls under which is our reading. The
quotes of Art. 9, 25 and 87 could not be compared with a copy of the regulation; those of Art. 4 and 5 were.
"""

from __future__ import annotations

from errorplane.policy._actions import Action
from errorplane.policy.packs._model import DROP, REPLACE, TOKEN, Pack, PolicyRule, Rule

_PERSONAL = "any information relating to an identified or identifiable natural person"
_IDENTIFIER = "an identifier such as a name, an identification number, location data, an online identifier"
_NATIONAL = "the processing of a national identification number"
_SPECIAL = "data concerning health or data concerning a natural person's sex life"
_LESS = "adequate, relevant and limited to what is necessary"
_ANYWHERE = "texts of any kind: log bodies, exception messages, SQL"
_NATIONAL_IDS = (
    "AT_SVNR", "BE_NATIONAL_NUMBER", "BG_EGN", "CH_AHV", "CZ_BIRTH_NUMBER", "DE_TAX_ID", "DK_CPR", "EE_PERSONAL_CODE",
    "ES_NIE", "ES_NIF", "FI_PERSONAL_IDENTITY_CODE", "FR_NIR", "GR_AFM", "GR_AMKA", "HR_OIB", "HU_TAX_ID", "IE_PPSN",
    "IT_FISCAL_CODE", "LT_PERSONAL_CODE", "LV_PERSONAL_CODE", "NL_BSN", "NO_FODSELSNUMMER", "PL_PESEL", "PT_NIF",
    "RO_CNP", "SE_PERSONNUMMER", "SI_EMSO", "UK_NINO", "US_ITIN", "US_PASSPORT", "US_SSN",
)  # fmt: skip
_YEAR = Action(do="generalise", to="year")

GDPR = Pack(
    "gdpr",
    "GDPR, Regulation (EU) 2016/679",
    (
        Rule("Art. 4(1)", "EMAIL_ADDRESS", _IDENTIFIER, TOKEN, _ANYWHERE, ("user.email", "enduser.email")),
        Rule("Art. 4(1)", "PHONE_NUMBER", _IDENTIFIER, TOKEN, _ANYWHERE, ("user.phone", "phone_number")),
        Rule(
            "Art. 4(1)",
            "PERSON",
            _IDENTIFIER,
            REPLACE,
            "attributes of users, exception messages, SQL",
            ("user.full_name", "enduser.name", "customer.name", "first_name", "last_name", "given_name", "family_name",
             "full_name"),
        ),
        Rule(
            "Art. 4(1)",
            "UNIQUE_ID",
            _IDENTIFIER,
            TOKEN,
            "attributes of users and sessions",
            ("user.id", "user.name", "user.hash", "enduser.id", "session.id", "session.previous_id", "customer.id"),
        ),
        Rule(
            "Art. 4(1)",
            "IP_ADDRESS",
            _IDENTIFIER,
            Action(do="ip_prefix"),
            "client.address, network.peer.address, access logs",
        ),
        Rule("Art. 4(1)", "MAC_ADDRESS", _IDENTIFIER, TOKEN, "resource attributes, logs of networks"),
        Rule("Art. 4(1)", "IMEI", _IDENTIFIER, TOKEN, "attributes of mobile applications", ("device.imei", "imei")),
        Rule(
            "Art. 4(1)",
            "LOCATION",
            _IDENTIFIER,
            REPLACE,
            "attributes of users and of geo-location",
            ("geo.location.lat", "geo.location.lon", "user.address", "customer.address", "street_address", "latitude",
             "longitude"),
        ),
        Rule("Art. 4(1)", "IBAN_CODE", _PERSONAL, REPLACE, _ANYWHERE, ("iban",), "payment"),
        Rule("Art. 4(1)", "CREDIT_CARD", _PERSONAL, REPLACE, _ANYWHERE, (), "payment"),
        Rule(
            "Art. 5(1)(c)",
            "DATE_OF_BIRTH",
            _LESS,
            _YEAR,
            "attributes of users, SQL",
            ("user.birth_date", "birth_date", "birthdate", "date_of_birth", "dob"),
        ),
        *(Rule("Art. 87", entity, _NATIONAL, REPLACE, _ANYWHERE) for entity in _NATIONAL_IDS),
        Rule(
            "Art. 87",
            "NATIONAL_ID",
            _NATIONAL,
            REPLACE,
            "attributes of users, SQL",
            ("national_id", "id_card_number", "tax_id", "passport_number", "national_insurance_number"),
        ),
        Rule("Art. 9(1)", "UK_NHS", _SPECIAL, REPLACE, _ANYWHERE, ("nhs_number",), "health"),
        Rule(
            "Art. 9(1)",
            "MEDICAL_RECORD_NUMBER",
            _SPECIAL,
            REPLACE,
            "attributes of patients, SQL",
            ("patient.mrn", "patient.id", "mrn", "medical_record_number"),
            "health",
        ),
        Rule(
            "Art. 9(1)",
            "BIOMETRIC",
            "biometric data for the purpose of uniquely identifying a natural person",
            DROP,
            "attributes and bodies of services that identify people",
            ("biometric", "fingerprint_template", "voiceprint", "face_template", "iris_code"),
        ),
    ),
    (
        PolicyRule(
            "Art. 4(5)",
            "such additional information is kept separately",
            "The key of tokens and HMACs in the journal's folder: a warning.",
        ),
        PolicyRule(
            "Art. 5(1)(c)",
            "adequate, relevant and limited to what is necessary",
            "keep for personal data, where the destination deletes it in time: a warning.",
        ),
        PolicyRule(
            "Art. 5(1)(e)",
            "kept in a form which permits identification of data subjects for no longer than is necessary",
            "keep for personal data in a destination that deletes nothing by itself: an OTLP server, or one file.",
        ),
        PolicyRule(
            "Art. 9(1)",
            "data concerning health or data concerning a natural person's sex life or sexual orientation shall be prohibited",
            "keep for health or biometric data.",
        ),
        PolicyRule(
            "Art. 25(1)",
            "appropriate technical and organisational measures, such as pseudonymisation",
            "One domain of tokens for several destinations, or HMACs in several: they could be joined (also Art. 4(5) and 32(1)(a)).",
        ),
    ),
)  # fmt: skip
