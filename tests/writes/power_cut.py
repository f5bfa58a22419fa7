"""Power cuts at each step of a traced run: what may be on the disk then, and what recovery makes
of it. See README.md. Prints what was tried; exit code 1 if something is broken."""
import argparse
import ctypes
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import uuid

import disk
import replay
import syscalls

BOOT_ID = "/proc/sys/kernel/random/boot_id"
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 4096, 16384, 1 << 18, 2
BOUND = 20  # seconds that any command may take
DONE = "".join(f"\\x{byte:02x}" for byte in b"done\n")
LIBC = ctypes.CDLL(None, use_errno=True)
FULL = ["--isolation", "LEVEL", "--durability", "full"]
EXITS = ["--", "sh", "-c", "exit 7"]
RESTS = ["--", "sleep", "9999"]

# Each step: its command, whom it is about, what is promised while it runs, and what from its
# success on. "exit" None = the code that `inspect` tells then.
THERE, GONE = {"there": True}, {"gone": True}
RUNS = dict(THERE, runs=True)  # until the power cut: nobody knows how it would have ended
STEPS = [
    (["create", *FULL, "--name", "a", *EXITS], "a-1", {}, dict(THERE, starts=7)),
    (["start", "a"], "a-1", THERE, THERE),
    (["wait", "a"], "a-1", THERE, dict(THERE, exit=7)),
    (["run", "-d", *FULL, "--name", "b", *RESTS], "b-1", {}, RUNS),
    (["stop", "-t", "1", "b"], "b-1", THERE, dict(THERE, exit=None)),
    (["start", "a"], "a-1", THERE, THERE),
    (["wait", "a"], "a-1", THERE, dict(THERE, exit=7)),
    (["start", "b"], "b-1", THERE, RUNS),
    (["rm", "-f", "b"], "b-1", {}, GONE),
    (["rm", "a"], "a-1", {}, GONE),
    (["image", "add", "pic", "IMAGE"], "pic", {}, {"image": True}),
    (["create", *FULL, "--name", "c", "--image", "pic", "--", "/bin/none"], "c-1", {},
     dict(THERE, rootfs=True)),
    (["run", "-d", *FULL, "--name", "b", *EXITS], "b-1", {}, THERE),
    (["wait", "b"], "b-1", THERE, dict(THERE, exit=7)),
    (["run", "-d", *FULL, "--name", "d", *RESTS], "d-1", {}, RUNS),
]


class Place:
    def __init__(self, ringfort, level, directory):
        self.ringfort, self.level, self.dir = ringfort, level, directory
        self.data, self.image = directory + "/data", directory + "/image"
        # No cgroups: those of the traced run would have the same names.
        self.env = dict(os.environ, HOME=directory, RINGFORT_DATA_DIR=self.data,
                        RINGFORT_TEST_NO_CGROUP="1")

    def run(self, *words):
        known = {"IMAGE": self.image, "LEVEL": self.level}
        words = [known.get(word, word) for word in words]
        try:
            return subprocess.run([self.ringfort, *words], env=self.env, text=True, timeout=BOUND,
                                  capture_output=True, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, -1, "", "hangs")


def drive(place, lives):
    """The traced half: the steps, with marks in a file of their own."""
    os.umask(0o022)
    marks = os.open(place.dir + "/marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for words, subject, during, after in STEPS:
        os.write(marks, json.dumps([subject, during]).encode() + b"\n")
        done = place.run(*words)
        if done.returncode != 0:
            sys.exit(f"`{' '.join(words)}` ends with {done.returncode}: {done.stderr.strip()}")
        after = dict(after)
        if "exit" in after:
            shown = json.loads(place.run("inspect", subject).stdout)[0]["exit"]["code"]
            if after["exit"] not in (None, shown):
                sys.exit(f"`{' '.join(words)}`: the exit code is {shown}")
            after["exit"] = shown
        os.write(marks, json.dumps([subject, after]).encode() + b"\n")
    if lives:
        subprocess.run([lives, place.level, place.data, place.dir + "/marks"], check=True,
                       env=place.env, stdin=subprocess.DEVNULL)
    os.write(marks, b"done\n")


def record(place, script, lives):
    """Runs the steps under strace. The last container goes on, as does its strace."""
    out = place.dir + "/trace"
    more = ["--lives", lives] if lives else []
    tracer = subprocess.Popen([*syscalls.STRACE, "-o", out, sys.executable, script, "--drive",
                               place.dir, "--ringfort", place.ringfort, "--level", place.level,
                               *more])
    end = time.monotonic() + 60
    while time.monotonic() < end and tracer.poll() is None:
        time.sleep(0.05)
        if not os.path.exists(out):
            continue
        with open(out) as file:
            text = file.read()
        text = text[:text.rfind("\n") + 1]
        if DONE in text:
            return tracer, list(syscalls.read(text.splitlines()))
    raise syscalls.Surprise("the traced run fails")


# ------------------------------------------------------------------ one state

def mount(source, target, kind, flags, data=None):
    words = [w.encode() if w else None for w in (source, target, kind)]
    if LIBC.mount(*words, ctypes.c_ulong(flags), data.encode() if data else None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {target}")


def enter_other_boot(boot_file):
    """In a mount namespace of this worker's own: another boot id."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if LIBC.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(boot_file, BOOT_ID, None, MS_BIND)


class Check:
    def __init__(self, place, facts):
        self.place, self.facts, self.broken = place, facts, []

    def need(self, *words):
        done = self.place.run(*words)
        if done.returncode != 0:
            self.broken.append(f"`{' '.join(words)}` ends with {done.returncode}: "
                               f"{done.stderr.strip()}")
        return done.stdout

    def listed(self):
        try:
            return {one["id"]: one for one in json.loads(self.need("ps", "-a", "--json"))}
        except ValueError:
            self.broken.append("`ps -a --json` prints no JSON")
            return {}

    def same_as_image(self, path):
        try:
            with open(f"{path}/rootfs/bin/file") as file, \
                    open(self.place.image + "/bin/file") as source:
                return file.read() == source.read()
        except OSError:
            return False

    def run(self):
        known = self.listed()
        for one in known.values():
            if one.get("damaged"):
                self.broken.append(f"the record of {one['id']} is damaged")
            if one["state"] in ("running", "paused"):
                self.broken.append(f"{one['id']} of another boot is {one['state']}")
        for name, facts in self.facts.items():
            self.check(name, facts, known)
        for name in os.listdir(self.place.data + "/images") if os.path.isdir(
                self.place.data + "/images") else []:
            shown = name in self.need("image", "ls")
            if shown and not self.same_as_image(f"{self.place.data}/images/{name}"):
                self.broken.append(f"image {name} is shown and not whole")
        self.clean(known)
        return self.broken

    def check(self, name, facts, known):
        if facts.get("gone") and name in known:
            self.broken.append(f"an acknowledged removal is undone: {name}")
        if facts.get("image") and name not in self.need("image", "ls"):
            self.broken.append(f"an acknowledged image is lost: {name}")
        if not facts.get("there"):
            return
        if name not in known:
            self.broken.append(f"an acknowledged container is lost: {name}")
            return
        self.need("inspect", name)
        exit_of = known[name].get("exit") or {}
        if "exit" in facts and (exit_of.get("code") != facts["exit"] or
                                exit_of.get("known") is False):
            self.broken.append(f"an acknowledged exit is lost: {name}: {exit_of}")
        if "runs" in facts and exit_of.get("known") is not False:
            self.broken.append(f"the end of an earlier life is taken for this one's: {name}: "
                               f"{exit_of}")
        if facts.get("rootfs") and not self.same_as_image(
                f"{self.place.data}/containers/{name}"):
            self.broken.append(f"the files of {name} are not its image's")
        if "starts" in facts:
            self.need("start", name)
            code = self.need("wait", name).strip()
            if code != str(facts["starts"]):
                self.broken.append(f"{name} ends with {code}")

    def clean(self, known):
        for name in known:
            gone = self.place.run("rm", "-f", name)
            # A removal that was begun is finished by whoever comes first.
            if gone.returncode != 0 and "no container" not in gone.stderr:
                self.broken.append(f"`rm -f {name}` fails: {gone.stderr.strip()}")
        self.need("prune")
        if self.listed():
            self.broken.append("a container outlives `rm -f` and `prune`")
        end = time.monotonic() + 5
        while self.left() and time.monotonic() < end:
            time.sleep(0.02)
        if self.left():
            self.broken.append(f"left: {' '.join(self.left())}")

    def left(self):
        found = []
        for folder in ("containers", "state", "state/owners", ".staging", ".trash"):
            path = f"{self.place.data}/{folder}"
            if os.path.isdir(path):
                found += [f"{folder}/{n}" for n in os.listdir(path) if n != "owners"]
        return found


def try_state(job):
    place, tree, facts = job
    mount("tmpfs", place.data, "tmpfs", 0, "mode=0711")
    try:
        disk.write_out(tree, place.data)
        return Check(place, facts).run()
    finally:
        LIBC.umount2(place.data.encode(), MNT_DETACH)


# ------------------------------------------------------------------ all of them

def states(calls, place, args):
    """(number and text of the call, way, tree, facts) for each prefix that is tried."""
    disks, facts, marks = replay.Replay(place.data, args.forget), {}, place.dir + "/marks"
    first, count = random.Random(args.seed).randrange(args.every), 0
    for call in calls:
        if call.name == "write" and call.path_of(0) == marks:
            said = call.text(1).decode()
            if said == "done\n":
                return
            subject, now = json.loads(said)
            facts = dict(facts, **{subject: now})
        elif not disks.apply(call):
            continue
        count += 1
        if count % args.every != first:
            continue
        path = (call.path_of(0) if call.arguments else None) or ""
        text = f"{count} ({call.name} {path.removeprefix(place.dir + '/')})"
        yield text, "all of it", disks.disk.all_written(), facts
        yield text, "what was synced", disks.disk.only_synced(), facts
        for mix in range(args.mixes):
            some = random.Random(f"{args.seed} {count} {mix}")
            yield text, f"mix {mix}", disks.disk.some_of_it(some), facts
    raise syscalls.Surprise("the trace ends too early")


def distinct(found, tally):
    seen, before = set(), None
    for text, way, tree, facts in found:
        tally["prefixes"] += text != before
        tally["states"] += 1
        before = text
        key = hashlib.sha256(repr((tree, sorted(facts.items()))).encode()).digest()
        if key not in seen:
            seen.add(key)
            yield text, way, tree, facts


def alive(pid, ticks):
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            return fields[0] not in "ZXT" and fields[19] == ticks
    except OSError:
        return False


def bystanders(place):
    """Shim and program of the container that goes on; the records on trial name them."""
    with open(place.data + "/state/d-1/shim", "rb") as file:
        shim, main = struct.unpack_from("<ii", file.read(), 16)  # wire::ShimRecord
    found = []
    for pid in (shim, main):
        with open(f"/proc/{pid}/stat") as file:
            found.append((pid, file.read().rsplit(")", 1)[1].split()[19]))
    return found


def replay_all(place, args, calls):
    boot_file = place.dir + "/boot_id"
    with open(boot_file, "w") as file:
        file.write(str(uuid.uuid4()) + "\n")
    lives = bystanders(place)
    tally, broken = {"prefixes": 0, "states": 0, "distinct": 0}, []
    jobs = [(text, way, (place, tree, facts))
            for text, way, tree, facts in distinct(states(calls, place, args), tally)]
    with multiprocessing.Pool(args.j, enter_other_boot, (boot_file,)) as pool:
        found = pool.imap(try_state, [job for _, _, job in jobs])
        for (text, way, _), bad in zip(jobs, found):
            tally["distinct"] += 1
            if bad:
                broken.append((text, way, bad))
                print(f"    after call {text}, {way}: {'; '.join(bad)}", flush=True)
    for pid, ticks in lives:
        if not alive(pid, ticks):
            broken.append("signalled")
            print(f"    process {pid}, of before the power cut, was signalled")
    print(f"{tally['prefixes']} prefixes tried, {tally['states']} states, of these "
          f"{tally['distinct']} distinct, {len(broken)} broken", flush=True)
    return len(broken)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ringfort", required=True)
    parser.add_argument("--lives", type=os.path.abspath,
                        help="power_cut_lives: lives in one supervisor, too")
    parser.add_argument("--level", default="landlock", choices=["landlock", "namespaces"])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--every", type=int, default=1, help="try each Nth prefix")
    parser.add_argument("--mixes", type=int, default=3, help="random states at each prefix")
    parser.add_argument("--forget", help="ignore syncs that match, such as 'fsync .*/state$'")
    parser.add_argument("--expect-broken", action="store_true", help="succeed if some are")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.ringfort = os.path.abspath(args.ringfort)
    if args.drive:
        return drive(Place(args.ringfort, args.level, args.drive), args.lives)
    if os.geteuid() != 0 or shutil.which("strace") is None:
        print("power cuts are skipped: they need root and strace")
        return 77
    print(f"{args.level}, seed {args.seed}, each {args.every}. prefix, {args.mixes} mixes", flush=True)
    place = Place(args.ringfort, args.level, tempfile.mkdtemp(prefix="rf-power-"))
    os.chmod(place.dir, 0o755)
    os.makedirs(place.image + "/bin")
    with open(place.image + "/bin/file", "w") as file:
        file.write("x" * 5000)
    tracer = None
    try:
        tracer, calls = record(place, os.path.abspath(__file__), args.lives)
        broken = replay_all(place, args, calls)
        return int((broken == 0) == args.expect_broken)
    finally:
        place.run("rm", "-f", "d")
        if tracer is not None:
            tracer.wait(BOUND)
        shutil.rmtree(place.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
