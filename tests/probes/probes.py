"""Tries to get out: each attempt outside of a sandbox, where it must succeed, and in a sandbox of
each level, as root and as a plain user. An attempt that comes about and is not documented fails.
"""

import argparse
import os
import sys

import rows_kernel
import rows_network
import rows_reach
from report import Cell, print_report, write_document
from world import PLAIN, World, free_port

LEVELS = ("landlock", "namespaces", "network")
# What a machine answers that does not have the thing at all.
LACKING = {"ENOSYS", "ENOENT", "ENODEV", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ENXIO", "EIO",
           "ESOCKTNOSUPPORT", "EOPNOTSUPP", "ENOPROTOOPT", "ENOTDIR", "SIGSEGV", "ESRCH"}


class Battery:
    """All attempts of one user."""

    def __init__(self, world, user):
        self.world = world
        self.user = user
        self.before = None
        self.count = 0

    def names(self, near, container=None):
        world = self.world
        own = world.files + "/own"
        names = {
            "w": world.files, "home": world.home, "data": world.data, "offers": world.offers,
            "victim": world.victim.pid, "port": world.port, "name": world.name, "key": world.key,
            "free": free_port(), "scratch": ".", "own": own, "state": own,
            "setuid": world.setuid, "near": world.offers, "near_pid": world.victim.pid,
            "near_port": world.port, "near_key": world.near_key, "planted": world.planted,
            "tools": world.tools, "shared": world.shared, "image": world.image(), "root": world.files,
            "upper": own,
        }
        if container:
            names["own"] = f"{world.data}/containers/{container}-1"
            names["state"] = f"{world.data}/state/{container}-1"
            names["upper"] = names["own"] + "/overlay"
        if near:
            names.update(near=f"{world.data}/containers/near-1/tmp", near_pid=near["pid"],
                         near_port=near["port"])
        return names

    def settle(self):
        """Makes the files anew if the attempt before has changed them; has it?"""
        has_changed = self.before is not None and self.world.digest() != self.before
        if has_changed or self.before is None:
            self.world.make_files()
            self.before = self.world.digest()
        return has_changed

    def outside(self, row, near=None):
        if row.how == "image":
            self.world.plant(*row.options)
        self.world.empty_shared()
        words = (row.control or row.words).format(**self.names(near)).split()
        outcome = self.world.attempt_outside(words, row.how)
        self.settle()
        return outcome

    def inside(self, row, level, near):
        """The outcome, and whether it has changed files outside."""
        self.count += 1
        container = f"p{self.count}"
        if row.how == "image":
            return self.inside_image(row, level, container)
        if row.how in ("overlay", "layer"):
            return self.inside_overlay(row, level, container)
        names = self.names(near, container)
        words = row.words.format(**names).split()
        options = [one.format(**names) for one in row.options]
        start = ["--isolation", level, "--read", self.world.probe, *options]
        program = ["--", self.world.probe, *words]
        if row.how == "exec":
            end = self.world.ringfort("exec", "still", self.world.probe, *words)
        elif row.how == "volume":
            self.world.empty_shared()
            end = self.world.up_with_volumes(level, container, words)
        elif row.how == "detached":
            end = self.world.ringfort("run", "-d", "--name", container, *start, *program)
            if end.returncode == 0:
                self.world.ringfort("wait", container)
                end = self.world.ringfort("logs", container)
                self.world.ringfort("rm", "-f", container)
        else:
            end = self.world.call_as(row.how, [self.world.ringfort_path, "run", *start, *program])
        outcome = self.world.outcome(end)
        return outcome, self.settle()

    def inside_image(self, row, level, container):
        """As if the attempt had failed, unless files outside have changed."""
        world = self.world
        world.plant(*row.options)
        world.ringfort("image", "rm", "planted")
        added = world.ringfort("image", "add", "planted", world.planted)
        if added.returncode == 0:
            root = f"{world.data}/containers/{container}-1/rootfs" if level == "landlock" else ""
            world.ringfort("run", "-d", "--name", container, "--isolation", level, "--image", "planted",
                           "--", "/probe", *row.words.format(planted=root).split())
            world.ringfort("wait", container)
            world.ringfort("rm", "-f", container)
        has_changed = self.settle()
        return "ok" if has_changed else "unchanged", has_changed

    def inside_overlay(self, row, level, container):
        """In one container, twice: its second start finds what the first has left."""
        world = self.world
        before = world.digest(world.image())
        names = self.names(None, container)
        names["root"] = names["own"] + "/rootfs" if level == "landlock" else ""
        mode = "visible" if level == "landlock" else "overlay"
        world.ringfort("run", "-d", "--name", container, "--isolation", level, "--image", "layered",
                       "--rootfs", mode, "--", "/probe", *row.words.format(**names).split())
        world.ringfort("wait", container)
        outcome = world.outcome(world.ringfort("logs", container))
        world.ringfort("start", container)  # the work directory, and what was written, are used again
        world.ringfort("wait", container)
        world.ringfort("rm", "-f", container)
        has_changed = world.digest(world.image()) != before
        if has_changed:
            world.add_layered()
        if row.how == "layer":
            outcome = "ok" if has_changed else "unchanged"
        return outcome, has_changed or self.settle()


def refusal(world, level):
    """Why this user can't have the level here, or None."""
    end = world.ringfort("run", "--isolation", level, "--", "true")
    return None if end.returncode == 0 else end.stderr.strip()


def try_user(arguments, uid, all_rows, table, notes):
    user = "root" if uid == 0 else "plain"
    with World(arguments.ringfort, arguments.probe, uid) as world:
        battery = Battery(world, user)
        battery.settle()
        for level in LEVELS:
            why = refusal(world, level)
            if why:
                notes.append(f"{level} as {user}: {why}")
                continue
            near = world.start_neighbour(level)
            world.start_still(level)
            for number, row in enumerate(all_rows):
                if arguments.only and arguments.only not in row.words:
                    continue
                control = battery.outside(row, near)
                outcome, has_changed = battery.inside(row, level, near)
                cell = Cell(level, user, control, outcome, has_changed)
                table.setdefault(number, []).append(cell)
                if sys.stderr.isatty():
                    print(f"\r{level} {user} {number + 1}/{len(all_rows)} ", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ringfort", required=True)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--only", help="attempts with this in their words")
    parser.add_argument("--document", help="write the table there as Markdown")
    arguments = parser.parse_args()
    arguments.ringfort = os.path.abspath(arguments.ringfort)

    all_rows = rows_reach.rows() + rows_kernel.rows() + rows_network.rows()
    table, notes = {}, []
    users = [0, PLAIN] if os.geteuid() == 0 else [os.geteuid()]
    for uid in users:
        try_user(arguments, uid, all_rows, table, notes)
    faults = print_report(all_rows, table, notes, LACKING)
    if arguments.document:
        write_document(arguments.document, all_rows, table, notes, LACKING)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
