"""Check digits of national identity and tax numbers of Europe, each by the rules of its issuer.

Numbers are given in lower case, as they are written.
"""

from __future__ import annotations

from errorplane.detectors.identifiers._checksums import is_day, is_short_day, luhn, mod_11_10, plain, weighted

_DNI_LETTERS = "trwagmyfpdxbnjzsqvhlcke"
_OMOCODIA = str.maketrans("lmnpqrstuv", "0123456789")
_ODD = dict(
    zip(
        "0123456789abcdefghijklmnopqrstuvwxyz",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
         22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_HETU_LETTERS = "0123456789abcdefhjklmnprstuvwxy"
_PPSN_LETTERS = "wabcdefghijklmnopqrstuv"


def is_dni(number: str) -> bool:
    """Real Decreto 1553/2005, Spain: the letter is the number modulo 23, in a table; K, L, M before seven digits."""
    code = plain(number)
    return _DNI_LETTERS[int(code[:-1].lstrip("klm")) % 23] == code[-1]


def is_nie(number: str) -> bool:
    """Orden INT/2058/2008, Spain: as the DNI, with X, Y, Z for 0, 1, 2."""
    code = plain(number)
    return is_dni(str("xyz".index(code[0])) + code[1:])


def is_codice_fiscale(code: str) -> bool:
    """Decreto ministeriale 23/12/1976, Italy: the day, and the last letter over odd and even places."""
    day = int(code[9:11].translate(_OMOCODIA))
    if not 1 <= day % 40 <= 31 or day > 71:
        return False
    odd = sum(_ODD[char] for char in code[0:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - 97 for char in code[1:15:2])
    return (odd + even) % 26 == ord(code[15]) - 97


def is_pesel(digits: str) -> bool:
    """Ustawa o ewidencji ludności, Poland: birth date with the century in the month, weights 1, 3, 7, 9."""
    century, month = divmod(int(digits[2:4]), 20)
    years = (1900, 2000, 2100, 2200, 1800)
    if not is_day(years[century] + int(digits[:2]), month, int(digits[4:6])):
        return False
    return weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_hetu(code: str) -> bool:
    """Digital and Population Data Services Agency, Finland: birth date and the remainder of 31."""
    if not is_short_day(int(code[4:6]), int(code[2:4]), int(code[:2])) or code[7:10] in ("000", "001"):
        return False
    return _HETU_LETTERS[int(code[:6] + code[7:10]) % 31] == code[10]


def is_personnummer(number: str) -> bool:
    """Skatteverket SKV 704, Sweden: birth date (the day plus 60 in coordination numbers), Luhn over ten digits."""
    digits = plain(number)[-10:]
    return is_short_day(int(digits[:2]), int(digits[2:4]), int(digits[4:6]) % 60) and luhn(digits)


def is_fodselsnummer(number: str) -> bool:
    """Skatteetaten, Norway: birth date (the day plus 40 in D-numbers), two check digits modulo 11."""
    digits = plain(number)
    if not is_short_day(int(digits[4:6]), int(digits[2:4]), int(digits[:2]) % 40):
        return False
    first = weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1))
    return first % 11 == 0 and weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_cpr(number: str) -> bool:
    """CPR-kontoret, Denmark: birth date; since 2007 the check digit is no longer kept to."""
    digits = plain(number)
    return is_short_day(int(digits[4:6]), int(digits[2:4]), int(digits[:2]))


def is_steuer_id(number: str) -> bool:
    """§ 139b AO, Germany, and the check digit rules of the BZSt: one of the first ten digits comes two or three times."""
    digits = plain(number)
    counts = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    return counts[0] in (2, 3) and counts[1] == 1 and mod_11_10(digits)


def is_nir(number: str) -> bool:
    """INSEE, France: 97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    code = plain(number).replace("2a", "19", 1).replace("2b", "18", 1)
    return code.isdigit() and int(code[13:]) == 97 - int(code[:13]) % 97


def is_bsn(number: str) -> bool:
    """Wet algemene bepalingen burgerservicenummer, the Netherlands: the "elfproef"."""
    digits = plain(number).zfill(9)
    return weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and int(digits) > 0


def is_rijksregisternummer(number: str) -> bool:
    """Koninklijk besluit of 3 April 1984, Belgium: 97 minus nine digits modulo 97, with a 2 before them since 2000."""
    digits = plain(number)
    if int(digits[2:4]) % 20 > 12 or int(digits[4:6]) > 31:
        return False
    return int(digits[9:]) in (97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97)


def is_portuguese_nif(number: str) -> bool:
    """Decreto-Lei 14/2013, Portugal: weights 9 to 2, modulo 11."""
    digits = plain(number)
    check = -weighted(digits, range(9, 1, -1)) % 11
    return int(digits[8]) == check % 10


def is_ppsn(code: str) -> bool:
    """Revenue, Ireland: weights 8 to 2 and 9 for the second letter, modulo 23."""
    second = ord(code[8]) - 96 if len(code) > 8 and code[8] != "w" else 0
    return _PPSN_LETTERS[(weighted(code[:7], range(8, 1, -1)) + 9 * second) % 23] == code[7]


def is_svnr(number: str) -> bool:
    """Dachverband der Sozialversicherungsträger, Austria: the fourth digit, by weights, modulo 11; then the birth date."""
    digits = plain(number)
    return weighted(digits, (3, 7, 9, -1, 5, 8, 4, 2, 1, 6)) % 11 == 0 and 1 <= int(digits[4:6]) <= 31


def is_rodne_cislo(number: str) -> bool:
    """Zákon 133/2000, Czechia (and 301/1995, Slovakia): birth date, the month plus 50 or 20 or 70; divisible by 11."""
    digits = plain(number)
    month = int(digits[2:4]) % 50
    if not is_short_day(int(digits[:2]), month - 20 if month > 20 else month, int(digits[4:6])):
        return False
    return int(digits) % 11 == 0 or (int(digits[:9]) % 11 == 10 and digits[9] == "0")


def is_cnp(digits: str) -> bool:
    """Legea 105/1996, Romania: birth date, weights 279146358279 modulo 11."""
    if not is_short_day(int(digits[1:3]), int(digits[3:5]), int(digits[5:7])):
        return False
    check = weighted(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return int(digits[12]) == (1 if check == 10 else check)


def is_egn(digits: str) -> bool:
    """GRAO, Bulgaria: birth date with the century in the month, weights modulo 11."""
    century, month = divmod(int(digits[2:4]), 20)
    years = (1900, 1800, 2000)
    if century > 2 or not is_day(years[century] + int(digits[:2]), month, int(digits[4:6])):
        return False
    return weighted(digits, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(digits[9])


def is_baltic(digits: str) -> bool:
    """Estonia (EVS 585) and Lithuania: birth date, two rows of weights modulo 11."""
    if not is_short_day(int(digits[1:3]), int(digits[3:5]), int(digits[5:7])):
        return False
    return is_baltic_weights(digits)


def is_baltic_weights(digits: str) -> bool:
    """Weights 1 to 9 round and round, modulo 11; where that is 10, weights from 3 on."""
    places = range(len(digits) - 1)
    check = weighted(digits, [place % 9 + 1 for place in places]) % 11
    if check == 10:
        check = weighted(digits, [(place + 2) % 9 + 1 for place in places]) % 11 % 10
    return check == int(digits[-1])


def is_personas_kods(number: str) -> bool:
    """Latvia: birth date and weights modulo 11; numbers that begin with 32 say nothing and have no check."""
    digits = plain(number)
    if digits.startswith("32"):
        return True
    if not is_short_day(int(digits[4:6]), int(digits[2:4]), int(digits[:2])):
        return False
    return (1101 - weighted(digits, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 == int(digits[10])


def is_amka(digits: str) -> bool:
    """ΗΔΙΚΑ, Greece, social security (AMKA): birth date and Luhn."""
    return is_short_day(int(digits[4:6]), int(digits[2:4]), int(digits[:2])) and luhn(digits)


def is_afm(digits: str) -> bool:
    """ΑΑΔΕ, Greece, tax (AFM): powers of two modulo 11."""
    return int(digits) > 0 and weighted(digits, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(digits[8])


def is_emso(digits: str) -> bool:
    """JMBG of Yugoslavia, EMŠO of Slovenia: birth date, weights 7 to 2 twice, modulo 11."""
    if not 1 <= int(digits[:2]) <= 31 or not 1 <= int(digits[2:4]) <= 12:
        return False
    return weighted(digits, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_adoazonosito(digits: str) -> bool:
    """1996. évi XX. törvény, Hungary: places as weights, modulo 11."""
    return weighted(digits, range(1, 10)) % 11 == int(digits[9])


def is_ahv(number: str) -> bool:
    """AHV number of Switzerland: 756 for the country, check digit of EAN-13."""
    return weighted(plain(number), (1, 3) * 6 + (1,)) % 10 == 0
