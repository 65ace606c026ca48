"""Plays seeds and says what each came to; the first that breaks ends the run and says how to play it again."""

from __future__ import annotations

import argparse
import sys
import time

from sim.scenario import Broken, Plan, play


def main() -> int:
    """Play the seeds asked for."""
    parser = argparse.ArgumentParser(
        prog="make sim",
        description="Delivery under virtual time: real cores, a network and a fate made of one seed.",
    )
    parser.add_argument("--seed", type=int, help="play this seed alone")
    parser.add_argument("--seeds", type=int, default=20, help="play seeds 1 to this (default: 20)")
    parser.add_argument("--handsets", type=int, default=50, help="in each seed (default: 50)")
    parser.add_argument("--days", type=float, default=7.0, help="of faults, before the quiet (default: 7)")
    parser.add_argument(
        "--a-day", type=float, default=120.0, help="verdicts of a handset, in office hours (default: 120)"
    )
    asked = parser.parse_args()
    plan = Plan(handsets=asked.handsets, days=asked.days, a_day=asked.a_day)
    seeds = [asked.seed] if asked.seed is not None else range(1, asked.seeds + 1)
    total, begun = 0, time.perf_counter()
    for seed in seeds:
        started = time.perf_counter()
        try:
            outcome = play(seed, plan)
        except Broken as broken:
            print(f"seed {seed}: {broken}", file=sys.stderr)
            print(
                f"play it again: make sim SEED={seed} HANDSETS={plan.handsets}"
                f" DAYS={plan.days} A_DAY={plan.a_day}",
                file=sys.stderr,
            )
            return 1
        took = time.perf_counter() - started
        total += outcome.verdicts
        rate = outcome.verdicts / took
        print(
            f"seed {seed}: {outcome.verdicts} verdicts, each once; {rate:,.0f}/s; trace {outcome.trace}",
            flush=True,
        )
    print(f"{total} verdicts, 0 lost, 0 twice, {total / (time.perf_counter() - begun):,.0f}/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
