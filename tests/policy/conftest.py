"""What the tests of the policy share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from errorplane.policy import LoadResult, read

TESTDATA = Path(__file__).parent / "testdata"
ENVIRON = {
    "TOKEN": "hunter2-from-the-environment",
    "PASSWORD": "hunter2",
    "HOST": "127.0.0.1",
    "KEEP": "0.5",
    "COUNT": "12",
    "YES": "true",
    "EMPTY": "",
}

PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAtcfIawHtusMOxm3hziDjvF0jlCL1dlQfZBywZOu2sHw=
-----END PUBLIC KEY-----
"""

Read = Callable[..., LoadResult]


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Reads a policy given as text, from a file beside the public key and the shadow policy of the examples."""

    def read_text(text: str, environ: Mapping[str, str] = ENVIRON, folder: str = "policy") -> LoadResult:
        path = tmp_path / folder / "errorplane.yaml"
        path.parent.mkdir(exist_ok=True)
        path.with_name("candidate.yaml").write_text("version: 1\n")
        key = path.parent / "keys" / "quarantine.pub.pem"
        key.parent.mkdir(exist_ok=True)
        key.write_text(PUBLIC_KEY)
        path.write_text(text, encoding="utf-8")
        return read(path, environ)

    return read_text


@pytest.fixture
def testdata(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the golden files, which is the working directory too, so that listings have short paths."""
    monkeypatch.chdir(TESTDATA)
    return TESTDATA


@pytest.fixture
def environ() -> Mapping[str, str]:
    """The environment that the golden files refer to."""
    return ENVIRON
