"""One crash point: set up, inject, recover, and check what must hold. Prints JSON."""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PWRITE64 = 18  # x86-64
OPENAT = 257
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
BOUND = 20  # seconds that any recovering command may take


def loop(token):
    return ["sh", "-c", 'trap "exit 3" USR1; while :; do sleep 0.02; done', token]


def rest(token):
    return ["sleep", "9999", "0." + token]


LINES = 1500


def printer(token):
    text = "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i %s; done" % (LINES, "x" * 100)
    return ["sh", "-c", text, token]


# name: (commands before, the operation, whether its printed id acknowledges a container)
# In each list "C" stands for the container's name.
OPERATIONS = {
    "create": ([], ["create", "--name", "C", "--", rest], True),
    "run": ([], ["run", "-d", "--name", "C", "--", rest], True),
    "start": ([["create", "--name", "C", "--", rest]], ["start", "C"], False),
    "exit": ([["run", "-d", "--name", "C", "--", loop]], ["kill", "-s", "USR1", "C"], False),
    "stop": ([["run", "-d", "--name", "C", "--", loop]], ["stop", "-t", "1", "C"], False),
    "remove": ([["run", "-d", "--name", "C", "--", "true"], ["wait", "C"]], ["rm", "C"], False),
    "remove-force": ([["run", "-d", "--name", "C", "--", rest]], ["rm", "-f", "C"], False),
    "adopt": ([["run", "-d", "--name", "C", "--", rest]], ["ps", "-a", "--json"], False),
    "restart": ([["run", "-d", "--name", "C", "--", "true"], ["wait", "C"]], ["start", "C"], False),
    "rotate": ([], ["run", "-d", "--log-size", "32Ki", "--log-files", "20", "--name", "C", "--",
                    printer], True),
    "image-add": ([], ["image", "add", "pic", "IMAGE"], False),
}
# A shim that lives before the operation begins is found by its container.
LIVE_SHIM = {"exit", "stop", "remove-force"}
LIVES_BEFORE = LIVE_SHIM | {"adopt"}
TARGETS = {
    "create": ["command"], "run": ["command", "zygote", "shim"],
    "start": ["command", "zygote", "shim"], "restart": ["command", "zygote", "shim"],
    "exit": ["command", "shim"], "stop": ["command", "shim"], "remove": ["command"],
    "remove-force": ["command", "shim"], "adopt": ["command"], "rotate": ["shim"],
    "image-add": ["command"],
}


class Unfit(Exception):
    """The machine has no processes or threads left for the trial itself: no verdict."""


def eventually(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def processes():
    """pid -> (parent, state, comm, argv)"""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                text = file.read()
            with open(f"/proc/{name}/cmdline", "rb") as file:
                argv = file.read().split(b"\0")[:-1]
        except OSError:
            continue
        rest_of = text[text.rindex(")") + 2:].split()
        comm = text[text.index("(") + 1:text.rindex(")")]
        found[int(name)] = (int(rest_of[1]), rest_of[0], comm, [a.decode(errors="replace") for a in argv])
    return found


def descendants(of):
    table, found, todo = processes(), [], [of]
    while todo:
        parent = todo.pop()
        kids = [pid for pid, row in table.items() if row[0] == parent]
        found += [(pid, table[pid]) for pid in kids]
        todo += kids
    return found


class Trial:
    def __init__(self, options):
        self.o = options
        self.broken = []
        self.dir = tempfile.mkdtemp(prefix="rf-crash-")
        os.chmod(self.dir, 0o755)
        self.data = self.dir + "/data"
        self.token = str(os.getpid()) + str(time.time_ns() % 100000).zfill(5)
        self.name = "c" + self.token
        self.id = self.name + "-1"
        self.image = self.dir + "/image"
        os.makedirs(self.image + "/bin")
        with open(self.image + "/bin/file", "w") as file:
            file.write("x" * 1000)
        self.env = dict(os.environ, HOME=self.dir, RINGFORT_DATA_DIR=self.data)

    def words(self, template):
        made = []
        for word in template:
            if word == "--name":
                made += ["--isolation", self.o["level"], "--port"]
            if callable(word):
                made += word(self.token)
            else:
                made.append({"C": self.name, "IMAGE": self.image}.get(word, word))
        return made

    def ringfort(self, *words, prefix=()):
        try:
            return subprocess.run([*prefix, self.o["ringfort"], *words], env=self.env, text=True,
                                  capture_output=True, timeout=BOUND, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            self.fail(f"`{' '.join(words)}` hangs")
            return subprocess.CompletedProcess(words, -1, "", "hangs")

    def fail(self, text):
        # Whoever speaks here was not injected into.
        if "allows no more threads" in text or "cannot fork" in text.lower():
            raise Unfit(text)
        self.broken.append(text)

    def need(self, *words):
        done = self.ringfort(*words)
        if done.returncode != 0:
            self.fail(f"`{' '.join(words)}` ends with {done.returncode}: {done.stderr.strip()}")
        return done

    def listed(self):
        done = self.need("ps", "-a", "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            self.fail("`ps -a --json` prints no JSON")
            return []

    def mains(self):
        """Main programs: they carry the token, and their parent does not."""
        table = processes()
        ours = {pid for pid, row in table.items() if row[1] not in "ZX" and row[3] and
                row[3][-1].endswith(self.token) and row[3][0] in ("sh", "sleep")}
        return [pid for pid in ours if table[pid][0] not in ours]

    def shim(self):
        for pid, row in descendants(os.getpid()):
            if row[2] == "ringfort-shim":
                return pid
        return None

    def inject(self, template):
        report = self.dir + "/report"
        prefix = [self.o["injector"], "--at", str(self.o["at"]), "--report", report,
                  "--timeout", str(BOUND - 5)]
        if self.o["operation"] in LIVE_SHIM and self.o["target"] == "shim":
            prefix += ["--pid", str(self.shim())]
        else:
            prefix += ["--target", self.o["target"]]
        if self.o.get("mutating"):
            prefix.append("--mutating")
        if self.o["operation"] == "rotate":
            prefix += ["--linger", "5000"]  # until the program has printed all
        if self.o.get("errno"):
            prefix += ["--errno", self.o["errno"]]
        done = self.ringfort(*self.words(template), prefix=prefix + ["--"])
        try:
            with open(report) as file:
                return done, json.load(file)
        except (OSError, ValueError):
            self.fail(f"the injector fails: {done.stderr.strip()}")
            return done, {"reached": False, "count": 0, "code": -1, "timed_out": False}

    def check_operation(self, done, report):
        if report["timed_out"]:
            self.fail("the operation hangs")
        if not self.o.get("errno"):
            return
        if report["code"] >= 128 and report["code"] != 255:
            self.fail(f"the operation dies of signal {report['code'] - 128}")
        if report["code"] != 0 and not done.stderr.strip():
            self.fail(f"the operation ends with {report['code']} and says nothing")

    def check_recovered(self, done, acknowledges):
        known = {one["id"]: one for one in self.listed()}
        container = self.id
        setup = OPERATIONS[self.o["operation"]][0]
        acknowledged = (acknowledges and container in done.stdout) or bool(setup)
        removing = self.o["operation"].startswith("remove")
        state = known.get(container, {}).get("state", "removing")
        if acknowledged and not removing and state == "removing":
            self.fail("an acknowledged container is lost")
        if self.o["operation"] == "remove" and container in known:
            if (known[container].get("exit") or {}).get("code") != 0:
                self.fail(f"an acknowledged exit is lost: {known[container].get('exit')}")
        if removing and self.code == 0 and container in known:
            self.fail("an acknowledged removal is undone")
        self.check_exit(container)
        if len(self.mains()) > 1:
            self.fail("two main programs run")
        if any(one.get("damaged") for one in known.values()):
            self.fail("a record is damaged")

        def adopted_or_dead():
            states = {one["id"]: one["state"] for one in self.listed()}
            return not self.mains() or states.get(container) in ("running", "paused", "stopping")
        if not eventually(adopted_or_dead):
            self.fail("a live program belongs to no container")
        for one in known:
            # A removal that was begun may be finished between the two commands.
            shown = self.ringfort("inspect", one)
            going = removing or known[one]["state"] == "removing"
            if shown.returncode != 0 and not (going and "no container" in shown.stderr):
                self.fail(f"`inspect {one}` ends with {shown.returncode}: {shown.stderr.strip()}")
        self.check_port(known.get(container))
        if self.o["operation"] == "rotate" and container in known:
            self.check_log()

    def check_port(self, container):
        """A port is one container's, whether it runs or not."""
        if not container or not container.get("port") or container["state"] == "removing":
            return
        other = self.name + "o"
        self.need("create", "--port", "--name", other, "--", "true")
        ports = {one["id"]: one.get("port") for one in self.listed()}
        if ports.get(other + "-1") == container["port"]:
            self.fail(f"two containers have port {container['port']}")
        self.need("rm", other)

    def check_log(self):
        """What was written is there, whole lines in order, until the shim was killed."""
        def ended():
            return all(one["state"] not in ("starting", "running") for one in self.listed())
        if not eventually(ended, BOUND):
            self.fail("it does not end")
        text = self.need("logs", self.name).stdout
        numbers = [int(n) for n in re.findall(r"^line (\d+) x{100}$", text, re.M)]
        if self.o.get("errno"):
            # A disk that fails may cost lines, which is said; none comes twice.
            if numbers != sorted(set(numbers)):
                self.fail("a line is repeated, or out of its order")
        elif numbers != list(range(1, len(numbers) + 1)):
            self.fail(f"a line is lost or repeated: {len(numbers)} lines, the last is {numbers[-1:]}")
        if not self.reached and len(numbers) != LINES:
            self.fail(f"only {len(numbers)} of {LINES} lines are there")

    def check_exit(self, container):
        """A request that was acknowledged, to a shim that was left alone, has its effect."""
        hurt = self.o["target"] != "command" and self.reached
        if self.code != 0 or hurt:
            return
        operation = self.o["operation"]
        if operation == "exit":
            waited = self.need("wait", self.name)
            if waited.stdout.strip() != "3":
                self.fail(f"the exit code 3 is lost: {waited.stdout.strip()}")
        elif operation in ("run", "start") and not eventually(self.mains):
            self.fail("an acknowledged start runs nothing")
        elif operation == "stop" and self.mains():
            self.fail("an acknowledged stop stopped nothing")

    def check_clean(self):
        for one in self.listed():
            gone = self.ringfort("rm", "-f", one["id"])
            if gone.returncode != 0 and "no container" not in gone.stderr:
                self.fail(f"`rm -f` ends with {gone.returncode}: {gone.stderr.strip()}")
        self.need("prune")
        if self.listed():
            self.fail("a container outlives `rm -f` and `prune`")
        if self.o["operation"] == "image-add":
            again = self.ringfort("image", "add", "pic", self.image)
            if again.returncode != 0 and "pic" not in self.ringfort("image", "ls").stdout:
                self.fail(f"the image's name is not usable: {again.stderr.strip()}")
            self.need("image", "rm", "pic")
        self.need("run", "-d", "--name", self.name, "--", "true")
        waited = self.need("wait", self.name)
        if waited.stdout.strip() != "0":
            self.fail(f"the name's next container ends with {waited.stdout.strip()}")
        self.need("rm", self.name)
        if not eventually(lambda: not self.left()):
            self.fail(f"left: {' '.join(self.left())}")
        table = self.data + "/.ports"
        if os.path.exists(table):
            with open(table, "rb") as file:
                # A byte that cannot be cleared, in a table that cannot be opened say, costs a port
                # until the range is used up.
                may_stay = self.o.get("errno") and self.syscall in (PWRITE64, OPENAT)
                if any(file.read()) and not may_stay:
                    self.fail("a port is marked as taken, and nobody has it")
        if not eventually(lambda: not self.strays()):
            self.fail(f"left processes: {self.strays()}")

    def left(self):
        found = []
        for folder in ("containers", "state", "state/owners", ".staging", ".trash", "images"):
            path = f"{self.data}/{folder}"
            if os.path.isdir(path):
                found += [f"{folder}/{n}" for n in os.listdir(path) if n != "owners"]
        for top in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/ringfort",
                    "/sys/fs/cgroup/memory/ringfort"):
            if os.path.isdir(top):
                found += [f"{top}/{n}" for n in os.listdir(top) if self.name in n]
        return found

    def strays(self):
        while True:  # as the subreaper: what orphans end as is ours to reap
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self.bystander:
                self.fail("a bystander was killed")
        return [(pid, row[2]) for pid, row in descendants(os.getpid()) if pid != self.bystander]

    def run(self):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        setup, operation, acknowledges = OPERATIONS[self.o["operation"]]
        self.bystander = os.fork()
        if self.bystander == 0:
            os.execvp("sleep", ["sleep", "999"])
        try:
            for words in setup:
                self.need(*self.words(words))
            if self.o["operation"] in LIVES_BEFORE and not eventually(self.mains):
                self.fail("the program did not begin")
            if self.broken:
                raise Unfit("; ".join(self.broken))
            done, report = self.inject(operation)
            self.code, self.reached, self.syscall = (
                report["code"], report["reached"], report.get("syscall"))
            self.check_operation(done, report)
            self.check_recovered(done, acknowledges)
            self.check_clean()
            if os.path.exists(f"/proc/{self.bystander}"):
                with open(f"/proc/{self.bystander}/stat") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] in "TZ":
                        self.fail("a bystander was signalled")
            return dict(report, broken=self.broken)
        finally:
            for pid, _ in descendants(os.getpid()):
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.dir, ignore_errors=True)


if __name__ == "__main__":
    # The driver's end is ours: what we began is ended in `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    try:
        print(json.dumps(Trial(json.loads(sys.argv[1])).run()))
    except (Unfit, BlockingIOError) as error:
        print(json.dumps({"unfit": str(error)}))
