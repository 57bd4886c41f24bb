"""Runs a block in a child process, if it may not stop or may crash the process.

The child is forked, so the block needs no import and no pickling there. Its result returns as JSON, through a pipe.
(Queues and locks of `multiprocessing` need POSIX semaphores, which Lambda lacks.) This protects against a block's
accidents; it is not a sandbox against its author.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import resource
import select
import signal
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn

from blocks.block import CallFailedError, CallRefusedError
from handler.engine.alarm.watch import StepTimeout
from handler.engine.failure import Failure, failure_of, message_of
from handler.engine.runtime import steady_clock
from handler.engine.status import ConduitStatus
from handler.engine.values import UnstorableValueError, keep

MEMORY: Final = 256 * 1024 * 1024
"""Bytes of address space that a block may take in addition to the process's own."""
LARGEST_RESULT: Final = 8 * 1024 * 1024
"""The largest result in bytes that this process reads, to protect its memory. The limit of records is smaller."""
DEEPEST_RESULT: Final = 500
"""The deepest result that is encoded, within Python's recursion limit. The limit of records is smaller."""
LONGEST_WAIT: Final = 1e6
"""Seconds of one wait for the child; `poll` accepts at most 2**31 milliseconds."""

_LENGTH: Final = 8
_CHUNK: Final = 1 << 16
_STANDARD_STREAMS: Final = 3


class IsolationError(Exception):
    """The child ended without an outcome: it crashed, was killed, or exited."""


def run_isolated(
    function: Callable[..., Any],
    kwargs: Mapping[str, Any],
    seconds: float,
    memory: int = MEMORY,
    now: Callable[[], float] | None = None,
) -> Any:
    """Run a block in a forked child, which is killed with all its processes when `seconds` are over.

    Args:
        function: a plain or a coroutine function.
        kwargs: its arguments. Changes to them stay in the child.
        seconds: how long it may run; infinite for no limit.
        memory: bytes that it may take (if the system has ``/proc``, as on Lambda).
        now: the time in seconds.

    Returns:
        The block's result, through JSON: tuples come back as lists.

    Raises:
        StepTimeout: it was killed at the limit.
        Failure: RESULT_LIMIT_EXCEED; its result is not JSON, or is too large.
        MemoryError: it needed more than `memory`.
        IsolationError: the process died; the message says how.
        BaseException: the block's error, as an instance of a class with the same name and the same base class (or the
            nearest base class that this process can find), with the same message.
    """
    if not seconds > 0:
        raise StepTimeout(seconds)
    reader, child = _start(function, kwargs, memory)
    try:
        message = _read(reader, seconds, now or steady_clock())
    finally:
        os.close(reader)
        ended = _end(child)
    if message is None:
        raise IsolationError(_describe_end(ended))
    return _unpack(message)


def _start(function: Callable[..., Any], kwargs: Mapping[str, Any], memory: int) -> tuple[int, int]:
    reader, writer = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # otherwise the child would print the buffer again
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # warnings about threads: the child runs only the block
        child = os.fork()
    if child == 0:
        _serve(function, kwargs, writer, memory)  # pragma: no cover (see the child)
    os.close(writer)
    return reader, child


# ---------------------------------------------------------------------- the parent


def _read(reader: int, seconds: float, now: Callable[[], float]) -> bytes | None:
    """The child's message, or ``None`` when it ended without one."""
    ends_at = now() + seconds
    received = bytearray()
    poller = select.poll()
    poller.register(reader, select.POLLIN)
    while True:
        left = max(ends_at - now(), 0)
        if not poller.poll(min(left, LONGEST_WAIT) * 1000):
            if left > LONGEST_WAIT:
                continue
            raise StepTimeout(seconds)
        chunk = os.read(reader, _CHUNK)
        if not chunk:
            return None
        received += chunk
        # The length shows when the message is complete: a process that the block started may keep the pipe open.
        if len(received) >= _LENGTH and len(received) - _LENGTH >= int.from_bytes(received[:_LENGTH]):
            return bytes(received[_LENGTH:])


def _end(child: int) -> int:
    """Kill the child and its processes; return its wait status, which is its own if it was already ending."""
    for kill in (os.kill, os.killpg):
        with suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        return os.waitpid(child, 0)[1]
    return 0


def _describe_end(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        hint = " (out of memory?)" if number == signal.SIGKILL else ""
        return f"the block's process was ended by {signal.Signals(number).name}{hint}"
    return f"the block's process left with exit code {os.WEXITSTATUS(status)} and no result"


def _unpack(message: bytes) -> Any:
    outcome = json.loads(message)
    if "refused" in outcome:
        raise Failure(ConduitStatus.RESULT_LIMIT_EXCEED, outcome["refused"])
    if "error" in outcome:
        raise _remake_error(outcome["error"], outcome["message"], outcome["said"])
    return outcome["result"]


def _remake_error(classes: list[list[str]], message: str, said: Mapping[str, Any]) -> BaseException:
    """An exception like the child's, derived from the first of its classes that can be subclassed.

    It gets the attributes in `said`.
    """
    name = classes[0][1].rpartition(".")[2]
    for module, path in classes:
        found: Any = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        with suppress(TypeError):  # not found, final, or not creatable without arguments
            kind: Any = type(name, (found,), {"__str__": _say, "__module__": module, "__qualname__": path})
            error: BaseException = kind.__new__(kind)
            error.args = (message,)
            error.__dict__.update(said)
            return error
    return IsolationError(f"{name}: {message}")


def _say(error: BaseException) -> str:
    return str(error.args[0])


# ---------------------------------------------------------------------- the child

# Unmeasured from here (the parent kills the child, and what coverage saw there is lost; test_isolation.py tests it)


def _serve(function: Callable[..., Any], kwargs: Mapping[str, Any], writer: int, memory: int) -> NoReturn:
    """Run the block and send its outcome. No handler, clean-up or exit hook of the parent runs here."""
    code = 1
    try:
        os.setsid()
        gc.freeze()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        _detach_descriptors(writer)
        message = _run(function, kwargs, memory)
        os.set_blocking(writer, True)
        _send(writer, message)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        code = 0
    finally:
        os._exit(code)


def _detach_descriptors(writer: int) -> None:
    """Disconnect the parent's connections: two processes that use one TLS connection would break it.

    The descriptors are replaced, not closed: their owners may still close them, and must not hit a file of the block.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"  # noqa: PTH112
    for name in os.listdir(folder):  # noqa: PTH208
        descriptor = int(name)
        if descriptor == 0 or (descriptor >= _STANDARD_STREAMS and descriptor not in (writer, nothing)):
            with suppress(OSError):
                os.dup2(nothing, descriptor, inheritable=False)


def _run(function: Callable[..., Any], kwargs: Mapping[str, Any], memory: int) -> bytes:
    """The block's outcome as the message for the parent."""
    try:
        with _Memory(memory):
            result = function(**kwargs)
            if inspect.isawaitable(result):
                result = asyncio.run(_wait_for(result))
            text = keep(result, DEEPEST_RESULT)[1].encode()
        if len(text) > LARGEST_RESULT:
            return _encode({"refused": f"the result has {len(text)} bytes; {LARGEST_RESULT} can leave its process"})
    except UnstorableValueError as error:
        return _encode({"refused": str(error)})
    except MemoryError:
        return _describe_error(MemoryError(f"the block needed more than {memory} bytes of memory"))
    except StepTimeout:
        return _describe_error(RuntimeError("the block raised StepTimeout, which only the alarm may"))
    except BaseException as error:  # noqa: BLE001  # any error is the block's outcome
        return _describe_error(error)
    return b'{"result":' + text + b"}"


async def _wait_for(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _describe_error(error: BaseException) -> bytes:
    classes = [(kind.__module__, kind.__qualname__) for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    return _encode({"error": classes, "message": message_of(error), "said": _said(error)})


def _said(error: BaseException) -> dict[str, Any]:
    """The attributes of an error that the parent needs."""
    if not isinstance(error, (CallFailedError, CallRefusedError)):
        return {}
    failure = failure_of(error)
    return {"details": failure.details, "retry_after": failure.retry_after}


def _encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode()


def _send(writer: int, message: bytes) -> None:
    unsent = memoryview(len(message).to_bytes(_LENGTH) + message)
    while unsent:
        unsent = unsent[os.write(writer, unsent) :]


class _Memory:
    """Limits the address space while the block runs; afterwards there is memory to report the outcome."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._before = resource.getrlimit(resource.RLIMIT_AS)

    def __enter__(self) -> None:
        with suppress(FileNotFoundError), open("/proc/self/statm") as statm:  # noqa: PTH123
            held = int(statm.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (held + self._size, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_AS, self._before)


# Measured again.
