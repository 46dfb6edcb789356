"""Numbers that offices, clinics, makers and services give out, with the check digits that their rules ask for."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Callable, Sequence

from tests.accuracy.kinds import Kind, digits, fill, token
from tests.detectors.samples import card, with_check_digit

Rnd = random.Random
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _sum(number: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _until(make: Callable[[], str | None]) -> str:
    """The first that is a number: some have no check digit."""
    while (value := make()) is None:
        pass
    return value


def _born(rnd: Rnd) -> tuple[int, int, int]:
    return rnd.randrange(1940, 2000), rnd.randrange(1, 13), rnd.randrange(1, 29)


def _yymmdd(rnd: Rnd) -> str:
    year, month, day = _born(rnd)
    return f"{year % 100:02d}{month:02d}{day:02d}"


def _ddmmyy(rnd: Rnd) -> str:
    year, month, day = _born(rnd)
    return f"{day:02d}{month:02d}{year % 100:02d}"


def _mod11(rnd: Rnd, count: int, weights: Sequence[int], start: str = "") -> str:
    """``start``, digits, and 11 less the weighted sum modulo 11; 11 counts as 0, 10 is not given out."""

    def make() -> str | None:
        number = start + digits(rnd, count - len(start))
        check = (11 - _sum(number, weights) % 11) % 11
        return None if check == 10 else f"{number}{check}"

    return _until(make)


def _iso7064(number: str) -> str:
    """ISO/IEC 7064, MOD 11,10."""
    product = 10
    for digit in number:
        product = (int(digit) + product) % 10 or 10
        product = product * 2 % 11
    return str((11 - product) % 10)


def _nhs(rnd: Rnd) -> str:
    number = _mod11(rnd, 9, range(10, 1, -1))
    return rnd.choice([number, f"{number[:3]} {number[3:6]} {number[6:]}"])


def _nino(rnd: Rnd) -> str:
    number = rnd.choice(["AB", "CE", "HJ", "JK", "PR", "SW"]) + digits(rnd, 6) + rnd.choice("ABCD")
    return rnd.choice([number, f"{number[:2]} {number[2:4]} {number[4:6]} {number[6:8]} {number[8]}"])


def _vat(rnd: Rnd) -> str:
    german, italian = fill(rnd, "%#######"), fill(rnd, "0%#####00%")
    return rnd.choice([f"DE{german}{_iso7064(german)}", f"IT{with_check_digit(italian)}", f"PL{_polish(rnd)}"])


def _polish(rnd: Rnd) -> str:
    def make() -> str | None:
        number = fill(rnd, "%########")
        check = _sum(number, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
        return None if check == 10 else f"{number}{check}"

    return _until(make)


def _itin(rnd: Rnd) -> str:
    group = rnd.choice([*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)])
    return f"9{digits(rnd, 2)}-{group}-{digits(rnd, 4)}"


def _npi(rnd: Rnd) -> str:
    return with_check_digit("80840" + fill(rnd, "1########"))[5:]


_MBI = "ACDEFGHJKMNPQRTUVWXY"


def _mbi(rnd: Rnd) -> str:
    pools = {"9": "123456789", "n": string.digits, "a": _MBI, "x": _MBI + string.digits}
    parts = ("".join(rnd.choice(pools[char]) for char in form) for form in ("9axn", "axn", "aann"))
    return rnd.choice(["", "-"]).join(parts)


def _dea(rnd: Rnd) -> str:
    number = digits(rnd, 6)
    check = (_sum(number[::2], (1, 1, 1)) + 2 * _sum(number[1::2], (1, 1, 1))) % 10
    return f"{rnd.choice('ABFGM')}{rnd.choice(string.ascii_uppercase)}{number}{check}"


def _aba(rnd: Rnd) -> str:
    number = f"{rnd.randrange(1, 13):02d}{digits(rnd, 6)}"
    return f"{number}{-_sum(number, (3, 7, 1, 3, 7, 1, 3, 7)) % 10}"


def _imei(rnd: Rnd) -> str:
    return with_check_digit(fill(rnd, "35############"))


_VIN_VALUES = {**{str(n): n for n in range(10)}, **dict(zip("ABCDEFGH", range(1, 9), strict=True))}
_VIN_VALUES |= (
    dict(zip("JKLMN", range(1, 6), strict=True)) | {"P": 7, "R": 9} | dict(zip("STUVWXYZ", range(2, 10), strict=True))
)


def _vin(rnd: Rnd) -> str:
    body = rnd.choice(["1HG", "WVW", "JTD", "5YJ", "WBA"]) + "".join(rnd.choices(sorted(_VIN_VALUES), k=5))
    tail = "".join(rnd.choices("ABCDEFGHJKLMNPRSTVWXY", k=2)) + digits(rnd, 6)
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 9, 8, 7, 6, 5, 4, 3, 2)
    check = sum(_VIN_VALUES[char] * weight for char, weight in zip(body + tail, weights, strict=True)) % 11
    return body + ("X" if check == 10 else str(check)) + tail


def _bitcoin(rnd: Rnd) -> str:
    payload = b"\0" + rnd.randbytes(20)
    payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    value, out = int.from_bytes(payload, "big"), ""
    while value:
        value, place = divmod(value, 58)
        out = _BASE58[place] + out
    return "1" * (len(payload) - len(payload.lstrip(b"\0"))) + out


def _track(rnd: Rnd) -> str:
    number = card(rnd, 4, 4, 16)
    return rnd.choice([f"%B{number}^DOE/JANE^27121010000000000?", f";{number}=27121010000012300?"])


def _mac(rnd: Rnd) -> str:
    pairs = ["02", *(fill(rnd, "@@") for _ in range(4)), "a" + fill(rnd, "@")]
    return rnd.choice([":".join(pairs), "-".join(pairs).upper()])


def _coordinates(rnd: Rnd) -> str:
    return f"{rnd.uniform(-80, 80):.6f}, {rnd.uniform(-170, 170):.6f}"


def _birth(rnd: Rnd) -> str:
    year, month, day = _born(rnd)
    return rnd.choice(
        [f"{year}-{month:02d}-{day:02d}", f"{day:02d}/{month:02d}/{year}", f"{day:02d}.{month:02d}.{year}"]
    )


_NIF = "TRWAGMYFPDXBNJZSQVHLCKE"


def _nif(rnd: Rnd) -> str:
    number = digits(rnd, 8)
    return number + _NIF[int(number) % 23]


def _nie(rnd: Rnd) -> str:
    first, number = rnd.randrange(3), digits(rnd, 7)
    return f"{'XYZ'[first]}{number}{_NIF[int(f'{first}{number}') % 23]}"


_FISCAL_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(
        string.ascii_uppercase,
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def _fiscal(rnd: Rnd) -> str:
    year, month, day = _born(rnd)
    code = f"{fill(rnd, '^^^^^^')}{year % 100:02d}{'ABCDEHLMPRST'[month - 1]}{day + rnd.choice([0, 40]):02d}{fill(rnd, '^%##')}"
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in code[1::2])
    return code + string.ascii_uppercase[(sum(_FISCAL_ODD[char] for char in code[::2]) + even) % 26]


def _hetu(rnd: Rnd) -> str:
    date, number = _ddmmyy(rnd), f"{rnd.randrange(2, 900):03d}"
    return f"{date}-{number}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(date + number) % 31]}"


def _ahv(rnd: Rnd) -> str:
    number = "756" + digits(rnd, 9)
    check = -_sum(number, (1, 3) * 6) % 10
    return f"756.{number[3:7]}.{number[7:11]}.{number[11]}{check}"


def _pesel(rnd: Rnd) -> str:
    number = _yymmdd(rnd) + digits(rnd, 4)
    return f"{number}{-_sum(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10}"


def _personnummer(rnd: Rnd) -> str:
    number = with_check_digit(_yymmdd(rnd) + digits(rnd, 3))
    return f"{number[:6]}-{number[6:]}"


def _fodselsnummer(rnd: Rnd) -> str:
    def make() -> str | None:
        number = f"{_ddmmyy(rnd)}{rnd.randrange(500):03d}"
        first = -_sum(number, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
        second = -_sum(f"{number}{first % 10}", (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return None if 10 in (first, second) else f"{number}{first}{second}"

    return _until(make)


def _cpr(rnd: Rnd) -> str:
    def make() -> str | None:
        number = _ddmmyy(rnd) + f"{rnd.randrange(4)}{digits(rnd, 2)}"
        check = -_sum(number, (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return None if check == 10 else f"{number[:6]}-{number[6:]}{check}"

    return _until(make)


def _steuer(rnd: Rnd) -> str:
    pool = rnd.sample("123456789", 9)
    number = [*pool, rnd.choice(pool)]
    rnd.shuffle(number)
    return "".join(number) + _iso7064("".join(number))


def _nir(rnd: Rnd) -> str:
    year, month, _ = _born(rnd)
    number = f"{rnd.choice('12')}{year % 100:02d}{month:02d}{rnd.randrange(1, 96):02d}{rnd.randrange(1, 900):03d}{digits(rnd, 3)}"
    return f"{number}{97 - int(number) % 97:02d}"


def _bsn(rnd: Rnd) -> str:
    def make() -> str | None:
        number = fill(rnd, "%#######")
        check = _sum(number, range(9, 1, -1)) % 11
        return None if check == 10 else f"{number}{check}"

    return _until(make)


def _belgian(rnd: Rnd) -> str:
    number = f"{_yymmdd(rnd)}{rnd.randrange(1, 998):03d}"
    check = 97 - int(number) % 97
    return f"{number[:2]}.{number[2:4]}.{number[4:6]}-{number[6:]}.{check:02d}"


def _portuguese(rnd: Rnd) -> str:
    number = fill(rnd, "2#######")
    check = 11 - _sum(number, range(9, 1, -1)) % 11
    return f"{number}{0 if check > 9 else check}"


def _ppsn(rnd: Rnd) -> str:
    number = fill(rnd, "%######")
    return number + "WABCDEFGHIJKLMNOPQRSTUV"[_sum(number, range(8, 1, -1)) % 23]


def _svnr(rnd: Rnd) -> str:
    def make() -> str | None:
        serial, date = fill(rnd, "%##"), _ddmmyy(rnd)
        check = (_sum(serial, (3, 7, 9)) + _sum(date, (5, 8, 4, 2, 1, 6))) % 11
        return None if check == 10 else f"{serial}{check} {date}"

    return _until(make)


def _czech(rnd: Rnd) -> str:
    def make() -> str | None:
        number = f"{rnd.randrange(55, 99)}{rnd.randrange(1, 13) + rnd.choice([0, 50]):02d}{rnd.randrange(1, 29):02d}{digits(rnd, 3)}"
        check = int(number) % 11
        return None if check == 10 else f"{number[:6]}/{number[6:]}{check}"

    return _until(make)


def _romanian(rnd: Rnd) -> str:
    number = f"{rnd.choice('12')}{_yymmdd(rnd)}{rnd.randrange(1, 47):02d}{rnd.randrange(1, 999):03d}"
    check = _sum(number, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return f"{number}{1 if check == 10 else check}"


def _bulgarian(rnd: Rnd) -> str:
    number = _yymmdd(rnd) + digits(rnd, 3)
    return f"{number}{_sum(number, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10}"


def _croatian(rnd: Rnd) -> str:
    number = fill(rnd, "%#########")
    return number + _iso7064(number)


def _baltic(rnd: Rnd) -> str:
    number = f"{rnd.choice('34')}{_yymmdd(rnd)}{digits(rnd, 3)}"
    check = _sum(number, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = _sum(number, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return f"{number}{check}"


def _latvian(rnd: Rnd) -> str:
    def make() -> str | None:
        number = f"{_ddmmyy(rnd)}1{digits(rnd, 3)}"
        check = (1101 - _sum(number, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11
        return None if check == 10 else f"{number[:6]}-{number[6:]}{check}"

    return _until(make)


def _amka(rnd: Rnd) -> str:
    return with_check_digit(_ddmmyy(rnd) + digits(rnd, 4))


def _afm(rnd: Rnd) -> str:
    number = fill(rnd, "%#######")
    return f"{number}{_sum(number, [2**power for power in range(8, 0, -1)]) % 11 % 10}"


def _emso(rnd: Rnd) -> str:
    def make() -> str | None:
        year, month, day = _born(rnd)
        number = f"{day:02d}{month:02d}{year % 1000:03d}50{digits(rnd, 3)}"
        check = -_sum(number, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return None if check == 10 else f"{number}{check}"

    return _until(make)


def _hungarian(rnd: Rnd) -> str:
    def make() -> str | None:
        number = fill(rnd, "8########")
        check = _sum(number, range(1, 10)) % 11
        return None if check == 10 else f"{number}{check}"

    return _until(make)


def _form(*forms: str) -> Callable[[Rnd], str]:
    return lambda rnd: fill(rnd, rnd.choice(forms))


def _token(prefix: str, count: int) -> Callable[[Rnd], str]:
    return lambda rnd: prefix + token(rnd, count)


def _api_key(rnd: Rnd) -> str:
    return rnd.choice([f"SG.{token(rnd, 22)}.{token(rnd, 43)}", f"npm_{token(rnd, 36)}", f"hf_{fill(rnd, '?' * 34)}"])


def _pem(rnd: Rnd) -> str:
    return "\n".join(token(rnd, 64, "+/") for _ in range(3))


def _named(entity: str, make: Callable[[Rnd], str], keys: str, words: str = "", *, plain: bool = False) -> Kind:
    names = tuple(keys.split())
    prose = tuple(words.split(", ")) if words else tuple(name.replace("_", " ") for name in names)
    return Kind(entity, make, names, prose, make if plain else None)


IDENTIFIERS: tuple[Kind, ...] = (
    _named("TRACK_DATA", _track, "track track_data", plain=True),
    _named("CVV", _form("###"), "cvv cvc card_verification_value", "CVV, card security code"),
    _named("CRYPTO", _bitcoin, "wallet btc_address", plain=True),
    _named("MAC_ADDRESS", _mac, "mac mac_address bssid", "MAC address", plain=True),
    _named("IMEI", _imei, "imei device_imei", "IMEI"),
    _named("VIN_CODE", _vin, "vin vehicle_identification", "VIN"),
    _named("LICENSE_PLATE", _form("^^^-####", "^-^^ ####"), "license_plate plate_number"),
    _named("LOCATION", _coordinates, "coordinates gps geo_location", "coordinates, GPS position"),
    _named("DATE_OF_BIRTH", _birth, "date_of_birth dob birth_date", "date of birth, birthday"),
    _named("AGE", _form("9#", "10#"), "patient_age customer_age", "age"),
    _named("UK_NHS", _nhs, "nhs_number nhs", "NHS number"),
    _named("UK_NINO", _nino, "nino national_insurance", "national insurance number, NINO"),
    _named("EU_VAT", _vat, "vat_number vat_id", "VAT number"),
    _named("US_ITIN", _itin, "itin", "ITIN"),
    _named("US_NPI", _npi, "npi", "NPI"),
    _named("US_MBI", _mbi, "mbi medicare_number", "Medicare number"),
    _named("MEDICAL_LICENSE", _dea, "dea_number dea_license", "DEA number"),
    _named("US_PASSPORT", _form("^########", "#########"), "passport passport_number"),
    _named(
        "US_DRIVER_LICENSE", _form("^#######", "^############", "########"), "driver_license drivers_license_number"
    ),
    _named("US_BANK_NUMBER", _form("%#########", "%###########"), "bank_account_number checking_account"),
    _named("ABA_ROUTING_NUMBER", _aba, "routing_number aba_routing"),
    _named(
        "MEDICAL_RECORD_NUMBER",
        _form("%######", "%#######", "^%######"),
        "mrn patient_id medical_record",
        "MRN, medical record",
    ),
    _named("HEALTH_PLAN_NUMBER", _form("^^^%########", "^%########"), "health_plan insurance_number medicaid"),
    _named("ACCOUNT_NUMBER", _form("%#######", "%#########"), "account_number acct_no"),
    _named("ZIP_CODE", _form("#####", "#####-####"), "zip_code postal_code", "zip code, postal code"),
    _named("ES_NIF", _nif, "dni nif", "DNI"),
    _named("ES_NIE", _nie, "nie", "NIE"),
    _named("IT_FISCAL_CODE", _fiscal, "codice_fiscale", "codice fiscale", plain=True),
    _named("FI_PERSONAL_IDENTITY_CODE", _hetu, "hetu henkilotunnus"),
    _named("CH_AHV", _ahv, "ahv_nummer", "AHV-Nummer"),
    _named("PL_PESEL", _pesel, "pesel", "PESEL"),
    _named("SE_PERSONNUMMER", _personnummer, "personnummer"),
    _named("NO_FODSELSNUMMER", _fodselsnummer, "fodselsnummer"),
    _named("DK_CPR", _cpr, "cpr cpr_nummer", "CPR-nummer"),
    _named("DE_TAX_ID", _steuer, "steuer_id", "Steuer-ID"),
    _named("FR_NIR", _nir, "insee nir_number", "numéro de sécurité sociale"),
    _named("NL_BSN", _bsn, "bsn", "BSN"),
    _named("BE_NATIONAL_NUMBER", _belgian, "rijksregisternummer"),
    _named("PT_NIF", _portuguese, "contribuinte"),
    _named("IE_PPSN", _ppsn, "ppsn", "PPS number"),
    _named("AT_SVNR", _svnr, "svnr sozialversicherungsnummer"),
    _named("CZ_BIRTH_NUMBER", _czech, "rodne_cislo", "rodné číslo"),
    _named("RO_CNP", _romanian, "cnp", "CNP"),
    _named("BG_EGN", _bulgarian, "egn", "EGN"),
    _named("HR_OIB", _croatian, "oib", "OIB"),
    _named("EE_PERSONAL_CODE", _baltic, "isikukood"),
    _named("LT_PERSONAL_CODE", _baltic, "asmens_kodas"),
    _named("LV_PERSONAL_CODE", _latvian, "personas_kods"),
    _named("GR_AMKA", _amka, "amka", "AMKA"),
    _named("GR_AFM", _afm, "afm", "AFM"),
    _named("SI_EMSO", _emso, "emso", "EMŠO"),
    _named("HU_TAX_ID", _hungarian, "adoazonosito"),
    _named("GITHUB_TOKEN", _token("ghp_", 36), "github_token", plain=True),
    _named("GITLAB_TOKEN", _token("glpat-", 20), "gitlab_token", plain=True),
    _named(
        "SLACK_TOKEN",
        lambda rnd: f"xoxb-{digits(rnd, 12)}-{digits(rnd, 12)}-{token(rnd, 24)}",
        "slack_token",
        plain=True,
    ),
    _named("STRIPE_KEY", _token("sk_" + "live_", 24), "stripe_key", plain=True),
    _named("GCP_API_KEY", _token("AIza", 35), "google_key", plain=True),
    _named("API_KEY", _api_key, "service_key", plain=True),
    Kind("PRIVATE_KEY", _pem, ("private_key",), ("private key",), _pem, ("-----BEGIN RSA PRIVATE KEY-----\n",)),
)

PLACED: tuple[Kind, ...] = (
    Kind("SQL_LITERAL", lambda rnd: f"{fill(rnd, '^????')} {fill(rnd, '^??????')}", ("name",), ("name",)),
    Kind("URL", lambda rnd: f"{fill(rnd, '????')}.{fill(rnd, '?????')}", ("user",), ("user",)),
)
