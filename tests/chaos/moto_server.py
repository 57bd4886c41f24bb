"""moto in its own process, on a loopback port: ``python -m tests.chaos.moto_server`` prints the address."""

from __future__ import annotations

import sys
import threading

from moto import mock_aws

from infra.local.door import LocalDoor

if __name__ == "__main__":
    with mock_aws():
        sys.stdout.write(LocalDoor().address + "\n")
        sys.stdout.flush()
        threading.Event().wait()  # until the process is killed
