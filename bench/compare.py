#!/usr/bin/env python3
"""Whole lives of two builds in alternation, and the ratios of their rates with the spread.

The base is a git ref, built in a work tree of its own below build/, which is removed at the end.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE = re.compile(r"^durability (process|none)\s+(\d+) /s", re.MULTILINE)


class Worktree:
    def __init__(self, ref):
        self.ref = ref
        self.path = ROOT / "build" / "base"

    def __enter__(self):
        self.remove()
        git("worktree", "add", "--detach", str(self.path), self.ref)
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        """Also what a run left that was killed."""
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(self.path)],
                       capture_output=True, check=False)
        git("worktree", "prune")

    def build(self, jobs):
        build = self.path / "build" / "release"
        subprocess.run(["cmake", "--preset", "release"], cwd=self.path, check=True, stdout=sys.stderr)
        subprocess.run(["cmake", "--build", str(build), "--parallel", str(jobs), "--target", "ringfort-bench"],
                       check=True, stdout=sys.stderr)
        return build / "bin" / "ringfort-bench"


def git(*words):
    subprocess.run(["git", "-C", str(ROOT), *words], check=True, stdout=sys.stderr)


def rates(program, asked):
    """Lives per second by durability. The text is read, since an old build knows no --json."""
    done = subprocess.run([program, "lifecycle", "-n", str(asked.lives), "-j", str(asked.jobs), "--level",
                           asked.level, "--warmup", str(asked.warm_up)], capture_output=True, text=True, check=True)
    return {durability: float(rate) for durability, rate in RATE.findall(done.stdout)}


def ratio_line(durability, rounds):
    """Rounds of (base, new) rates as one line. Pure."""
    ratios = [new[durability] / base[durability] for base, new in rounds]
    middle = [statistics.median(side[durability] for side in sides) for sides in zip(*rounds)]
    return (f"{durability:8} {middle[0]:7.0f} /s -> {middle[1]:7.0f} /s   ratio {statistics.median(ratios):.3f}"
            f"   from {min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} rounds")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help="a git ref")
    parser.add_argument("--new", type=pathlib.Path, default=ROOT / "build/release/bin/ringfort-bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--level", default="landlock")
    parser.add_argument("-n", dest="lives", type=int, default=2000)
    parser.add_argument("-j", dest="jobs", type=int, default=64)
    parser.add_argument("--warmup", dest="warm_up", type=int, default=500)
    parser.add_argument("--build-jobs", type=int, default=2)
    asked = parser.parse_args()
    with Worktree(asked.base) as base:
        program = base.build(asked.build_jobs)
        rounds = []
        for number in range(asked.rounds):
            # Who goes first changes, as the second finds the file system as the first left it.
            pair = [(0, program), (1, asked.new)]
            found = [None, None]
            for side, which in pair if number % 2 == 0 else reversed(pair):
                found[side] = rates(which, asked)
            rounds.append(found)
            print(f"round {number + 1} of {asked.rounds}: {found[0]} -> {found[1]}", file=sys.stderr)
    print(f"{asked.base} -> this tree, level {asked.level}, {asked.lives} lives, {asked.jobs} at once")
    for durability in rounds[0][0]:
        print(ratio_line(durability, rounds))


if __name__ == "__main__":
    main()
