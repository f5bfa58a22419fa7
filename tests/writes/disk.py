"""A disk that may lose what was not synced. Nothing here touches the real one but `write_out`.

A file has the bytes of its last fsync, and a list of writes since; a directory has the names of its
last fsync, and changes since. A change that touches two directories (a rename) is one. fsync of a
file keeps its bytes, not its name; fsync of a directory keeps its names, and whatever came before
them in the directories that it shares a rename with, as journals do.
"""
import os
import socket
import stat


class Inode:
    def __init__(self, kind, mode=0o600, target=None):
        self.kind, self.mode, self.owner, self.target = kind, mode, (0, 0), target
        self.data, self.kept, self.writes = b"", b"", []  # of a file
        self.names, self.kept_names = {}, {}              # of a directory
        self.position, self.appends = 0, False            # of whoever opened it last


def applied(data, write):
    kind, at, more = write
    if kind == "truncate":
        return data[:at] + b"\0" * (at - len(data))
    data += b"\0" * (at - len(data))
    return data[:at] + more + data[at + len(more):]


class Disk:
    def __init__(self):
        self.root = Inode("directory", 0o711)
        self.changes = []  # of names: [(directory, name, inode or None), ...], in order

    def find(self, parts):
        at = self.root
        for name in parts:
            at = at.names.get(name) if at and at.kind == "directory" else None
        return at

    # ------------------------------------------------------------------ what programs do

    def change(self, *parts):
        for directory, name, inode in parts:
            if inode is None:
                directory.names.pop(name, None)
            else:
                directory.names[name] = inode
        self.changes.append(parts)

    def write(self, inode, at, data):
        inode.writes.append(("write", at, data))
        inode.data = applied(inode.data, inode.writes[-1])

    def truncate(self, inode, size):
        if len(inode.data) != size:
            inode.writes.append(("truncate", size, b""))
            inode.data = applied(inode.data, inode.writes[-1])

    def sync(self, inode):
        if inode.kind == "file":
            inode.kept, inode.writes = inode.data, []
        elif inode.kind == "directory":
            self.sync_names({id(inode)})

    def sync_names(self, wanted):
        kept, left = [], []
        for change in reversed(self.changes):
            touched = {id(directory) for directory, _, _ in change}
            if touched & wanted:
                wanted = wanted | touched
                kept.append(change)
            else:
                left.append(change)
        for change in reversed(kept):
            for directory, name, inode in change:
                if inode is None:
                    directory.kept_names.pop(name, None)
                else:
                    directory.kept_names[name] = inode
        self.changes = left[::-1]

    def sync_all(self):
        self.sync_names({id(directory) for change in self.changes for directory, _, _ in change})

        def walk(inode):
            if inode.kind == "file":
                self.sync(inode)
            for child in inode.names.values():
                walk(child)
        walk(self.root)

    # ------------------------------------------------------------------ what a power cut leaves

    def all_written(self):
        return self.tree(lambda inode: inode.names, lambda inode: inode.data)

    def only_synced(self):
        return self.tree(lambda inode: inode.kept_names, lambda inode: inode.kept)

    def some_of_it(self, random):
        """In each directory the first changes, of each file the first writes, the last one torn."""
        names, cut = {}, set()
        stops = random.choice((0.0, 0.02, 0.1, 0.3))
        for change in self.changes:
            touched = {id(directory) for directory, _, _ in change}
            if touched & cut or random.random() < stops:
                cut |= touched
                continue
            for directory, name, inode in change:
                mine = names.setdefault(id(directory), dict(directory.kept_names))
                mine.pop(name, None)
                if inode is not None:
                    mine[name] = inode
        contents = {}

        def content(inode):
            if id(inode) not in contents:
                contents[id(inode)] = self.torn(inode, random)
            return contents[id(inode)]
        return self.tree(lambda inode: names.get(id(inode), inode.kept_names), content)

    @staticmethod
    def torn(inode, random):
        data = inode.kept
        # Blocks that were given to the file and never filled.
        if inode.writes and random.random() < 0.2:
            for kind, at, more in inode.writes:
                data = applied(data, (kind, at, b"\0" * len(more)) if at >= len(data) else
                               (kind, at, more))
            return data
        count = random.randrange(len(inode.writes) + 1)
        for write in inode.writes[:count]:
            data = applied(data, write)
        if count < len(inode.writes) and random.random() < 0.5:
            kind, at, more = inode.writes[count]
            size = random.randrange(len(more) + 1)
            # A sector that is there already is written as a whole.
            if at < len(data):
                size = max(0, (at + size) // 512 * 512 - at)
            if kind == "write" and size > 0:
                data = applied(data, (kind, at, more[:size]))
        return data

    def tree(self, names, content):
        """(kind, mode, owner, what is in it), comparable and free of this disk."""
        def walk(inode):
            if inode.kind == "directory":
                inside = tuple(sorted((n, walk(i)) for n, i in names(inode).items()))
            else:
                inside = bytes(content(inode)) if inode.kind == "file" else inode.target
            return inode.kind, inode.mode, inode.owner, inside
        return walk(self.root)


def write_out(tree, path):
    """Makes the tree's content below `path`, which is there."""
    for name, (kind, mode, owner, inside) in tree[3]:
        child = path + "/" + name
        if kind == "directory":
            os.mkdir(child)
            write_out((kind, mode, owner, inside), child)
        elif kind == "file":
            with open(child, "wb") as file:
                file.write(inside)
        elif kind == "link":
            os.symlink(inside, child)
        elif kind == "socket":
            here = os.open(path, os.O_RDONLY)
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"/proc/self/fd/{here}/{name}")
            os.close(here)
        if kind != "link":
            os.chmod(child, stat.S_IMODE(mode))
        os.chown(child, *owner, follow_symlinks=False)
