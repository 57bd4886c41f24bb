"""Fuzzes the HTTP API by its own OpenAPI document with schemathesis: no answer may be undocumented or a 5xx.

Run by ``make fuzz``. ``CASES`` in the environment is the least number of requests (5,000).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def count_operations(document: str) -> int:
    """The number of operations in the OpenAPI document at that address: they share the cases."""
    request = urllib.request.Request(document, headers={"Authorization": "Bearer fuzzer"})  # noqa: S310 # loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 # loopback
        return sum(len(methods) for methods in json.load(answer)["paths"].values())


def main() -> int:
    """Fuzz and print the counts; returns the exit code."""
    notes = ROOT / "build" / "fuzz"  # where schemathesis stores the input of `st replay`
    notes.mkdir(parents=True, exist_ok=True)
    wanted = int(os.environ.get("CASES", "5000"))
    gateway = subprocess.Popen(  # our own module
        [sys.executable, "-m", "tests.fuzz.gateway"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert gateway.stdout is not None
    document = f"http://127.0.0.1:{gateway.stdout.readline().strip()}/openapi.json"
    asked = subprocess.run(  # noqa: S603 # the environment that make built
        [
            str(ROOT / ".venv-fuzz" / "bin" / "st"),
            "--config-file",
            str(HERE / "schemathesis.toml"),
            "run",
            document,
            "--max-examples",
            str(max(1, wanted // count_operations(document))),
            *sys.argv[1:],
        ],
        cwd=notes,
        check=False,
    )
    gateway.send_signal(signal.SIGINT)
    output, _ = gateway.communicate(timeout=60)
    seen = {int(status): count for status, count in json.loads(output).items()}
    total, faults = sum(seen.values()), sum(count for status, count in seen.items() if status >= 500)
    say = sys.stdout.write
    say(f"{total} requests, by status: {', '.join(f'{status}: {seen[status]}' for status in sorted(seen))}\n")
    say(f"{faults} server errors; schemathesis ended with {asked.returncode}\n")
    if total < wanted:
        say(f"too few requests: {wanted} were wanted\n")
    return int(bool(asked.returncode or faults or total < wanted))


if __name__ == "__main__":
    sys.exit(main())
