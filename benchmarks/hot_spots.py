"""The functions in which a chain spends most time, in the engine alone or in a whole invocation.

    python -m benchmarks.hot_spots [--steps 1000] [--seconds 2] [--all-in] [--sort cumtime]

The profiler makes calls slower, so the shares are a hint, not a measurement.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import sys

from benchmarks import chain_all_in, chain_conduit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="1000")
    parser.add_argument("--seconds", default="2")
    parser.add_argument("--all-in", action="store_true")
    parser.add_argument("--sort", choices=["tottime", "cumtime"], default="tottime")
    given = parser.parse_args()
    sys.argv[1:] = ["--steps", given.steps, "--seconds", given.seconds]  # the chains' arguments
    with cProfile.Profile() as profile:
        if given.all_in:
            sys.argv.append("--invocation")
            chain_all_in.main()
        else:
            asyncio.run(chain_conduit.main())
    pstats.Stats(profile).strip_dirs().sort_stats(given.sort).print_stats(45)


if __name__ == "__main__":
    main()
