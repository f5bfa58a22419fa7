"""What the probes attack: files, a process, sockets, IPC objects outside of any sandbox, and a
neighbour in one. All of it belongs to the user who attacks."""

import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time

PLAIN = 4242
BOUND = 30  # seconds that any command may take


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class World:
    """Of one user; a context manager."""

    def __init__(self, ringfort, probe, uid):
        self.uid = uid
        self.ringfort_path = ringfort
        self.base = tempfile.mkdtemp(prefix="ringfort-probes-")
        os.chmod(self.base, 0o755)
        self.probe = self.base + "/probe"
        shutil.copy(probe, self.probe)
        self.home = self.base + "/home"
        self.data = self.home + "/data"
        self.files = self.base + "/w"
        self.offers = self.base + "/victim"
        os.mkdir(self.offers)
        os.mkdir(self.home)
        self.give(self.offers)
        self.give(self.home)
        self.name = os.path.basename(self.base)
        self.key = 0x52000000 + os.getpid() % 100000 * 2 + (uid != os.geteuid())
        self.port = free_port()
        self.near_key = self.key + 1000000
        self.setuid = self.base + "/raised"
        self.planted = self.base + "/planted"
        self.tools = self.base + "/tools"  # bound read-only, with a setuid program
        self.shared = self.base + "/shared"  # bound to be written
        self.victim = None

    def __enter__(self):
        shutil.copy(self.probe, self.setuid)
        os.chmod(self.setuid, 0o4755)
        os.mkdir(self.tools)
        os.mkdir(self.shared)
        self.give(self.shared)
        for name, mode in (("probe", 0o755), ("raised", 0o4755)):
            shutil.copy(self.probe, f"{self.tools}/{name}")
            os.chmod(f"{self.tools}/{name}", mode)
        self.write(self.home + "/.key", "secret\n")
        self.give(self.home + "/.key")
        self.make_files()
        self.add_layered()
        self.victim = self.start_victim()
        # So that /proc/locks has a line, whoever else holds none at the moment.
        self.lock = open(self.base + "/lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.lock.close()
        if self.victim:
            self.victim.kill()
            self.victim.wait()
        for one in ("near", "still"):
            self.ringfort("rm", "-f", one)
        self.drop_shared(self.key, self.name)
        self.drop_shared(self.near_key, "near-" + self.name)
        shutil.rmtree(self.base, ignore_errors=True)

    def give(self, path):
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.uid)

    # -------------------------------------------------------------- commands

    def as_user(self, argv):
        if self.uid == os.geteuid():
            return argv
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups"] + argv

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.home, "PROBE_SECRET": "secret",
                "RINGFORT_DATA_DIR": self.data, "TMPDIR": self.home}

    def call(self, argv, **more):
        return subprocess.run(self.as_user(argv), env=self.environment(), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=BOUND, start_new_session=True,
                              cwd=self.home, **more)

    def ringfort(self, *words, **more):
        return self.call([self.ringfort_path, *words], **more)

    def call_as(self, how, argv):
        """As `call`, with what the attempt is about in the caller's hand."""
        if how == "terminal":
            return self.call_on_terminal(argv)
        if how != "descriptors":
            return self.call(argv)
        held = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
        try:
            return self.call(argv, pass_fds=held)
        finally:
            for one in held:
                os.close(one)

    def call_on_terminal(self, argv):
        """Output alone is caught: the terminal is the controlling one."""
        master, slave = os.openpty()
        try:
            own = ["setsid", "--ctty", "--wait", *self.as_user(argv)]
            return subprocess.run(own, env=self.environment(), text=True, stdin=slave,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=BOUND,
                                  cwd=self.home, check=False)
        finally:
            os.close(master)
            os.close(slave)

    def attempt_outside(self, words, how):
        """With mounts of its own: what root mounts for the proof must not stay."""
        argv = [self.probe, *words]
        if self.uid == os.geteuid() == 0:
            argv = ["unshare", "-m", "--propagation", "private", *argv]
        return self.outcome(self.call_as(how, argv))

    @staticmethod
    def outcome(end):
        lines = end.stdout.split()
        if len(lines) == 1:
            return lines[0]
        return f"?{end.returncode} {end.stdout.strip()} {end.stderr.strip()}"

    # -------------------------------------------------------------- what is attacked

    def make_files(self):
        shutil.rmtree(self.files, ignore_errors=True)
        os.mkdir(self.files)
        for directory in ("dir", "empty", "own"):
            os.mkdir(f"{self.files}/{directory}")
        for name in ("secret", "other", "dir/inner"):
            self.write(f"{self.files}/{name}", "secret\n")
        # As ringfort keeps a container's files; the same attempts are made on its own.
        for name in ("config.json", "sandbox.sb", "pid", "stdout.log", "record", "exit", "shim"):
            self.write(f"{self.files}/own/{name}", "secret\n")
        os.setxattr(self.files + "/secret", "user.there", b"x")
        shutil.copy(self.probe, self.files + "/tool")
        os.symlink("secret", self.files + "/link")
        for root, directories, names in os.walk(self.files):
            for one in directories + names:
                if not os.path.islink(f"{root}/{one}"):
                    self.give(f"{root}/{one}")
        self.give(self.files)

    def plant(self, name):
        """A tree of an image in which `name` is a link to a directory outside."""
        shutil.rmtree(self.planted, ignore_errors=True)
        os.makedirs(os.path.dirname(f"{self.planted}/{name}"))
        shutil.copy(self.probe, self.planted + "/probe")
        os.symlink(self.files + "/dir", f"{self.planted}/{name}")

    def write(self, path, text):
        with open(path, "w") as file:
            file.write(text)

    def image(self):
        return self.data + "/images/layered/rootfs"

    def add_layered(self):
        """The files outside, once more, as an image with the probe in it."""
        tree = self.base + "/layered"
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(self.files, tree, symlinks=True)
        shutil.copy(self.probe, tree + "/probe")
        for root, directories, names in os.walk(tree):
            for one in directories + names:
                if not os.path.islink(f"{root}/{one}"):
                    self.give(f"{root}/{one}")
        self.give(tree)
        self.ringfort("image", "rm", "layered")
        added = self.ringfort("image", "add", "layered", tree)
        if added.returncode != 0:
            raise RuntimeError(added.stderr)

    def digest(self, tree=None):
        """Of names, modes, sizes, times and contents, but times of reading."""
        found = hashlib.sha256()
        for root, directories, names in os.walk(tree or self.files):
            directories.sort()
            for one in sorted(names) + ["."]:
                path = f"{root}/{one}"
                about = os.lstat(path)
                found.update(f"{path} {about.st_mode} {about.st_uid} {about.st_mtime_ns}".encode())
                if stat.S_ISREG(about.st_mode):
                    found.update(str(os.listxattr(path)).encode())
                    with open(path, "rb") as file:
                        found.update(file.read())
        return found.hexdigest()

    def start_victim(self):
        argv = self.as_user([self.probe, "victim", self.offers, self.name, str(self.port),
                             str(self.key)])
        victim = subprocess.Popen(argv, env=self.environment(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True, start_new_session=True)
        if victim.stdout.readline() != "ready\n":
            raise RuntimeError("the victim did not start")
        return victim

    def start_neighbour(self, level):
        """Returns what a prober knows of it: host pid, port, directory."""
        self.ringfort("rm", "-f", "near")
        self.drop_shared(self.near_key, "near-" + self.name)
        script = (f'exec {self.probe} victim "$TMPDIR" near-{self.name} "$PORT" '
                  f"{self.near_key}")
        made = self.ringfort("run", "-d", "--name", "near", "--isolation", level, "--port",
                             "--read", self.probe, "--", "sh", "-c", script)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        end = time.monotonic() + BOUND
        while "ready" not in self.ringfort("logs", "near").stdout:
            if time.monotonic() > end:
                raise RuntimeError("the neighbour is not ready: " + self.ringfort("logs", "near").stderr)
            time.sleep(0.05)
        self.make_volume("near")
        return json.loads(self.ringfort("inspect", "near").stdout)[0]

    def empty_shared(self):
        for name in os.listdir(self.shared):
            os.unlink(f"{self.shared}/{name}")

    def make_volume(self, name):
        """As ringfort makes a named one, with something in it."""
        for path in (self.data + "/volumes", f"{self.data}/volumes/{name}"):
            if not os.path.exists(path):
                os.mkdir(path, 0o700)
                self.give(path)
        self.write(f"{self.data}/volumes/{name}/secret", "secret\n")
        self.give(f"{self.data}/volumes/{name}/secret")

    def up_with_volumes(self, level, container, words):
        """The probe as a job whose spec binds what it is about, at the same paths as outside."""
        binds = ((self.tools, "true"), (self.files, "true"), (self.shared, "false"))
        storage = [{"type": "bind", "source": path, "target": path, "readonly": readonly == "true"}
                   for path, readonly in binds]
        storage.append({"type": "anonymous", "target": "/own"})
        service = {"rtype": "job", "image": {"name": "host"}, "network_mode": "none",
                   "command": {"entrypoint": [self.tools + "/probe", *words]}, "storage": storage}
        spec = {"version": "v1", "deployment": "probes", "services": {container: service}}
        self.write(self.home + "/spec.yaml", json.dumps(spec))
        self.give(self.home + "/spec.yaml")
        end = self.ringfort("up", "--isolation", level, "spec.yaml")
        end.stdout = end.stdout.replace(f"{container}-1 | ", "")
        return end

    def start_still(self, level):
        """One to exec into."""
        self.ringfort("rm", "-f", "still")
        made = self.ringfort("run", "-d", "--name", "still", "--isolation", level, "--read",
                             self.probe, "--", "sleep", "1000")
        if made.returncode != 0:
            raise RuntimeError(made.stderr)

    @staticmethod
    def drop_shared(key, name):
        for flag in ("-M", "-S", "-Q"):
            subprocess.run(["ipcrm", flag, str(key)], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        if os.path.exists("/dev/shm/" + name):
            os.unlink("/dev/shm/" + name)
        ctypes.CDLL(None).mq_unlink(("/" + name).encode())

