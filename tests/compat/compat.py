"""Runs real programs in sandboxes of each level, as root and as a plain user, and says which work."""

import argparse
import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from programs import PROGRAMS

PLAIN = 4242
LEVELS = ("landlock", "namespaces", "network")
BOUND = 60


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def install():
    """What is missing of the programs; nothing of it is started."""
    wanted = sorted({package for one in PROGRAMS for package in one.packages.split()})
    missing = [one for one in wanted if subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", one], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, check=False).stdout != "installed"]
    if not missing:
        return
    print("installs:", *missing, flush=True)
    policy = "/usr/sbin/policy-rc.d"
    is_ours = not os.path.exists(policy)
    if is_ours:
        with open(policy, "w") as file:
            file.write("#!/bin/sh\nexit 101\n")
        os.chmod(policy, 0o755)
    try:
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
                       check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    finally:
        if is_ours:
            os.unlink(policy)


class User:
    """Who runs ringfort, with a home and servers outside of any sandbox."""

    def __init__(self, uid, ringfort):
        self.uid = uid
        self.name = "root" if uid == 0 else "plain"
        self.ringfort = ringfort
        self.base = tempfile.mkdtemp(prefix="ringfort-compat-")
        os.chmod(self.base, 0o755)
        self.words = {"served": free_port(), "sshd": free_port(), "keys": self.base + "/keys",
                      "login": getpass.getuser()}

    def argv(self, argv):
        if self.uid == os.geteuid():
            return argv
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups", *argv]

    def run(self, level, program):
        """None if it did its job, else the last it said."""
        words = [one.format(**self.words) for one in program.options]
        script = program.script
        for key, value in self.words.items():
            script = script.replace("{" + key + "}", str(value))
        argv = [self.ringfort, "run", "--isolation", level, *words, "--", "sh", "-c", script]
        environment = {"PATH": os.environ["PATH"], "HOME": self.base + "/home",
                       "RINGFORT_DATA_DIR": self.base + "/home/data"}
        try:
            end = subprocess.run(self.argv(argv), env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 errors="replace", timeout=BOUND, cwd=self.base, check=False)
        except subprocess.TimeoutExpired:
            return f"does not end within {BOUND} s"
        if program.says in end.stdout:
            return None
        said = [line for line in end.stderr.splitlines() + end.stdout.splitlines() if line.strip()]
        return (said[-1] if said else f"code {end.returncode}")[:100]

    @contextlib.contextmanager
    def servers(self):
        os.makedirs(self.base + "/home")
        os.makedirs(self.base + "/web")
        with open(self.base + "/web/hello", "w") as file:
            file.write("hello from outside\n")
        os.makedirs(self.base + "/keys")
        for key in ("key", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            f"{self.base}/keys/{key}"], check=True)
        shutil.copy(self.base + "/keys/key.pub", self.base + "/keys/authorized")
        for root, _, names in os.walk(self.base):
            os.chown(root, self.uid, self.uid)
            for one in names:
                os.chown(f"{root}/{one}", self.uid, self.uid)
        # The copy that the sandbox reads; the program makes it its own.
        os.chmod(self.base + "/keys/key", 0o644)
        with open(self.base + "/sshd.conf", "w") as file:
            file.write(f"Port {self.words['sshd']}\nListenAddress 127.0.0.1\nUsePAM no\n"
                       f"HostKey {self.base}/keys/host\nPidFile none\nStrictModes no\n"
                       f"PermitRootLogin prohibit-password\n"
                       f"AuthorizedKeysFile {self.base}/keys/authorized\n")
        os.makedirs("/run/sshd", exist_ok=True) if os.geteuid() == 0 else None
        started = [
            subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
                              str(self.words["served"])], cwd=self.base + "/web",
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
            # As the driver, who may let itself in.
            subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.base + "/sshd.conf"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
        try:
            for port in ("served", "sshd"):
                self.await_port(self.words[port])
            yield
        finally:
            for one in started:
                one.kill()
                one.wait()
            shutil.rmtree(self.base, ignore_errors=True)

    @staticmethod
    def await_port(port):
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def version_of(program):
    if not program.version:
        return ""
    end = subprocess.run(["sh", "-c", program.version + " 2>&1"], stdout=subprocess.PIPE, text=True,
                         errors="replace", check=False)
    lines = [line.strip() for line in end.stdout.splitlines() if line.strip()]
    return lines[0][:60].replace("|", "/") if lines else ""


def write_document(path, table, columns):
    lines = [INTRODUCTION, "",
             "| program | needs | " + " | ".join(f"{level}, {user}" for level, user in columns) + " |",
             "|---" * (len(columns) + 2) + "|"]
    notes = []
    for program, cells in table:
        words = []
        for column in columns:
            why = cells.get(column)
            if why is None:
                words.append("works")
                continue
            if column[0] == "landlock" and program.landlock:
                why = program.landlock
            elif column[0] == "network" and program.service:
                why = "nothing of the host's network is in reach at this level, by design"
            if why not in notes:
                notes.append(why)
            words.append(f"no ({notes.index(why) + 1})")
        name = f"{program.name}<br><sub>{version_of(program)}</sub>"
        lines.append(f"| {name} | {program.needs} | " + " | ".join(words) + " |")
    lines += ["", "Where it does not work:", ""]
    lines += [f"{number + 1}. {why}" for number, why in enumerate(notes)]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


INTRODUCTION = """# Programs in a sandbox

Made by `make compat DOCUMENT=docs/COMPATIBILITY.md`, which installs the programs (Debian 12) and gives each a small job (`tests/compat/programs.py`); do not edit. Nothing but what *needs* says was added to the default policy."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ringfort", required=True)
    parser.add_argument("--only", help="programs with this in their name")
    parser.add_argument("--document", help="write the table there as Markdown")
    arguments = parser.parse_args()
    ringfort = os.path.abspath(arguments.ringfort)
    install()
    programs = [one for one in PROGRAMS if not arguments.only or arguments.only in one.name]
    table = [(one, {}) for one in programs]
    columns = []
    for uid in [0, PLAIN] if os.geteuid() == 0 else [os.geteuid()]:
        user = User(uid, ringfort)
        with user.servers():
            for level in LEVELS:
                columns.append((level, user.name))
                for program, cells in table:
                    why = user.run(level, program)
                    cells[level, user.name] = why
                    print(f"{level:10} {user.name:5} {program.name:32} {why or 'works'}", flush=True)
    if arguments.document:
        write_document(arguments.document, table, columns)
    nowhere = [program.name for program, cells in table if all(cells.values())]
    print(f"{len(table)} programs; work nowhere: {', '.join(nowhere) or 'none'}")
    return 1 if nowhere else 0


if __name__ == "__main__":
    sys.exit(main())
