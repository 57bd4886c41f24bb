"""Every metric that the handler emits, in the namespace ``Conduit``.

``docs/metrics.md`` is written from this table. Tests compare it with the calls of `Metrics.count`, `time` and `times`,
and with the dashboard and the alarms of ``template.yaml``.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Unit = Literal["Count", "Milliseconds"]


class Metric(NamedTuple):
    """One metric.

    Attributes:
        name: as CloudWatch shows it.
        unit: the unit of its values.
        about: a description of its values.
        dimensions: its fixed dimensions, besides ``service``, the stack's name.
        by_block: whether it also has the dimension ``Block`` if the setting ``BLOCK_METRICS`` is on.
    """

    name: str
    unit: Unit
    about: str
    dimensions: tuple[str, ...] = ()
    by_block: bool = False


METRICS: Final = (
    Metric("Jobs", "Count", "jobs that ended", ("Status",)),
    Metric("JobDuration", "Milliseconds", "from a job's acceptance to its end", ("Status",)),
    Metric("Steps", "Count", "steps recorded", ("Status",), by_block=True),
    Metric("StepDuration", "Milliseconds", "how long the block of a step ran", by_block=True),
    Metric("HandOvers", "Count", "jobs that were passed on to another invocation"),
    Metric("Parked", "Count", "jobs that gave their invocation back to wait for a time, an answer or a retry"),
    Metric("Resumes", "Count", "jobs claimed that had begun in another invocation"),
    Metric("Crashes", "Count", "claims that found that an earlier owner had died"),
    Metric("FencedOut", "Count", "runs that found that another owner had taken their job"),
    Metric("PublishFailures", "Count", "events that did not reach the bus at the first attempt"),
    Metric("Rejected", "Count", "messages sent to the dead-letter queue"),
    Metric("DroppedFirings", "Count", "firings of schedules that started no job", ("Reason",)),
    Metric("Swept", "Count", "jobs that the sweeper found due"),
    Metric("Faults", "Count", "jobs, requests and messages that failed because of a fault of this deployment"),
    Metric("ServiceFailures", "Count", "calls of AWS that failed or were denied; the log has their purpose"),
    Metric("ColdStarts", "Count", "first invocations of a process"),
)
