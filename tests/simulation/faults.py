"""The rates of faults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Probabilities of each fault on each occasion; `skew` is in seconds.

    Attributes:
        crash: a worker dies at a yield point.
        freeze: a sandbox freezes for 20 to 150 s, past its deadline and its lease, and then continues.
        lost_reply: a write succeeds, but its answer is lost: the SDK sends it again.
        late_packet: a copy of a write arrives up to 90 s later.
        throttled: a call is throttled and has no effect.
        conflict: a conditional write meets a transaction in flight, or the reverse; it is tried again.
        timed_out: a write succeeds, but the SDK has given up waiting for it.
        late_index: an index returns an item as it was before its last write.
        entry_failed: the bus rejects an entry.
        bus_down: a call to the bus fails.
        send_failed: a message is not sent, and the call fails.
        lost_message: a message is lost although the call succeeded.
        duplicate: a message is delivered a second time at once.
        early: a message is delivered again before its visibility timeout is over.
        lost_acknowledgement: a deleted message is delivered again.
        lost_receive: a delivery never reaches its worker, but counts as a receive.
        skew: clocks are off by at most this, either way.
    """

    crash: float = 0.004
    freeze: float = 0.002
    lost_reply: float = 0.03
    late_packet: float = 0.01
    throttled: float = 0.01
    conflict: float = 0.02
    timed_out: float = 0.005
    late_index: float = 0.1
    entry_failed: float = 0.12
    bus_down: float = 0.02
    send_failed: float = 0.02
    lost_message: float = 0.03
    duplicate: float = 0.06
    early: float = 0.06
    lost_acknowledgement: float = 0.04
    lost_receive: float = 0.02
    skew: float = 2.0


NONE = Rates(
    crash=0,
    freeze=0,
    lost_reply=0,
    late_packet=0,
    throttled=0,
    conflict=0,
    timed_out=0,
    late_index=0,
    entry_failed=0,
    bus_down=0,
    send_failed=0,
    lost_message=0,
    duplicate=0,
    early=0,
    lost_acknowledgement=0,
    lost_receive=0,
    skew=0,
)
"""No faults."""
