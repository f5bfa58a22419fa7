"""A trace, call by call, on the disk of disk.py."""
import re

from disk import Disk, Inode
from syscalls import Surprise


class Replay:
    def __init__(self, root, forget=None, umask=0o022):
        self.root, self.umask = root, umask
        self.disk = Disk()
        self.forget = re.compile(forget) if forget else None
        self.descriptors = {}  # (thread, number) and number -> path, of the last open
        self.forgotten = 0

    def parts(self, path):
        """Below the data directory; None = elsewhere."""
        if path is None or not (path + "/").startswith(self.root + "/"):
            return None
        return [part for part in path[len(self.root):].split("/") if part not in ("", ".")]

    def at(self, path):
        parts = self.parts(path)
        return None if parts is None else self.disk.find(parts)

    def place(self, path):
        """The directory and the name in it."""
        parts = self.parts(path)
        if not parts:
            return None, None
        parent = self.disk.find(parts[:-1])
        if parent is None:
            raise Surprise(f"nothing is known of {path}")
        return parent, parts[-1]

    def apply(self, call):
        """True when it changed the disk, or made something durable."""
        method = getattr(self, "do_" + call.name, None)
        return bool(method and method(call))

    # ------------------------------------------------------------------ files

    def opened(self, call, path, flags, mode):
        if call.opened:
            self.descriptors[(call.thread, call.result)] = call.opened
            self.descriptors[call.result] = call.opened
        parent, name = self.place(path) if "O_CREAT" in flags else (None, None)
        made = parent is not None and name not in parent.names
        if made:
            self.disk.change((parent, name, Inode("file", mode & ~self.umask)))
        inode = self.at(path)
        if inode is None or inode.kind != "file" or "O_RDONLY" in flags:
            return made
        inode.position, inode.appends = 0, "O_APPEND" in flags
        if "O_TRUNC" in flags and inode.data:
            self.disk.truncate(inode, 0)
            return True
        return made

    def do_openat(self, call):
        mode = int(call.arguments[3], 8) if len(call.arguments) > 3 else 0
        return self.opened(call, call.path_at(0), call.arguments[2], mode)

    def do_openat2(self, call):
        how = re.search(r"flags=([A-Z_|]+)(?:, mode=(\d+))?", call.arguments[2])
        return self.opened(call, call.path_at(0), how.group(1), int(how.group(2) or "0", 8))

    def do_open(self, call):
        mode = int(call.arguments[2], 8) if len(call.arguments) > 2 else 0
        return self.opened(call, call.path(0), call.arguments[1], mode)

    def put(self, inode, data, at=None):
        if not data:
            return False
        if at is None:
            at = len(inode.data) if inode.appends else inode.position
            inode.position = at + len(data)
        self.disk.write(inode, at, data)
        return True

    def written(self, call):
        """The file below the data directory that the call writes; None = one elsewhere."""
        path = call.path_of(0)
        if self.parts(path) is None:
            return None
        inode = self.at(path)
        if inode is None or inode.kind != "file":
            raise Surprise(f"{call.name} on {path}, which nobody made")
        return inode

    def do_write(self, call):
        inode = self.written(call)
        return inode is not None and self.put(inode, call.text(1)[:call.result])

    def do_pwrite64(self, call):
        inode = self.written(call)
        return inode is not None and self.put(inode, call.text(1)[:call.result], call.number(3))

    def unknown(self, call):
        if self.parts(call.path_of(0)) is not None:
            raise Surprise(f"{call.name} on {call.path_of(0)}")
        return False

    do_writev = do_pwritev = unknown

    def copied(self, call, source, target):
        inode = self.at(call.path_of(target))
        if inode is None:
            return False
        inside = self.at(call.path_of(source))
        if inside is not None:
            data = inside.data
        else:
            with open(call.path_of(source), "rb") as file:
                data = file.read()
        return self.put(inode, data[inode.position:inode.position + call.result])

    def do_sendfile(self, call):
        return self.copied(call, 1, 0)

    def do_copy_file_range(self, call):
        return self.copied(call, 0, 2)

    def do_ioctl(self, call):
        if "FICLONE" in call.arguments[1]:
            raise Surprise("FICLONE: put the directories on a file system without it")
        return False

    def do_ftruncate(self, call):
        inode = self.at(call.path_of(0))
        if inode is None:
            return False
        self.disk.truncate(inode, call.number(1))
        return True

    def do_fallocate(self, call):
        inode = self.at(call.path_of(0))
        if inode is not None and call.arguments[1] == "0":
            self.disk.truncate(inode, max(len(inode.data), call.number(2) + call.number(3)))
        return inode is not None

    # ------------------------------------------------------------------ names

    def make(self, path, inode):
        parent, name = self.place(path)
        if parent is None:
            return False
        self.disk.change((parent, name, inode))
        return True

    def do_mkdir(self, call):
        return self.make(call.path(0), Inode("directory", int(call.arguments[1], 8) & ~self.umask))

    def do_mkdirat(self, call):
        return self.make(call.path_at(0),
                         Inode("directory", int(call.arguments[2], 8) & ~self.umask))

    def do_symlinkat(self, call):
        return self.make(call.path_at(1), Inode("link", 0o777, call.path(0)))

    def do_symlink(self, call):
        return self.make(call.path(1), Inode("link", 0o777, call.path(0)))

    def do_bind(self, call):
        found = re.search(r'sun_path="((?:\\x[0-9a-f]{2})*)"', ", ".join(call.arguments))
        path = bytes.fromhex(found.group(1).replace("\\x", "")).decode() if found else ""
        below = re.match(r"/proc/self/fd/(\d+)/(.*)", path)
        if below:
            number = int(below.group(1))
            of_all = self.descriptors.get(number, "")
            path = self.descriptors.get((call.thread, number), of_all) + "/" + below.group(2)
        return self.make(path, Inode("socket", 0o600))

    def link(self, source, target):
        inode = self.at(source)
        return inode is not None and self.make(target, inode)

    def do_linkat(self, call):
        return self.link(call.path_at(0), call.path_at(2))

    def do_link(self, call):
        return self.link(call.path(0), call.path(1))

    def move(self, source, target):
        if self.parts(source) is None and self.parts(target) is None:
            return False
        (old, old_name), (new, new_name) = self.place(source), self.place(target)
        inode = self.at(source)
        if inode is None or new is None:
            raise Surprise(f"{source} is moved to {target}")
        self.disk.change((old, old_name, None), (new, new_name, inode))
        return True

    def do_renameat(self, call):
        return self.move(call.path_at(0), call.path_at(2))

    do_renameat2 = do_renameat

    def do_rename(self, call):
        return self.move(call.path(0), call.path(1))

    def remove(self, path):
        parent, name = self.place(path)
        if parent is None or name not in parent.names:
            return False
        self.disk.change((parent, name, None))
        return True

    def do_unlinkat(self, call):
        return self.remove(call.path_at(0))

    def do_unlink(self, call):
        return self.remove(call.path(0))

    do_rmdir = do_unlink

    # ------------------------------------------------------------------ modes: taken as durable

    def owned(self, path, uid, gid):
        inode = self.at(path)
        if inode is not None:
            inode.owner = (uid, gid)
        return False

    def do_fchownat(self, call):
        path = call.path_at(0) if call.text(1) else call.path_of(0)
        return self.owned(path, call.number(2), call.number(3))

    def do_fchown(self, call):
        return self.owned(call.path_of(0), call.number(1), call.number(2))

    def do_lchown(self, call):
        return self.owned(call.path(0), call.number(1), call.number(2))

    do_chown = do_lchown

    def moded(self, path, mode):
        inode = self.at(path)
        if inode is not None:
            inode.mode = mode
        return False

    def do_fchmod(self, call):
        return self.moded(call.path_of(0), int(call.arguments[1], 8))

    def do_fchmodat(self, call):
        return self.moded(call.path_at(0), int(call.arguments[2], 8))

    def do_chmod(self, call):
        return self.moded(call.path(0), int(call.arguments[1], 8))

    # ------------------------------------------------------------------ syncs

    def is_forgotten(self, call, path):
        if self.forget is None or not self.forget.search(f"{call.name} {path}"):
            return False
        self.forgotten += 1
        return True

    def do_fsync(self, call):
        path = call.path_of(0)
        inode = self.at(path)
        if inode is None or self.is_forgotten(call, path):
            return False
        self.disk.sync(inode)
        return True

    do_fdatasync = do_fsync

    def do_syncfs(self, call):
        path = call.path_of(0)
        if self.parts(path) is None or self.is_forgotten(call, path):
            return False
        self.disk.sync_all()
        return True

    def do_sync(self, call):
        self.disk.sync_all()
        return True
