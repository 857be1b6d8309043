#!/usr/bin/env python3
"""How often a gate raises a false alarm, and how often it finds what is there: the figures of docs/src/gate.md.

    python3 tests/python/gate_figures.py target/release/evenkeel [gates] [slowdowns]

False alarms: as many gates as are asked for (1,000), each of an unchanged system held against a baseline of another seed.
Power: one backend of ten is 5% slower (random, load 0.8, the same seed): how often latency.mean is called a regression.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SCENARIO = """
balancers = ["random"]
[run]
requests = {requests}
[traffic]
arrivals = {{ process = "poisson", rate = "800/s" }}
work = {{ dist = "exponential", mean = "10ms" }}
[[backends]]
name = "web"
count = 9
[[backends]]
name = "one"
"""


def gate(program, folder, *options):
    command = [program, "gate", "system.toml", "-q", "--format", "json", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 4):
        sys.exit(f"{command}: {done.returncode}\n{done.stderr}")
    return done.returncode, json.loads(done.stdout)["verdicts"]


def false_alarms(program, folder, gates):
    (folder / "system.toml").write_text(SCENARIO.format(requests=20000))
    gate(program, folder, "--seed", "0", "--save-baseline", "a.json")
    counts = {0: 0, 1: 0, 4: 0}
    for seed in range(1, gates + 1):
        # Each is the next one's baseline: as many pairs, of half as many runs.
        code, _ = gate(program, folder, "--seed", str(seed), "--baseline", "a.json", "--save-baseline", "a.json")
        counts[code] += 1
    return counts


def found(program, folder, slowdowns):
    (folder / "system.toml").write_text(SCENARIO.format(requests=200000))
    hits = 0
    for seed in range(slowdowns):
        gate(program, folder, "--seed", str(seed), "--save-baseline", "b.json")
        _, verdicts = gate(program, folder, "--seed", str(seed), "--baseline", "b.json", "--set", "backends.one.speed=0.95")
        hits += any(one["metric"] == "latency.mean" and one["verdict"] == "failed" for one in verdicts)
    return hits


def main():
    program = str(Path(sys.argv[1]).resolve())
    gates = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    slowdowns = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    with tempfile.TemporaryDirectory() as folder:
        counts = false_alarms(program, Path(folder), gates)
        print(f"A/A: {counts[1]} of {gates} gates failed, {counts[4]} were undecided")
        hits = found(program, Path(folder), slowdowns)
        print(f"5% slower: found in {hits} of {slowdowns} runs")
        sys.exit(0 if counts[1] <= gates / 100 and hits >= 0.95 * slowdowns else 1)


if __name__ == "__main__":
    main()
