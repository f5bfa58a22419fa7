#!/usr/bin/env python3
"""Prints the table of goals: each with its figure from this run, and whether it is met.

Figures decide nothing: the exit code is 0 whatever they are. What can't be measured here says why.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import rows


class Clock:
    """The time that is left of all."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return self.end - time.monotonic()


class Failed(Exception):
    pass


class Bench:
    def __init__(self, binaries, clock):
        self.binaries = binaries
        self.clock = clock

    def program(self, name):
        return str(self.binaries / name)

    def call(self, name, *words, wrapper=(), text=None):
        """What it prints. Failed with its last words, or when the time is over."""
        if self.clock.left() < 1:
            raise Failed("no time was left")
        argv = [*wrapper, self.program(name), *map(str, words)]
        print(f"  {self.clock.left():4.0f} s left: {name} {' '.join(map(str, words))}"[:110], file=sys.stderr)
        try:
            done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=self.clock.left())
        except subprocess.TimeoutExpired:
            raise Failed("no time was left") from None
        if done.returncode not in (0, 1) or not done.stdout:
            raise Failed((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
        return done.stdout

    def json(self, *words, **more):
        return json.loads(self.call(*words, "--json", **more))


def without_hybrid_cgroups():
    """crun refuses a machine with cgroups of both versions; in a mount namespace it may see one."""
    unified = pathlib.Path("/sys/fs/cgroup/unified")
    if os.geteuid() != 0 or not (unified / "cgroup.procs").exists() or not shutil.which("unshare"):
        return ()
    return ("unshare", "--mount", "sh", "-c", 'umount "$0" && exec "$@"', str(unified))


def batch(bench, level, jobs, in_flight):
    """A Python host that hands jobs to `ringfort batch`, beside the library's own lives."""
    with tempfile.TemporaryDirectory(prefix="ringfort-goals-") as place:
        os.chmod(place, 0o755)
        image = pathlib.Path(place, "image")
        image.mkdir()
        shutil.copy(bench.program("noop"), image / "noop")
        data = f"{place}/data"
        subprocess.run([bench.program("ringfort"), "--data-dir", data, "image", "add", "noop", str(image)], check=True)
        lines = "".join(json.dumps({"id": str(i), "cmd": ["/noop"]}) + "\n" for i in range(jobs))
        before = library_rate(bench, level, in_flight, jobs)
        begin = time.monotonic()
        out = bench.call("ringfort", "--data-dir", data, "batch", "-j", in_flight, "--isolation", level,
                         "--image", "noop", text=lines)
        took = time.monotonic() - begin
        good = sum(json.loads(line)["exit"]["code"] == 0 for line in out.splitlines())
    if good != jobs:
        raise Failed(f"{jobs - good} of {jobs} jobs failed")
    after = library_rate(bench, level, in_flight, jobs)
    return {"batch": jobs / took, "library": (before + after) / 2}


def library_rate(bench, level, in_flight, jobs):
    """A part of as many lives as there are jobs, as the machine is now."""
    value = bench.json("ringfort-bench", "lifecycle", "-n", jobs // 5, "-j", in_flight, "--level", level,
                       "--warmup", jobs // 10)
    return value["runs"][-1]["none_per_second"]


def measured(name, work):
    """The result of `work`, or the words why there is none."""
    try:
        return {name: work()}
    except (Failed, OSError, KeyError, IndexError, ValueError, subprocess.SubprocessError) as error:
        return {name: None, f"{name}_refusal": str(error) or type(error).__name__}


def lifecycles(bench, level, directory, lives):
    with tempfile.TemporaryDirectory(prefix="ringfort-goals-", dir=directory) as place:
        os.chmod(place, 0o755)
        return bench.json("ringfort-bench", "lifecycle", "-n", lives, "-j", 64, "--warmup", 5000, "--runs", 3,
                          "--level", level, "--data-dir", place)


def tmpfs():
    for directory in ("/dev/shm", "/run/shm", "/tmp"):
        if os.path.isdir(directory) and subprocess.run(
                ["stat", "-f", "-c", "%T", directory], capture_output=True, text=True).stdout.strip() == "tmpfs":
            return directory
    raise Failed("no tmpfs is mounted")


def commands(bench):
    if not shutil.which("bwrap"):
        raise Failed("bubblewrap is not installed")
    lines = [f"{bench.program('ringfort')} run -- true", "bwrap --unshare-all --ro-bind / / true"]
    return bench.json("ringfort-bench", "commands", "-n", 150, *lines)


def measure(bench, quick):
    """All figures by name. `quick` divides the numbers of lives, to try the script itself."""
    part = 20 if quick else 1
    peers = [peer for peer, program in (("bubblewrap", "bwrap"), ("crun", "crun"), ("podman", "podman"))
             if shutil.which(program)]
    before = os.getloadavg()[0]
    figures = {}
    contest = ("ringfort", "bench", "-n", 3000 // part)
    figures |= measured("namespaces", lambda: bench.json(
        *contest, "--level", "namespaces", "--peers", ",".join(peers) or "none",
        wrapper=without_hybrid_cgroups() if "crun" in peers else ()))
    figures |= measured("landlock", lambda: bench.json(*contest, "--level", "landlock", "--peers", "none"))
    figures |= measured("commands", lambda: commands(bench))
    figures |= measured("batch", lambda: batch(bench, "namespaces", 10000 // part, 64))
    figures |= measured("watchdogs", lambda: bench.json(
        "ringfort-bench", "watchdogs", "--containers", 1000 // part, "--seconds", 10 // part + 1))
    figures |= measured("messages", lambda: bench.json("ringfort-bench", "messages", "-n", 100000 // part))
    figures |= measured("clones", lambda: bench.json("ringfort-bench", "clones", "-n", 5))
    figures |= measured("burst", lambda: bench.json("ringfort-bench", "burst", "-n", 5000 // part))
    for kind, where in (("tmpfs", tmpfs), ("disk", tempfile.gettempdir)):
        for level in ("landlock", "namespaces"):
            figures |= measured(f"lives_{level}_{kind}",
                                lambda: lifecycles(bench, level, where(), 2000 // part))
    # Last: so many processes leave their marks on the caches of the kernel.
    figures |= measured("density", lambda: bench.json("ringfort-bench", "density", "-n", 10000 // part))
    figures["load"] = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where the built programs are")
    parser.add_argument("--seconds", type=float, default=570, help="for all (default 570)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the lives: to try the script")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the table there, too")
    parser.add_argument("--json", type=pathlib.Path, help="write what was measured there")
    asked = parser.parse_args()
    figures = measure(Bench(asked.bin.resolve(), Clock(asked.seconds)), asked.quick)
    table = rows.table(figures)
    print(rows.text(figures, table))
    if asked.markdown:
        asked.markdown.write_text(rows.markdown(figures, table))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
