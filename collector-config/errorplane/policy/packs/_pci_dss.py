"""PCI DSS v4.0.1, requirements 3.3 to 3.5: sensitive authentication data (SAD) and primary account numbers (PAN).

Quotes are the defined approach of each requirement, cut short. Of 3.2.1, 3.4.1 and 3.6.1 only summaries could be had to
compare them with; those of 3.3.1.1 to 3.3.1.3 and of 3.5.1 were compared with copies of the standard.
"""

from __future__ import annotations

from errorplane.policy._actions import Action
from errorplane.policy.packs._model import DROP, REPLACE, Pack, PolicyRule, Rule

_LOGS = "bodies of logs and exception messages with a payment request in them, attributes, SQL"

PCI_DSS = Pack(
    "pci-dss",
    "PCI DSS v4.0.1, requirements 3.3, 3.4 and 3.5",
    (
        Rule(
            "3.5.1",
            "CREDIT_CARD",
            "PAN is rendered unreadable anywhere it is stored",
            Action(do="mask", last=4),
            _LOGS,
            ("card.number", "card_number", "payment.card.number", "pan", "primary_account_number"),
            "payment",
        ),
        Rule(
            "3.3.1.1",
            "TRACK_DATA",
            "The full contents of any track are not stored upon completion of the authorization process",
            DROP,
            _LOGS,
            ("card.track1", "card.track2", "track1", "track2", "track_data", "magnetic_stripe"),
            "payment",
        ),
        Rule(
            "3.3.1.2",
            "CVV",
            "The card verification code is not stored upon completion of the authorization process",
            DROP,
            _LOGS,
            ("card.cvv", "card.cvc", "cvv", "cvv2", "cvc", "cvc2", "cid_code", "security_code"),
            "payment",
        ),
        Rule(
            "3.3.1.3",
            "PIN",
            "The personal identification number (PIN) and the PIN block are not stored upon completion of the "
            "authorization process",
            DROP,
            _LOGS,
            ("card.pin", "pin", "pin_block", "pinblock"),
            "payment",
        ),
        # Not in 3.3 to 3.5: the cardholder's name may be kept readable, if protected (3.2.1). It is hidden all the same.
        Rule(
            "3.2.1",
            "CARDHOLDER_NAME",
            "Account data storage is kept to a minimum",
            REPLACE,
            "attributes of payments",
            ("card.holder", "card.holder_name", "cardholder_name", "name_on_card"),
            "payment",
        ),
    ),
    (
        PolicyRule(
            "3.3.1",
            "SAD is not stored after authorization, even if encrypted",
            "Any action but drop for CVV, TRACK_DATA or PIN.",
        ),
        PolicyRule(
            "3.4.1",
            "PAN is masked when displayed (the BIN and last four digits are the maximum number of digits to be displayed)",
            "A mask of CREDIT_CARD that shows more than 8 digits at the start or 4 at the end; a warning above 6, since "
            "only numbers of 16 digits have a BIN of 8.",
        ),
        PolicyRule(
            "3.5.1",
            "PAN is rendered unreadable anywhere it is stored",
            "detectors without CREDIT_CARD; keep for it; allow or allow_patterns that let a valid card number through.",
        ),
        PolicyRule(
            "3.5.1 (correlation)",
            "If hashed and truncated versions of the same PAN, or different truncation formats of the same PAN, are "
            "present in an environment, additional controls are in place such that the different versions cannot be correlated to reconstruct the original PAN",
            "A mask of CREDIT_CARD that shows digits beside a token or HMAC of it, or beside another mask, in whatever destinations.",
        ),
        PolicyRule(
            "3.6.1",
            "Procedures are defined and implemented to protect cryptographic keys used to protect stored account data "
            "against disclosure and misuse",
            "The key of reversible tokens of CREDIT_CARD in the folder of a file destination; a warning if it lies in the journal's folder.",
        ),
    ),
)
