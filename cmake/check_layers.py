#!/usr/bin/env python3
"""Checks #include lines against the table below.

The build already refuses headers of a layer that is not linked; this finds what the compiler
would accept: third parties and kernel headers where they do not belong, and paths with "../".
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CAF, LOG = r"caf/", r"spdlog/"
KERNEL = r"(sys|linux|asm)/|(unistd|fcntl|signal|sched|poll|dirent|pwd|grp)\.h"

# folder: (layers whose headers it may include, what it must not include in angle brackets)
TABLE = {
    "specs": ("specs", (CAF, LOG, KERNEL)),
    "platform": ("specs platform", (CAF, LOG)),
    "platform/shim": ("platform/shim", (CAF, LOG, r"(string|vector|map|iostream|memory|fstream)$")),
    "messages": ("specs messages", (LOG, KERNEL)),
    "actors": ("specs platform messages actors", (KERNEL,)),
    "api": ("specs platform messages actors api", ()),
    "cli": ("specs platform messages api cli", ()),
}
INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def row_of(source):
    """The innermost folder of the table that holds the source."""
    for folder in source.relative_to(ROOT).parents:
        if folder.as_posix() in TABLE:
            return TABLE[folder.as_posix()]


def complaint(source, quoted, angled):
    allowed, forbidden = row_of(source)
    name = quoted or angled
    if "../" in name:
        return "leaves its folder; write ringfort/<layer>/<noun>.hpp"
    if name.startswith("ringfort/"):
        if not any(name.startswith(f"ringfort/{layer}/") for layer in allowed.split()):
            return f"is not below this layer; allowed are {allowed}"
    elif quoted:
        return "is not ours to quote; write ringfort/<layer>/<noun>.hpp or <...>"
    elif any(re.match(pattern, name) for pattern in forbidden):
        return "does not belong in this layer"
    return None


def main():
    count = 0
    for layer in (folder for folder in TABLE if "/" not in folder):
        for source in sorted((ROOT / layer).rglob("*.[ch]pp")):
            for number, line in enumerate(source.read_text().splitlines(), 1):
                found = INCLUDE.match(line)
                problem = found and complaint(source, *found.groups())
                if problem:
                    count += 1
                    print(f"{source.relative_to(ROOT)}:{number}: {found[1] or found[2]} {problem}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
