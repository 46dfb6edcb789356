"""The checks of all packs; apart from the packs' data, which what the checks ask rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from errorplane.policy._checks import Check, Remark
from errorplane.policy._policy import Policy
from errorplane.policy._vocabulary import PackWord
from errorplane.policy.packs._checks_gdpr import GDPR_CHECKS
from errorplane.policy.packs._checks_hipaa import HIPAA_CHECKS
from errorplane.policy.packs._checks_pci_dss import PCI_DSS_CHECKS
from errorplane.policy.packs._checks_secrets import SECRETS_CHECKS

PACK_CHECKS: Mapping[PackWord, tuple[Check, ...]] = {
    "gdpr": GDPR_CHECKS,
    "hipaa": HIPAA_CHECKS,
    "pci-dss": PCI_DSS_CHECKS,
    "secrets": SECRETS_CHECKS,
}


def check_packs(policy: Policy) -> Iterator[Remark]:
    """What the packs that a policy names say against it."""
    for name in policy.redaction.packs:
        for check in PACK_CHECKS[name]:
            yield from check(policy)
