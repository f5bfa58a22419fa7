"""What strace(1) saw of a data directory: calls that change files or make them durable."""
import re

CALLS = ("open,openat,openat2,write,pwrite64,writev,pwritev,ftruncate,truncate,fsync,fdatasync,"
         "syncfs,sync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,"
         "mkdir,mkdirat,rmdir,fallocate,copy_file_range,sendfile,ioctl,chmod,fchmod,fchmodat,"
         "chown,lchown,fchown,fchownat,bind")
# All strings in hex and whole; descriptors with their paths at the time of the call.
STRACE = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-qq", "-e", "trace=" + CALLS]


class Surprise(Exception):
    """The trace says something that this model does not understand: no verdict."""


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def split(text):
    """Arguments at the top level; hex strings hold no separators."""
    parts, depth, part = [], 0, ""
    for sign in text:
        if sign in "{[(":
            depth += 1
        elif sign in "}])":
            depth -= 1
        if sign == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += sign
    if part.strip():
        parts.append(part.strip())
    return parts


class Call:
    def __init__(self, thread, name, arguments, result):
        self.thread, self.name, self.result = thread, name, result
        self.arguments = arguments

    def text(self, index):
        """A string argument, as bytes."""
        found = re.fullmatch(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?', self.arguments[index])
        if not found or found.group(2):
            raise Surprise(f"{self.name}: no whole string: {self.arguments[index][:80]}")
        return unhex(found.group(1))

    def path_of(self, index):
        """Where a descriptor argument leads; None = a deleted file, or none at all."""
        found = re.match(r"(?:\w+)<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?$", self.arguments[index])
        return None if not found or found.group(2) else unhex(found.group(1)).decode()

    def path(self, index):
        """A path argument of its own."""
        return self.text(index).decode()

    def path_at(self, index):
        """A descriptor and a path below it."""
        path = self.path(index + 1)
        if path.startswith("/"):
            return path
        below = self.path_of(index)
        return None if below is None else below + "/" + path

    def number(self, index):
        return int(self.arguments[index], 0)


def read(lines):
    """Calls that succeeded, in the order in which they ended."""
    begun = {}
    for line in lines:
        found = re.match(r"(\d+)\s+(.*)", line.rstrip("\n"))
        if not found:
            raise Surprise(f"no line of strace: {line[:80]}")
        thread, text = found.groups()
        if text.startswith(("+++", "---")):
            continue
        if text.endswith("<unfinished ...>"):
            begun[thread] = text[:-len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
        if resumed:
            text = begun.pop(thread, "") + resumed.group(1)
        parsed = re.match(r"(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)", text)
        if not parsed or parsed.group(3) == "?" or int(parsed.group(3)) < 0:
            continue
        name, arguments, result, rest = parsed.groups()
        call = Call(thread, name, split(arguments), int(result))
        opened = re.match(r"<((?:\\x[0-9a-f]{2})+)>", rest)
        call.opened = unhex(opened.group(1)).decode() if opened else None
        yield call
