"""`python -m tests.chaos`: kills worker processes at random moments, then counts lost and repeated work.

python -m tests.chaos --kills 50
python -m tests.chaos --kills 5 --seed 7 --emulator moto --gentle
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

# Imported before the fork, as every process needs it.
import aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch  # noqa: F401  # see above

import handler.doors.sqs
import handler.http.api
import handler.jobs.sweep  # noqa: F401  # see above
from blocks.block import REGISTRY
from tests.chaos.audit import PROMISES, Audit
from tests.chaos.conductor import Conductor
from tests.chaos.emulator import EMULATORS
from tests.chaos.ledger import Ledger
from tests.chaos.periods import short_periods
from tests.chaos.processes import Sandbox
from tests.chaos.world import chaos_world


def run(kills: int, seed: int, emulator: str, *, gentle: bool, keep: bool) -> int:
    """One run; returns the number of broken promises."""
    REGISTRY.load()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()
    with short_periods(), chaos_world(emulator, folder) as aws:
        ledger = Ledger(folder / "ledger")
        random = Random(seed)  # noqa: S311  # a seed, not a secret
        conductor = Conductor(Sandbox(aws, folder / "log"), ledger, random, gentle=gentle)
        rested = conductor.run(kills)
        list(ledger.follow())
        audit = Audit(conductor.owed, conductor.dead, ledger.lines)
        audit.judge(aws.table_items(), aws.bus_events())
        audit.judge_answers(conductor.answers.values())
        audit.judge_letters(aws.dead_letters())
    if not rested and not audit.violations:
        audit.note("left over", "the system did not come to rest")
    _say(f"chaos: seed {seed}, {emulator}, {time.monotonic() - began:.0f} s")
    _report(conductor, audit, ledger)
    if audit.violations or keep:
        _say(f"The ledger and the logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return len(audit.violations)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _report(conductor: Conductor, audit: Audit, ledger: Ledger) -> None:
    kinds = Counter(line["what"] if line["what"] != "begin" else f"begin {line['door']}" for line in ledger.lines)
    open_ends = Counter[str]()
    for line in ledger.lines:
        open_ends[line["who"]] += {"begin": 1, "end": -1}.get(line["what"], 0)
    killed = [who for who, cause in conductor.dead.items() if cause == "killed"]
    received = [line for line in ledger.lines if line["what"] == "begin" and line["door"] == "queue"]
    figures = {
        "kills": len(killed),
        "  in the middle of an invocation": sum(open_ends[who] > 0 for who in killed),
        **{f"  {name}": number for name, number in sorted(conductor.counts.items())},
        "jobs": len(conductor.owed),
        **{
            f"  {name}": number
            for name, number in sorted(audit.figures.items())
            if name.startswith(("jobs ", "answers "))
        },
        "invocations": sum(number for kind, number in kinds.items() if kind.startswith("begin ")),
        "messages received": sum(line["messages"] for line in received),
        "  redeliveries": sum(line["again"] for line in received),
        "steps": audit.figures["steps"],
        **{f"  {name}": number for name, number in sorted(audit.figures.items()) if name.startswith("steps ")},
        "dead letters of jobs that ended": audit.figures["dead letters"],
        "records never committed": audit.figures["records never committed"],
        "executions": audit.figures["executions"],
        "  repeats": audit.figures["repeats"],
        "calls of a service": audit.figures["calls"],
        "  made again": audit.figures["calls repeated"],
        "events": audit.figures["events"],
        "  repeats ": audit.figures["events repeated"],
    }
    for name, number in figures.items():
        _say(f"  {name:36}{number:>8,}")
    _say("violations")
    broken = Counter(promise for promise, _ in audit.violations)
    for promise in PROMISES:
        _say(f"  {promise:36}{broken[promise]:>8,}")
    for promise, what in audit.violations[:50]:
        _say(f"{promise.upper()}: {what}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--emulator", choices=EMULATORS, default=EMULATORS[0])
    parser.add_argument(
        "--gentle", action="store_true", help="fewer jobs, only by the queue, so that no crash waits for a minute"
    )
    parser.add_argument("--keep", action="store_true", help="keep the ledger and the logs of a run without violations")
    options = parser.parse_args()
    sys.exit(bool(run(options.kills, options.seed, options.emulator, gentle=options.gentle, keep=options.keep)))
