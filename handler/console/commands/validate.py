"""`conduit validate`: report the problems of jobs. It runs nothing and needs no AWS."""

from __future__ import annotations

import json
from argparse import Namespace

from handler.console.job_source import placed, read_jobs
from handler.console.offline import UnreadableJobError, validate_job
from handler.console.shown.output import complain, write
from handler.console.shown.problem_lines import problem_lines


def execute(chosen: Namespace) -> int:
    """Validate each job.

    Returns:
        0; 1 when a job is not valid; 2 when a job cannot be read or is not JSON.
    """
    code = 0
    for job in read_jobs(chosen.files):
        try:
            answer = validate_job(job.text, chosen.tag)
        except UnreadableJobError as error:
            complain(placed(job.name, str(error)))
            code = 2
            continue
        if not answer["valid"]:
            code = code or 1
        write([json.dumps(answer, ensure_ascii=False)] if chosen.json else problem_lines(job.name, job.text, answer))
    return code
