"""Words that say what a number beside them is: in English and in the languages of those who issue it.

One table serves texts, attribute keys and gates, so that they cannot disagree. A phrase stands for all its spellings:
``date of birth`` also for ``date_of_birth``, ``dateOfBirth`` and ``DATEOFBIRTH``. A tilde marks a word that is also a
part of ordinary words (``vin`` of ``moving``): it counts only right before a value, and as the end of a longer key; two
tildes: not in keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from errorplane.detectors.text._escapes import as_gate

_PHRASES = {
    "mac": "mac address, mac addr, hwaddr, hardware address, bssid",
    "imei": "imei, imeisv",
    "itin": "~itin, itin number, itin no, individual taxpayer",
    "npi": "npi, national provider identifier, national provider id",
    "mbi": "medicare, mbi number, mbi no, ~mbi",
    "dea": (
        "dea number, dea no, dea registration, dea license, medical license, medical licence, physician license, "
        "provider license, prescriber, ~~dea"
    ),
    "passport": "passport, reisepass, passeport, pasaporte, passaporto, paspoort, paszport",
    "driver": (
        "driver license, driver licence, drivers license, drivers licence, driver s license, driver s licence, "
        "driving license, driving licence, dl number, license number, licence number, license no, licence no, "
        "führerschein, führerscheinnummer, fuehrerschein, permis de conduire, patente di guida, "
        "permiso de conducir, carnet de conducir, rijbewijs, prawo jazdy, körkort"
    ),
    "bank": (
        "bank account, bank acct, checking account, savings account, checking acct, savings acct, bank number, "
        "bank account number, kontonummer, kontonr, compte bancaire, cuenta bancaria, conto corrente"
    ),
    "account": (
        "account number, account no, account num, account nr, acct number, acct no, acct num, acct nr, acct, "
        "numéro de compte, numero de compte, número de cuenta, numero de cuenta, rekeningnummer"
    ),
    "routing": "routing number, routing no, routing num, routing transit, aba number, aba routing, ~aba, ~rtn",
    "nhs": "nhs, national health service number",
    "nino": "nino, ni number, national insurance",
    "vat": (
        "vat number, vat no, vat id, vat reg, vat registration, vat code, vat identification, ~vat, ust id, ustid, "
        "ust idnr, umsatzsteuer, numéro de tva, numero de tva, tva intracommunautaire, ~tva, partita iva, p iva, "
        "btw nummer, btw number, btw nr, moms nr, momsnr, nif iva, číslo dph"
    ),
    "tax": (
        "tax id, tax number, tax no, taxpayer id, taxpayer number, taxpayer identification, tax identification, "
        "tax payer id, tax file number, fiscal number, fiscal code, tax code, ~tin"
    ),
    "nid": (
        "national id, national identity, national identification, identity number, identity card, identity no, "
        "citizen id, personal identity, personal identification, personal code, personal id, personal number, id card, "
        "national number, national registration number, social insurance number, social security, passport or id"
    ),
    "es": "dni, ~nif, ~nie, documento nacional, documento de identidad, número de identificación fiscal",
    "it": "codice fiscale, cod fiscale, cod fisc, codfiscale, codfisc",
    "pl": "pesel",
    "fi": "henkilötunnus, henkilotunnus, hetu, sotu",
    "se": "personnummer, personnr, samordningsnummer, person nummer, pnr",
    "no": "fødselsnummer, fodselsnummer, fødselsnr, fodselsnr, fnr, personnummer, d nummer",
    "dk": "cpr, cpr nummer, cpr nr, personnummer",
    "de": (
        "steuer id, steuerid, steuer idnr, steueridentifikationsnummer, steuernummer, steuer nr, steuerliche "
        "identifikationsnummer, idnr, persönliche identifikationsnummer"
    ),
    "fr": (
        "insee, numéro de sécurité sociale, numero de securite sociale, sécurité sociale, securite sociale, "
        "numéro de sécu, no de sécu, nir number, numéro nir, ~nir"
    ),
    "nl": "bsn, burgerservicenummer, burger service nummer, sofinummer, sofi nummer",
    "be": (
        "rijksregisternummer, rijksregister, numéro national, numero national, registre national, nationaal nummer, "
        "nationalregisternummer, insz, ~niss, ~nrn"
    ),
    "pt": "~nif, contribuinte, número de contribuinte, numero de contribuinte, identificação fiscal, identificacao fiscal",
    "ie": "ppsn, pps number, pps no, personal public service",
    "at": "svnr, sozialversicherungsnummer, versicherungsnummer, sv nummer, sv nr",
    "cz": "rodné číslo, rodne cislo, rodného čísla, rodneho cisla, birth number",
    "ro": "cnp, cod numeric personal, codul numeric personal",
    "bg": "egn, егн, единен граждански номер",
    "hr": "oib, osobni identifikacijski broj",
    "ee": "isikukood, isikukoodi",
    "lt": "asmens kodas, asmens kodą, asmens koda",
    "lv": "personas kods, personas kodu",
    "gr": "amka, afm, αμκα, αφμ",
    "si": "emso, emšo, jmbg, matični broj, maticni broj",
    "hu": "adóazonosító, adóazonosító jel, adoazonosito jel, adoazonosito",
    "ch": "ahv, ahv nummer, ahv nr, avs number, numéro avs, numero avs",
    "vin": "vin number, vin code, vin no, vehicle identification, chassis number, fahrgestellnummer, fin nummer, ~vin",
    "plate": (
        "license plate, licence plate, number plate, plate number, plate no, numberplate, licenseplate, kennzeichen, "
        "nummernschild, immatriculation, plaque d immatriculation, matrícula, kenteken, targa, vehicle registration, "
        "registration plate"
    ),
    "crypto": (
        "wallet, bitcoin, btc address, ethereum, ether address, eth address, cryptocurrency, blockchain, solidity"
    ),
    "latitude": (
        "latitude, longitude, geo lat, geo lon, geo lng, location lat, location lon, location lng, gps lat, gps lon, "
        "gps lng, position lat, position lon, coord lat, coord lon"
    ),
    "lat": "~~lat",
    "lon": "~~lon, ~~lng, ~~long",
    "coordinates": (
        "coordinates, coordinate, coords, gps, latlng, latlon, latlong, lat lng, lat lon, lat long, geolocation, geopoint, "
        "geo point, geo location, geo position, geo coord, koordinaten, coordonnées, coordenadas"
    ),
    "birth": (
        "dob, date of birth, birth date, birthday, birth day, born, birth dt, birth year, year of birth, birth time, "
        "day of birth, geburtsdatum, geburtstag, geboren, geb datum, geb am, date de naissance, naissance, né le, née le, "
        "fecha de nacimiento, nacimiento, nacido, nacida, data de nascimento, nascimento, nascido, "
        "data di nascita, nascita, nato il, nata il, geboortedatum, födelsedatum, född, fødselsdato, født, syntymäaika, "
        "syntynyt, data urodzenia, urodzony, urodzona, datum narození, narozen, data nașterii, дата рождения"
    ),
    "mrn": (
        "mrn, medical record, medical records number, med rec no, med rec, patient id, patient no, patient num, "
        "patient number, patient identifier, patient record, patient mrn, patient key, chart number, chart no, "
        "hospital number, hospital no, medical chart, patienten id, patientennummer, patienten nr, fallnummer, "
        "numéro de patient, numero de patient, historia clínica, historia clinica"
    ),
    "plan": (
        "health plan, health insurance, insurance id, insurance number, insurance no, insurance member, medicaid, "
        "beneficiary, medical insurance, insured id, insurance policy, krankenversicherung, krankenversichertennummer, "
        "versichertennummer, kvnr, health card number, ~ehic"
    ),
    "zip": (
        "zip code, zip codes, postal code, postcode, post code, postal, ~zip, plz, postleitzahl, code postal, "
        "código postal, codigo postal, codice postale, kod pocztowy, postnummer, postnr"
    ),
    "cvv": (
        "cvv, cvc, csc code, card verification value, card verification code, card verification number, "
        "card verification, card security code, card security number, security code, card code, kartenprüfnummer, "
        "prüfnummer, cryptogramme visuel, ~cvn, ~csc"
    ),
}  # fmt: skip
_COMMON = frozenset(
    (
        *("address", "card", "code", "data", "date", "day", "geo", "id", "identity", "key", "location", "no", "number"),
        *(
            "personal",
            "point",
            "position",
            "public",
            "record",
            "registration",
            "s",
            "service",
            "time",
            "to",
            "value",
            "year",
        ),
    )
)
"""Words that ordinary telemetry is full of: a phrase is known by another of its words, if it has one."""


class Phrase:
    """The words of one phrase, for which topic it stands, and how many tildes it has (see above)."""

    __slots__ = ("tildes", "topic", "words")

    def __init__(self, topic: str, words: tuple[str, ...], tildes: int) -> None:
        self.topic = topic
        self.words = words
        self.tildes = tildes

    @property
    def anchor(self) -> str:
        """The word by which a text may hold the phrase at all."""
        rare = [word for word in self.words if word not in _COMMON]
        return max(rare or self.words, key=len)


def _phrases() -> Iterable[Phrase]:
    for topic, listed in _PHRASES.items():
        for entry in listed.split(","):
            plain = " ".join(entry.split())
            tildes = plain.count("~")
            # Only ASCII letters are read in lower case.
            for spelling in {plain.lstrip("~"), "".join(_raised(char) for char in plain.lstrip("~"))}:
                words = tuple(spelling.split())
                yield Phrase(topic, words, tildes)
                if len(words) > 1 and min(map(len, words)) > 1:
                    yield Phrase(topic, ("".join(words),), tildes)


def _raised(char: str) -> str:
    upper = char.upper()
    return char if char.isascii() or len(upper) > 1 else upper


def _by(name: Callable[[Phrase], str]) -> Mapping[str, tuple[Phrase, ...]]:
    table: dict[str, list[Phrase]] = {}
    for phrase in _phrases():
        table.setdefault(name(phrase), []).append(phrase)
    return {word: tuple(phrases) for word, phrases in table.items()}


@cache
def by_first_word() -> Mapping[str, tuple[Phrase, ...]]:
    """All phrases."""
    return _by(lambda phrase: phrase.words[0])


@cache
def by_anchor() -> Mapping[str, tuple[Phrase, ...]]:
    """All phrases."""
    return _by(lambda phrase: phrase.anchor)


def gates(*topics: str) -> tuple[bytes, ...]:
    """Hyperscan expressions for the phrases of topics, without those that hold a shorter one."""
    wanted = [phrase for phrases in by_first_word().values() for phrase in phrases if phrase.topic in topics]
    strong = {_as_written(phrase.words) for phrase in wanted if not phrase.tildes}
    shortest = {each for each in strong if not any(other != each and other in each for other in strong)}
    weak = {phrase.words[0]: phrase.tildes for phrase in wanted if phrase.tildes}
    right_before = [as_gate(word) + rb"[^0-9A-Za-z].{0,40}[0-9]" for word in sorted(weak)]
    in_keys = [as_gate("[-._]" + word) for word, tildes in sorted(weak.items()) if tildes == 1]
    return (*map(as_gate, sorted(shortest)), *right_before, *in_keys)


def _as_written(words: tuple[str, ...]) -> str:
    gap = "[-._ ]?"
    return gap.join(words).replace(f"{gap}s{gap}", f".{{0,12}}s{gap}")  # driver's, its apostrophe escaped or not
