"""Telephone numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS, assert_found, spans

# Numbers of each region's usual form, from the national numbering plans' reserved or published examples.
INTERNATIONAL = (
    "+1 212-555-0187",
    "+1 (212) 555-0187",
    "+12125550187",
    "+1.212.555.0187",
    "+44 20 7946 0958",
    "+44 (0)20 7946 0958",
    "+447700900123",
    "+49 30 901820",
    "+49 (0)171 2345678",
    "+33 1 99 00 12 34",
    "+7 495 123-45-67",
    "+81 3-1234-5678",
    "+86 138 0013 8000",
    "+91 98765 43210",
    "+55 11 91234-5678",
    "+61 491 570 156",
    "+353 20 910 1234",
    "+358 50 123 4567",
    "+380 44 123 4567",
    "+420 601 123 456",
    "+971 50 123 4567",
    "+852 2123 4567",
    "0044 20 7946 0958",
    "00 49 30 901820123",
    "(+33) 6 12 34 56 78",
    "(+81) 3-1234-5678",
    "+81.3-1234-5678",
    "+33.612345678",  # as RFC 5733 has it
)
NATIONAL = (
    "(212) 555-0187",
    "(212)555-0187",
    "212-555-0187",
    "212.555.0187",
    "212 555 0187",
    "1-800-555-0199",
    "555-123-4567",
    "(212) 555-0187 ext. 12",
    "212-555-0187 x123",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "06-12-34-56-78",
    "(020) 7946 0958",
    "020 7946 0958",
    "0412 345 678",
    "07700 900123",
    "0171 2345678",
    "(01632) 960123",
    "(212)5550187",
    "(11) 91234-5678",
    "03-1234-5678",
    "090-1234-5678",
    "010-62345678",
)
PLACES = ("{}", "from {} today", '{{"caller":"{}"}}', "a,{},b", "<{}>", "{};", "\t{}\n", "42,{},7", "号码{}号")


@pytest.mark.parametrize("number", [*INTERNATIONAL, *NATIONAL])
def test_a_number_is_found_wherever_it_stands(number: str) -> None:
    """Exactly the number is found, whatever stands beside it."""
    for place in PLACES:
        assert spans(place.format(number)) == [("PHONE_NUMBER", number)], place


@pytest.mark.parametrize("number", [*INTERNATIONAL, *NATIONAL])
def test_encoded(number: str) -> None:
    """In any encoding nothing of the number is left."""
    for encode in ENCODERS.values():
        text = encode(f'"{number}"\n')
        assert [entity for entity, part in spans(text) if encode(number) in part] == ["PHONE_NUMBER"], text


@given(st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999), st.sampled_from(["-", ".", " "]))
@settings(max_examples=200)
def test_north_america(area: int, exchange: int, line: int, sep: str) -> None:
    """Any area code and exchange in the usual groups is found."""
    number = f"{area}{sep}{exchange}{sep}{line:04d}"
    assert spans(f"caller {number} hung up") == [("PHONE_NUMBER", number)]


@pytest.mark.parametrize(
    "text",
    [
        "phone: «2125550187»",
        "phone=«2125550187»,42",
        "Telephone number «5550187»",
        '"mobile":"«0171234567»"',
        "tel.: «55 50 18»",
        "call back «0170 / 9988776» please",
        "msisdn «491711234567»",
        "fax no. «020123456»",
        "whatsapp «5511912345678»",
        "call me on «555 0187»",
        "please text him at «555-0187»",
        "dialed «555-0187-2»",
        "my number is «55 50 18 71»",
        "desk: «555-0187»",
        "phone «+49 30 901820», order 123456789",
        "caller=«(33) 777-289» status=ok",
        "Call «768 478 173» to book",
        "SMS to «97 143710» failed",
        "Anna Berg can be reached at «468 0673»",
        "the hotline «467 3395» is closed",
        "Handy: «0171 2345678 ext. 466»",
        "phone=«01 201703981x8773»",
        "Telefon: «60734576»",
        "Nr telefonu «512 205 149»",
        "teléfono: «614 66 27 17»",
        "Tél. : «070-176 92 86»",
        "Телефон: «8 (911) 835-80-09»",
        "手机 «13596509654»",
        "შ 전화 «02-275-5123»",
        "tlf. «38 23 42 51»",
        "tel=«078.936.50.93»",
        "my number is «810142411»",
        "text me at «61779217» please",
        "dialed «5551234567»",
    ],
)
def test_found_by_a_word(text: str) -> None:
    """Local shapes count after a word that says so; what comes after the number does not."""
    assert_found("PHONE_NUMBER", text)


@pytest.mark.parametrize(
    "text",
    [
        "please add «467 3395» to your records",
        "Hi, my new one is «60-56-85-91».",
        "I moved to Oslo, please update «699 956 915» in my profile",
        "You can get me there: «9472 7916»",
        "Thanks! «2125550187»",
        "is «0771234567» yours or his? Please say",
        "Bob Dole\n«467 3395» (office)\n«21 284 698 2548» fax",
        "Anna Berg\nMain Street 5\n12345 Town\n«467 3395»\n",
        "Anna Berg, «721 200 110», Berlin",
        "see «0472 13 29 62» today",
    ],
)
def test_found_by_the_shape_in_prose(text: str) -> None:
    """Grouped digits are a telephone number in what people write to people, in signatures and in addresses."""
    assert_found("PHONE_NUMBER", text)


@pytest.mark.parametrize(
    "text",
    [
        "your order 467 3395 is on its way",
        "please pay 12 500 000 kr",
        "please pay $467 3395",
        "my licence is 434 14 557",
        "your account number is 9472 7916",
        "you were born 12 05 1998",
        "please see the years 1998-2004",
        "my zip is 90010-170",
        "please wait 1234 5678 ms",
        "you have 10 000 points",
        "received 467 3395 of 512",
        "total bytes 721 200 110",
        "HTTP/1.1 200 467 3395",
        "a\nb\n2026-11-24\nc",
        "x=1\ny=2\n467 3395\nz=3",
        "rows 12 3456 7890",
        "softheader=00589370 90990003 00000002",
        "003759 110941 89 INFO dfs.DataNode",
        "- 0077524772 2006.11.24 R79-M1 0039-02-16-16.51.52.681964",
        "LE [RecvWorker:6345866236] my id = 1, 6345866236 2005.06.05",
        "dump 0472 1329 6200 0000",
    ],
)
def test_not_found_by_the_shape_alone(text: str) -> None:
    """Amounts, dates, postcodes, counts and numbers called something else stay, also where people write."""
    assert "PHONE_NUMBER" not in [entity for entity, _ in spans(text)]


@pytest.mark.parametrize("key", ["user.phone", "phoneNumber", "customer.mobile", "msisdn", "fax_number", "contact_no"])
@pytest.mark.parametrize("number", ["2125550187", "0612345678", "555-0187", "+1 2125550187", "491711234567"])
def test_found_by_the_key(key: str, number: str) -> None:
    """Under a telephone's key any number of six digits or more is one."""
    assert spans(number, key) == [("PHONE_NUMBER", number)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24",
        "2026-11-24 10:00:00",
        "2026-11-24T10:00:00+01:00",
        "24.11.2026 10:00",
        "+0100",
        "1732443600123",
        "1732443600",
        "2125550187",
        "192.168.100.200",
        "1.2.840.113549",
        "550e8400-e29b-41d4-a716-446655440000",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "took 1234 ms, 5678 rows, 90 retries",
        "0x7fff5fbff8c0 000055d3 00000001",
        "1e+1234567",
        "port 50051 and 4317",
        "123456789012 (account)",
        "order 112-1234567-1234567",
        "212-555-01875",
        "1212-555-0187-1",
        "12.345.678,90",
        "offset +12.123456789 s",
        "at +52.52000812 degrees",
        "delta +10.25-12.50",
        "web 24.25.80 has requirement numpy<3.2, but you have numpy 10.12.16.2838.",
        "your kernel is 0.14.144.2216",
        "10 000 000 rows",
        "exit code 137, signal 9",
        "called process_123456789",
        "in 100 200 300 400 ms",
        "rev 0123456789abcdef",
        "message from 2026-11-24 to 2026-11-25",
    ],
)
def test_not_found(text: str) -> None:
    """Dates, timestamps, ids, addresses, hexadecimal, counts and amounts are no telephone numbers."""
    assert "PHONE_NUMBER" not in [entity for entity, _ in spans(text)]
