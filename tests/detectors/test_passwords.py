"""Passwords and other secrets known by their name or place."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS, assert_found, spans, wide

NAMES = (
    "password",
    "passwd",
    "PASSWORD",
    "Passphrase",
    "pwd",
    "secret",
    "client_secret",
    "clientSecret",
    "SECRET_KEY",
    "DJANGO_SECRET_KEY",
    "api_key",
    "apiKey",
    "X-API-Key",
    "access-key",
    "private_key",
    "account_key",
    "db_password",
    "DB_PASS",
    "db.password",
    "user_password",
    "MYSQL_ROOT_PASSWORD",
    "smtp_pass",
    "redis-password",
    "credential",
    "aws_secret_access_key",
    "password1",
    "password_confirmation",
    "new-password",
    "spring.datasource.password",
    "pass",
    "pw",
    "Passwort",
    "contraseña",
    "senha",
    "mot de passe",
    "motdepasse",
    "wachtwoord",
)
FORMS = (
    "{name}={value}",
    "{name}: {value}",
    "{name} = {value}",
    "{name}:{value}",
    "{name}={value} next=1",
    "x=1&{name}={value}&y=2",
    "https://host/p?a=b&{name}={value}",
    "Server=db;{name}={value};Encrypt=yes",
    '"{name}": "{value}"',
    '{{"a":{{"{name}":"{value}","b":1}}}}',
    "{{'{name}': '{value}'}}",
    "{{{name}: '{value}'}}",
    "User(name='bob', {name}='{value}')",
    "User{{name=bob, {name}={value}}}",
    "{name} => '{value}'",
    '{name} := "{value}"',
    "<{name}>{value}</{name}>",
    '<{name} type="text">{value}</{name}>',
    '<a {name}="{value}"/>',
    "--{name} {value} --verbose",
    "--{name}={value}",
    "['--{name}', '{value}']",
    "[('{name}', '{value}'), ('x', 'y')]",
    '{{"name": "{name}", "value": "{value}"}}',
    "- name: {name}\n  value: {value}\n",
    'name="{name}"\r\n\r\n{value}\r\n--boundary',
    "{name}: SecretStr('{value}')",
    "export {name}={value}",
)


@pytest.mark.parametrize("form", FORMS)
def test_every_name_in_every_form(form: str) -> None:
    """Exactly the value is found."""
    found = {name: spans(form.format(name=name, value="hunter2X")) for name in NAMES}
    wrong = {name: parts for name, parts in found.items() if parts != [("PASSWORD", "hunter2X")]}
    assert wrong.keys() <= ({"pass", "pw"} if "<" in form else set())  # <pass> may be anything


@pytest.mark.parametrize("form", FORMS)
def test_encoded(form: str) -> None:
    """In any encoding of the whole text nothing of the value is left."""
    for encode in ENCODERS.values():
        text = encode(form.format(name="password", value="hunter2X"))
        assert "hunter2X" in "".join(part for _, part in spans(text)), text


def _stands_for_none(value: str) -> bool:
    """Whether a value is a placeholder (those have a test of their own)."""
    return value[0] in "[<({$%*.-?{" or value.lower() in (
        *("none", "null", "nil", "undefined", "true", "false", "n/a", "missing", "empty"),
        *("redacted", "masked", "hidden", "filtered", "xxxx", "xxxxx"),
    )


VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=20).filter(
    lambda value: any(map(str.isalnum, value)) and not _stands_for_none(value)
)


@given(VALUES, st.integers(0, 3))
@settings(max_examples=400)
def test_any_value_in_json_in_json(value: str, depth: int) -> None:
    """Whatever the password is, in JSON that is escaped up to three times exactly that is found."""
    text = json.dumps({"user": "bob", "password": value, "ok": True})
    escaped = json.dumps(value)[1:-1]
    for _ in range(depth):
        text, escaped = json.dumps(text), json.dumps(escaped)[1:-1]
    assert [part for _, part in spans(text)] == [escaped]


@given(VALUES, st.sampled_from(["postgres", "amqp", "mongodb+srv", "https", "redis", "mysql+pymysql"]))
@settings(max_examples=300)
def test_any_password_in_a_url(value: str, scheme: str) -> None:
    """Percent-encoded as a URL demands, the whole password is found, and the host is not."""
    password = quote(value, safe="")
    found = [part for entity, part in spans(f"{scheme}://app:{password}@db/x") if entity != "URL"]
    assert found == [password]


@given(VALUES.filter(lambda value: not {*"\"'`"} & {*value}))  # after a quote, all up to the next is hidden
@settings(max_examples=300)
def test_any_password_in_a_query(value: str) -> None:
    """Percent-encoded in a query, the whole password is found and the next parameter is not."""
    password = quote(value, safe="")
    assert [part for _, part in spans(f"/login?password={password}&next=home")] == [password]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:«s3cr3t»@db/x",
        "postgres://app:«s3cr/e@t»@db/x",
        "redis://:«hunter2»@cache:6379/0",
        "amqp://bob:«hunter2»@mq",
        "mongodb+srv://bob:«hunter2»@c0.abc.mongodb.net/db?w=1",
        "sftp://bob:«hunter2»@müller.de/",
        "jdbc:oracle:thin:scott/«tiger»@//host:1521/x",
        "a postgres://a:«b1»@h/x and a redis://:«c2»@i",
        "password is «hunter2»",
        "the password was '«hunter2»'",
        'setPassword("«hunter2»")',
        "CREATE USER bob WITH PASSWORD '«hunter2»'",
        "CREATE USER 'bob'@'%' IDENTIFIED BY '«hunter2»' ACCOUNT LOCK",
        "ALTER USER bob IDENTIFIED WITH mysql_native_password BY '«hunter2»'",
        "grant all on x.* to bob identified by «tiger»;",
        "psql 'host=db password=«hunter2» user=x'",
        "password='«it''s»' user=x",
        'password="«a\\"b»" user=x',
        "Password: «p@ss,word»;x",
        "Server=db;User Id=sa;Password=«p@ss,word»;Encrypt=yes",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=«Eby8vdM02xNO==»;EndpointSuffix=y",
        "PGPASSWORD=«hunter2» psql -h db",
        "mysql -uroot -p«hunter2» shop",
        "mysqldump -u root -p'«hunter2»' shop",
        "sshpass -p «hunter2» ssh host",
        "curl -s -u bob:«hunter2» http://x",
        "curl --user 'bob:«hunter2»' http://x",
        "Command '['psql', '--password', '«hunter2»']' returned non-zero exit status 1.",
        "{'password': ['«hunter2»']}",
        "密码password=«hunter2» 。",
        f"{wide('password=')}«hunter2»",
        "<password><![CDATA[«hun<ter2»]]></password>",
        "password: «$ecret»",
        "password=«None1»",
        "votre mot de passe est «Xk29!aa»",
        "Das Kennwort ist «geheim42»",
        "密码: «abc123»",
        "пароль=«qwerty12»",
        "OTP: «482913»",
        "Your verification code is «482913», valid for 5 minutes",
        "«482913» is your Acme verification code",
        "PIN=«4821»",
        '"otp":"«482913»"',
        "2FA code: «482 913»",
        "jdbc:mysql://db/x?password=«s3cr3t»&ssl=1",
        "Server=db;Database=x;User Id=sa;Password=«Sup3r»;Encrypt=true",
        "AccountName=acct;AccountKey=«AbC123+/dEf456==»;EndpointSuffix=core.windows.net",
        "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=«AbC123+/dEf456=»",
        "bob:«$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00»",
        "«$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC»",
        f"root:«$6$saltsalt${'qFmFH.bQ' * 10}qFmFH.»:18000:0",
        "«{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3»",
        "«pbkdf2_sha256$260000$abcdefgh$AbCdEfGhIjKlMnOpQrStUvWxYz0123456789ABCDEFG=»",
        "The password «m60nxC4P6ULc» could not be verified",
        'invalid pwd "«Priya4250!»": try again',
        "no account with api_key «wjUUjEa9ZYITeTvVu36A»: refused",
        "No handler for pwd «53w!8yv5r3y$»",
        "«Elif8830!» is my new password.",
        "we said '«Elif8830!»' was the admin password",
        "MERGE INTO p USING (SELECT 7 AS id, '«tiger»' AS client_secret) s",
        "1 error for Customer\npassword\n  String should have 8 characters [type=string_too_short, input_value='«hun»', input_type=str]",
        "«$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG»",
    ],
)
def test_found(text: str) -> None:
    """In URLs, sentences, code, SQL, connection strings, on command lines and in XML; hashes, one-time codes and PINs."""
    assert_found("PASSWORD", text)


@pytest.mark.parametrize(
    "text",
    [
        "password reset failed",
        "password for user bob is wrong",
        "password Argon2PasswordEncoder is not known",
        "secret team7/db-secret-7 not found",
        'secrets "web-tls-2Bx9" is forbidden',
        "the private key Ed25519Key was replaced",
        "SELECT 'bob' AS name, password FROM users",
        "this is the new password policy",
        "Version2 is the password policy in force",
        "invalid password: must have 8 characters",
        "password: required",
        "Password is incorrect.",
        "password is not set",
        "tests pass: 12 fail: 3",
        "pass: 3",
        "password_length=12",
        "passwordless=true",
        "compass: north",
        "PWD=/home/app OLDPWD=/",
        "bypass=1",
        "passenger: bob",
        "secretary: bob",
        "secret_name=my-secret",
        "secretName: web-tls",
        "password=None",
        "password=null",
        '"password": null',
        '"password": ""',
        "password=",
        "password=****",
        "password=xxxxx",
        "password=<redacted>",
        "password=[FILTERED]",
        "password=${DB_PASSWORD}",
        "password=$DB_PASSWORD",
        "password={{ vault_password }}",
        "password=%s",
        "password='<PASSWORD>'",
        "password=<PASSWORD>",
        "redis://bob:***@host/x",
        "redis://bob:<PASSWORD>@host/x",
        "password = (sensitive value)",
        "le mot de passe est requis",
        "exit code: 1234, status code 2000, error code 4004",
        "pin: 17 set high; pinned 1234 messages; shipping 12345",
        "echo $1$2$3 $HOME$",
        "http://host:8080/path",
        "http://[::1]:8080/@x",
        "https://host/a:b/@scope/pkg",
        "Access-Control-Allow-Credentials: true",
        "key=value",
        "primary_key=id",
        "foreign key (x)",
        "keyboard: us",
        "recvcount=5",
        "monkey: 1",
        "mkdir -p /x/y",
        "ssh -p 2222 host",
        "mysql -p shop",
        "mysqld --port=3306",
        "List<Password> passwords",
        "Optional<Secret> get()",
        "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "/reset-password/confirm",
        "reset-password failed",
        "SELECT password FROM users",
        "password VARCHAR(255) NOT NULL",
        "at com.example.PasswordEncoder.encode(PasswordEncoder.java:12)",
        'File "/app/password.py", line 3, in check_password',
    ],
)
def test_not_found(text: str) -> None:
    """Sentences, other words, placeholders, what was hidden before, ports, options, types, stack traces, public keys."""
    assert spans(text) == []


@pytest.mark.parametrize(
    "key", ["password", "db.password", "clientSecret", "x-api-key", "SECRET_KEY", "user.credentials"]
)
def test_under_a_key_that_says_so_the_whole_value_is_one(key: str) -> None:
    """Any value counts, one of words or digits too; one that stands for none does not."""
    for value in ("hunter2", "correct horse battery", "0"):
        assert spans(value, key) == [("PASSWORD", value)]
    for value in ("", "****", "null", "<PASSWORD>"):
        assert spans(value, key) == []


@pytest.mark.parametrize("key", ["PWD", "OLDPWD", "process.env.PWD", "env.pwd"])
def test_the_folder_that_a_process_works_in(key: str) -> None:
    """What is called PWD and is a path is no password; anything else of that name is one."""
    assert spans("/srv/app/current", key) == []
    assert spans("hunter2", key) == [("PASSWORD", "hunter2")]


@pytest.mark.parametrize("key", ["otp", "user.pin", "verificationCode", "mfa_code"])
def test_codes_by_key(key: str) -> None:
    """An attribute that says so holds a one-time code or PIN, if its value has the form of one."""
    assert spans("482913", key) == [("PASSWORD", "482913")]
    assert spans("enabled", key) == []
