"""The engine: jobs, their steps, and the loop that runs them. It uses no AWS, environment or clock of its own."""

from handler.engine.answers import Address, Answers
from handler.engine.conduit import Conduit
from handler.engine.flow.restore import RecordsMismatchError
from handler.engine.language.contexts import ScopedObject
from handler.engine.limits import InvocationTime, Limits
from handler.engine.outcome import Decision, Execution, Outcome, Paused
from handler.engine.poll import Poll
from handler.engine.retry import Retry
from handler.engine.runtime import Runtime
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep

__all__ = [
    "Address",
    "Answers",
    "Conduit",
    "ConduitStatus",
    "ConduitStep",
    "Decision",
    "Execution",
    "InvocationTime",
    "Limits",
    "Outcome",
    "Paused",
    "Poll",
    "RecordsMismatchError",
    "Retry",
    "Runtime",
    "ScopedObject",
]
