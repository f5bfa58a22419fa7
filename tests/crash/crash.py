#!/usr/bin/env python3
"""Crash points: kills each process at each system call of each operation. See README.md."""
import argparse
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import trial


def one(args, operation, target, errno, at):
    options = {"ringfort": args.ringfort, "injector": args.injector, "operation": operation,
               "target": target, "errno": errno, "at": at, "mutating": args.mutating,
               "level": args.level}
    for patience in range(5):
        run = subprocess.run([sys.executable, trial.__file__, json.dumps(options)], text=True,
                             capture_output=True)
        try:
            result = json.loads(run.stdout)
        except ValueError:
            result = {"unfit": (run.stderr.strip().splitlines() or ["says nothing"])[-1]}
            break
        if "unfit" not in result:
            return at, result
        time.sleep(patience)  # others use the machine, too
    return at, {"reached": True, "count": 0, "syscall": -1, "broken": [f"trial: {result['unfit']}"]}


def row(args, pool, generator, operation, target, errno):
    def point(at):
        return one(args, operation, target, errno, at)
    _, untouched = point(0)
    results = [(0, untouched)]
    first = generator.randrange(args.step) + 1
    results += pool.map(point, range(first, untouched["count"] + 1, args.step))
    # The number of calls varies a little: go on until one life is not reached any more.
    at = untouched["count"] + 1
    while args.step == 1 and results[-1][1]["reached"] and at < untouched["count"] + 100:
        results.append(point(at))
        at += 1
    tried = [r for r in results if r[1]["reached"]]
    broken = [r for r in results if r[1]["broken"]]
    print(f"{operation:13} {target:8} {errno or 'KILL':7} {untouched['count']:6} {len(tried):6} "
          f"{len(results) - len(broken):9} {len(broken):7}", flush=True)
    for at, result in broken:
        for text in result["broken"]:
            print(f"    at {at} (syscall {result.get('syscall')}): {text}", flush=True)
    return len(tried), len(broken)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ringfort", required=True)
    parser.add_argument("--injector", required=True)
    parser.add_argument("--step", type=int, default=1, help="try each STEP-th point")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--mutating", action="store_true", help="only calls that change something")
    parser.add_argument("--level", default="landlock", choices=["landlock", "namespaces"])
    parser.add_argument("--operation", action="append", choices=list(trial.OPERATIONS))
    parser.add_argument("--target", action="append", choices=["command", "zygote", "shim"])
    parser.add_argument("--errno", action="append", default=None,
                        help="KILL (default), ENOSPC, EIO, EMFILE, EAGAIN or EINTR")
    parser.add_argument("--at", type=int, help="this point only")
    parser.add_argument("-j", type=int, default=3)
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("crash points are skipped: zygote and shim can only be traced by root")
        return 77
    print(f"level {args.level}, seed {args.seed}, each {args.step}. point")
    print("operation     process  fault    calls  tried  survived  broken")
    generator, tried, broken = random.Random(args.seed), 0, 0
    with ThreadPoolExecutor(args.j) as pool:
        for operation in args.operation or trial.OPERATIONS:
            for target in trial.TARGETS[operation]:
                if args.target and target not in args.target:
                    continue
                for errno in args.errno or ["KILL"]:
                    name = None if errno == "KILL" else errno
                    if args.at is not None:
                        print(one(args, operation, target, name, args.at))
                        continue
                    more, bad = row(args, pool, generator, operation, target, name)
                    tried, broken = tried + more, broken + bad
    print(f"{tried} points tried, {broken} broken")
    return 0 if broken == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
