"""Record stack traces of injected faults from real runtimes: `python -m tests.fingerprints.record [LANGUAGE ...]`.

The programs in `programs/` raise some twenty faults each. They are run under variations that must not matter: other
values in the messages, code shifted by lines, another folder, another depth between fault and catch, another thread or
call path, other builds and other versions of the runtime. Needs the tools of the languages asked for (javac and java,
node and the npm package esbuild, gjs, go, mcs and mono, ruby); where one is missing it says so and ends. Variables name
those that stand elsewhere: ESBUILD, DOTNET (the `dotnet` host of .NET Core 3.1), and SECOND_JAVA, SECOND_RUBY.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
RECORDED: Final = HERE / "recorded"
DEADLINE: Final = 120
_HALF: Final = 5_000


class Run(NamedTuple):
    """One run of a program: the value in its messages, the lines put in, the folder, and how deep it is caught."""

    name: str
    value: str
    lines: int
    folder: str
    depth: int
    mode: str

    @property
    def arguments(self) -> list[str]:
        return [self.value, str(self.depth), self.mode]


RUNS: Final = (
    Run("plain", "4711", 0, "srv/shop", 0, "same"),
    Run("other values, lines and folder", "7f3e0a52-9d1b-4c8e-a1f0-2b6c5d4e3f21", 23, "home/jo/checkout-17", 1, "same"),
    Run("other depth and thread", "jo.doe+orders@example.org", 3, "opt/app/releases/20261125", 6, "other"),
    Run("other path of calls", "ORD-2026-00017", 111, "builds/4f1c/shop", 3, "other"),
)
_PAD: Final = re.compile(r"^[ \t]*(?://|#)PAD$", re.MULTILINE)


class Sample(NamedTuple):
    """One recorded error; `fault` is what was injected: samples of one fault must be grouped, others must not."""

    fault: str
    variant: str
    type: str
    message: str
    stack: str


def run(command: list[str], **options: object) -> str:
    """What the command prints, to standard output and then to standard error; the reason on standard error if it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, **options)  # type: ignore[call-overload]  # cwd only
    except OSError as error:
        raise SystemExit(f"{command[0]}: {error.strerror}; install it, or name the languages to record") from error
    return str(done.stdout + done.stderr)


def source(name: str, one: Run, folder: Path) -> Path:
    """The program in a folder of its own, with lines put in."""
    path = folder / one.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PAD.sub("\n" * one.lines, (PROGRAMS / name).read_text()))
    return path


def tabbed(variant: str, text: str) -> Iterator[Sample]:
    """From lines of name, type, message and stack, the last three in base64."""
    for line in text.splitlines():
        name, *fields = line.split("\t")
        if len(fields) == 3:
            yield Sample(name, variant, *(base64.b64decode(field).decode() for field in fields))


def java(folder: Path) -> Iterator[Sample]:
    for one in RUNS:
        path = source("Shop.java", one, folder)
        flags = ["-g:none"] if one is RUNS[3] else []
        run(["javac", *flags, "-d", str(path.parent), str(path)])
        hosts = [os.environ["SECOND_JAVA"]] if "SECOND_JAVA" in os.environ and one is RUNS[2] else []
        for host in ["java", *hosts]:
            yield from tabbed(
                f"{one.name}, {'java' if host == 'java' else 'second java'}",
                run([host, "-cp", str(path.parent), "com.acme.shop.Shop", *one.arguments]),
            )


def javascript(folder: Path) -> Iterator[Sample]:
    for one in RUNS:
        path = source("shop.js", one, folder)
        for host in ("node", "gjs"):
            yield from _json_lines("", f"{one.name}, {host}", run([host, str(path), *one.arguments]))
        bundle = path.parent / f"assets/app-{one.folder.encode().hex()[:8]}.js"
        esbuild = os.environ.get("ESBUILD", "esbuild")
        # What is put before it changes the names that the minifier gives.
        before = "".join(f"export const kept{n} = (q, r) => q * r + {n};" for n in range(one.depth))
        (path.parent / "entry.js").write_text(f"{before}\nimport './shop.js';\n")
        flags = ["--bundle", "--platform=node", "--format=esm" if one.depth % 2 else "--format=cjs"]
        run([esbuild, str(path.parent / "entry.js"), *flags, "--minify", f"--outfile={bundle}"])
        if one.depth % 2:
            bundle = bundle.rename(bundle.with_suffix(".mjs"))
        yield from _json_lines("minified ", f"{one.name}, minified", run(["node", str(bundle), *one.arguments]))


def _json_lines(prefix: str, variant: str, text: str) -> Iterator[Sample]:
    for line in text.splitlines():
        if line.startswith('{"fault"'):
            found = json.loads(line)
            yield Sample(prefix + found["fault"], variant, found["type"], found["message"], found["stack"])


def go(folder: Path) -> Iterator[Sample]:
    for one in RUNS:
        path = source("shop.go", one, folder)
        binary = str(path.parent / "shop")
        flags = ["-trimpath"] if one is RUNS[1] else []
        run(["go", "build", *flags, "-o", binary, str(path)])
        samples = list(tabbed(one.name, run([binary, *one.arguments])))
        yield from samples
        if one.mode == "same":
            for sample in samples:
                text = run([binary, *one.arguments, sample.fault])
                if text.startswith(("panic: ", "fatal error: ")):
                    yield Sample(f"crash {sample.fault}", f"{one.name}, crash", "", "", text)


def dotnet(folder: Path) -> Iterator[Sample]:
    for one in RUNS:
        path = source("Shop.cs", one, folder)
        program = path.with_suffix(".exe")
        run(["mcs", "-debug", f"-out:{program}", str(path)])
        yield from tabbed(f"{one.name}, Mono with symbols", run(["mono", "--debug", str(program), *one.arguments]))
        Path(f"{program}.mdb").unlink(missing_ok=True)
        yield from tabbed(f"{one.name}, Mono", run(["mono", str(program), *one.arguments]))
        if host := os.environ.get("DOTNET"):
            library = program.rename(path.with_suffix(".dll"))
            settings = {
                "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
                "configProperties": {"System.Globalization.Invariant": True},
            }
            path.with_suffix(".runtimeconfig.json").write_text(json.dumps({"runtimeOptions": settings}))
            yield from tabbed(f"{one.name}, .NET Core", run([host, str(library), *one.arguments]))


def ruby(folder: Path) -> Iterator[Sample]:
    for one in RUNS:
        path = source("shop.rb", one, folder)
        yield from tabbed(f"{one.name}, ruby", run(["ruby", str(path), *one.arguments]))
        if (second := os.environ.get("SECOND_RUBY")) and one in RUNS[1:3]:
            yield from tabbed(f"{one.name}, second ruby", run([second, str(path), *one.arguments]))


LANGUAGES: Final[dict[str, tuple[Callable[[Path], Iterator[Sample]], list[list[str]]]]] = {
    "java": (java, [["java", "--version"]]),
    "javascript": (javascript, [["node", "--version"], ["gjs", "--version"]]),
    "go": (go, [["go", "version"]]),
    "dotnet": (dotnet, [["mono", "--version"]]),
    "ruby": (ruby, [["ruby", "--version"]]),
}


def record(language: str) -> int:
    """Write `recorded/LANGUAGE.jsonl`: first the versions of the runtimes, then a sample a line; how many there are."""
    read, versions = LANGUAGES[language]
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        samples = list(dict.fromkeys(read(Path(folder))))
        lines = [{**sample._asdict(), "stack": _short(sample.stack)} for sample in samples]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).replace(folder, "")
    runtimes = [run(command).partition("\n")[0] for command in versions]
    for name in ("SECOND_JAVA", "SECOND_RUBY"):
        if name in os.environ and name.removeprefix("SECOND_").lower() == language:
            runtimes.append(run([os.environ[name], "--version"]).partition("\n")[0])
    if language == "dotnet" and "DOTNET" in os.environ:
        runtimes.append(run([os.environ["DOTNET"], "--list-runtimes"]).partition(" [")[0])
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{language}.jsonl").write_text(json.dumps({"runtimes": runtimes}) + "\n" + text)
    return len(samples)


def _short(stack: str) -> str:
    """A full stack without most of its middle, in whole lines: it only fills the file."""
    if len(stack) <= 2 * _HALF:
        return stack
    return stack[:_HALF].rpartition("\n")[0] + "\n" + stack[-_HALF:].partition("\n")[2]


def main(languages: list[str]) -> None:
    unknown = set(languages) - set(LANGUAGES)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(LANGUAGES)}")
    for language in languages or list(LANGUAGES):
        sys.stdout.write(f"{language}: {record(language)} samples\n")


if __name__ == "__main__":
    main(sys.argv[1:])
