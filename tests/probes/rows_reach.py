"""Attempts on files, on ringfort itself, on rights and processes."""

from row import METADATA, PATH_SOCKET, STAT, Rows


def rows():
    all_rows = Rows()
    add = all_rows.add

    all_rows.section = "Files outside"
    add("read {w}/secret", "read a file")
    add("read-by-openat2 {w}/secret", "read it by openat2")
    add("read-by-dots {w}/secret", "read it by ../../..")
    add("read-by-proc-root {w}/secret", "read it by /proc/self/root")
    add("read-through-symlink {w}/secret", "read it through a symlink of one's own")
    add("read-by-chroot {w}/secret", "read it by the classic way out of a chroot")
    add("open-by-handle {w}/secret {w}", "read it by a file handle")
    add("name-to-handle {w}/secret", "get a handle for it", known=STAT)
    add("map-code {w}/tool", "map its code")
    add("execute {w}/tool quiet", "execute it")
    add("list {w}/dir", "list a directory")
    add("write {w}/secret", "write to a file")
    add("append {w}/secret", "append to it")
    add("write-through-symlink {w}/secret", "write to it through a symlink of one's own")
    add("truncate {w}/secret", "cut it to nothing by truncate")
    add("open-truncated {w}/secret", "cut it to nothing by open")
    add("create {w}/dir", "create a file")
    add("tmpfile {w}/dir", "create one without a name")
    add("unlink {w}/secret", "remove a file")
    add("rmdir {w}/empty", "remove a directory")
    add("mkdir {w}/dir", "make a directory")
    add("rename {w}/secret {w}/renamed", "rename a file")
    add("rename-in {w}/secret", "move a file in")
    add("rename-out {w}/dir", "move one's own file out")
    add("exchange {w}/secret {w}/other", "exchange two files")
    add("link-in {w}/secret", "link a file in")
    add("link {w}/secret {w}/linked", "link a file outside")
    add("symlink {w}/dir", "make a symlink")
    add("mkfifo {w}/dir", "make a FIFO")
    add("socket-node {w}/dir", "make a socket by mknod")
    add("bind-path {w}/dir", "bind a unix socket there")
    add("device-node {w}/dir", "make a device and open it")
    add("device-node", "make one in the own directory and open it")
    add("flock {w}/secret", "lock a file")
    add("inotify {w}/secret", "watch a file", known=STAT)
    add("fanotify", "watch all files")
    add("stat {w}/secret", "look at a file by stat", known=STAT)
    add("access {w}/secret", "ask whether it may be read", known=STAT)
    add("open-path {w}/secret", "open it for its path alone (O_PATH)", known=STAT)
    add("readlink {w}/link", "read a symlink", known=STAT)
    add("statfs {w}", "ask for its file system", known=STAT)
    add("chdir {w}/dir", "go to a directory", known=STAT)
    add("chmod {w}/secret", "change a mode", known=METADATA)
    add("fchmodat2 {w}/secret", "change a mode by the newer call", known=METADATA)
    add("chown {w}/secret", "change an owner", known=METADATA)
    add("utimes {w}/secret", "change times", known=METADATA)
    add("setxattr {w}/secret", "set an attribute", known=METADATA)
    add("removexattr {w}/secret", "remove an attribute", known=METADATA)
    add("read /etc/shadow", "read the host's password hashes")
    # The proof must not change the host.
    there = "create {w}/dir"
    add("open-to-write /etc/passwd", "write the host's users")
    add("create /usr/bin", "put a program where the host looks for it", control=there)
    add("create /", "put a file at the root of all", control=there)
    add("read {home}/.key", "read a file of the home directory")

    all_rows.section = "Files of ringfort"
    for name in ("config.json", "sandbox.sb", "pid", "stdout.log"):
        add(f"append {{own}}/{name}", f"write to the container's own {name}", how="detached")
    add("rename {own}/sandbox.sb {own}/x", "rename its own sandbox.sb", how="detached")
    add("unlink {own}/config.json", "remove its own config.json", how="detached")
    add("chmod {own}/sandbox.sb", "change the mode of its own sandbox.sb", how="detached",
        known=METADATA)
    add("create {own}", "create a file beside them", how="detached")
    add("read {state}/record", "read its own record", how="detached",
        control="read {w}/own/record")
    add("open-to-write {state}/record", "open its own record to write", how="detached",
        control="open-to-write {w}/own/record")
    add("unlink {state}/exit", "remove its own exit record", how="detached",
        control="unlink {w}/own/exit")
    add("flock {state}/shim", "take its shim's lock", how="detached",
        control="flock {w}/own/shim")
    add("create {state}", "create a file in its state directory", how="detached",
        control="create {w}/own")
    add("unix-seqpacket {state}/sock", "speak to its shim", how="detached",
        control="unix-stream {offers}/stream", known=PATH_SOCKET)
    add("list {data}/state", "list all containers")
    add("list {data}/images", "list all images")
    add("create {data}/images", "put an image there", control=there)
    add("create {data}/containers", "put a container there", control=there)
    add("read {data}/.ports", "read the table of ports")
    add("open-to-write {data}/.ports", "open it to write")
    add("unix-seqpacket {data}/state/near-1/sock", "speak to a neighbour's shim",
        control="unix-stream {offers}/stream", known=PATH_SOCKET)

    # In a registered image the name leads to a directory outside. What counts is whether anything
    # there has changed, be it by the program or by ringfort itself.
    all_rows.section = "Links planted in an image"
    for name in ("tmp", "dev", "proc", "sys", "etc", "run", "usr", "lib", "data", "etc/resolv.conf"):
        add(f"create {{planted}}/{name}", f"/{name}", (name,), how="image")

    # At landlock the root is a copy. The first are made on what lies under the root, by its place on
    # the host; the others on the root itself, and only a changed image says that they came about.
    all_rows.section = "An image under an overlay"
    for layer, text in (("image", "the image"), ("upper/upper", "the upper directory"),
                        ("upper/work", "the work directory")):
        layer = "{" + layer.replace("/", "}/", 1) if "/" in layer else "{" + layer + "}"
        add(f"list {layer}", f"list {text}", how="overlay", control="list {w}/dir")
        add(f"create {layer}", f"create a file in {text}", how="overlay", control=there)
        add(f"chmod {layer}", f"change the mode of {text}", how="overlay",
            control="chmod {w}/secret", known=METADATA if layer == "{image}" else {})
    add("read {image}/secret", "read a file of the image by its place", how="overlay",
        control="read {w}/secret")
    for verb, text in (("append {root}/secret", "append to a file"),
                       ("truncate {root}/secret", "cut one to nothing"),
                       ("unlink {root}/secret", "remove one"),
                       ("rename {root}/secret {root}/renamed", "rename one"),
                       ("exchange {root}/secret {root}/other", "exchange two"),
                       ("chmod {root}/secret", "change a mode"),
                       ("utimes {root}/secret", "change times"),
                       ("setxattr {root}/secret", "set an attribute"),
                       ("link {root}/secret {root}/linked", "link one"),
                       ("create {root}/dir", "create one"), ("rmdir {root}/empty", "remove a directory"),
                       ("write-through-symlink {root}/secret", "write through a symlink")):
        add(verb, text, how="layer", control=verb.replace("{root}", "{w}"))

    all_rows.section = "Volumes"
    add("append {w}/secret", "write to a file of a read-only bind", how="volume")
    add("create {w}/dir", "create a file there", how="volume")
    add("unlink {w}/secret", "remove one there", how="volume")
    add("rename-in {w}/secret", "move one out of there", how="volume")
    add("chmod {w}/secret", "change a mode there", how="volume", known=METADATA)
    add("chown {w}/secret", "change an owner there", how="volume", known=METADATA)
    add("execute {tools}/raised raised", "gain rights by a setuid program there", how="volume")
    add("device-node {shared}", "make a device in a writable bind and open it", how="volume")
    add("read {data}/volumes/near/secret", "read another container's named volume")
    add("read {data}/volumes/near/secret", "read it with volumes of one's own", how="volume")
    add("append {data}/volumes/near/secret", "write to it", how="volume")
    add("list {data}/volumes", "list all named volumes", how="volume")
    add("create {data}/volumes/near", "create a file in it", how="volume", control=there)

    all_rows.section = "What a program is given"
    add("open-descriptor", "a descriptor beside 0, 1 and 2", how="descriptors")
    for how in ("run", "exec"):
        by = " (by exec)" if how == "exec" else ""
        add("variable PROBE_SECRET", "a variable of the host" + by, how=how)
        add("any-capability", "a capability that counts" + by, how=how)
        add("bounding-capability", "a capability in the bounding set" + by, how=how, known={
            "landlock plain": "only root can empty it; no new privileges makes it count for nothing"})
        add("new-privileges", "new privileges by exec" + by, how=how)
        add("no-filter", "freedom from seccomp" + by, how=how)
    add("variable RINGFORT_DATA_DIR", "the place of the data directory")
    add("terminal", "the caller's terminal", how="terminal")

    all_rows.section = "Rights"
    add("become-root", "setuid(0)")
    add("become-group", "setgid(0)")
    add("drop-groups", "setgroups")
    add("keep-setuid", "make a setuid program in one's own directory", known={
        "any": "no new privileges makes it harmless inside, outside its user is nobody else"})
    add("execute {setuid} raised", "gain rights by a setuid program", ("--read", "{setuid}"))
    add("raise-limit", "raise a hard limit", may_lack=True)
    add("less-nice", "run before others")
    add("real-time", "run in real time")

    all_rows.section = "Processes outside"
    for verb, text in (
            ("kill", "send a signal"), ("killpg", "send one to its group"),
            ("tgkill", "send one to a thread"), ("sigqueue", "queue one"),
            ("pidfd-signal", "send one by a pidfd"), ("attach", "attach as a debugger"),
            ("seize", "seize as a debugger"), ("read-memory", "read memory"),
            ("write-memory", "write memory"), ("take-descriptor", "take a descriptor"),
            ("kcmp-of", "compare with it"), ("prlimit", "set its limits"),
            ("setpriority", "change its priority"), ("affinity", "pin it to a processor"),
            ("scheduler", "change its scheduler"), ("ioprio", "change its I/O priority"),
            ("perf-of", "measure it"), ("move-pages", "ask where its pages are"),
            ("madvise", "have its pages swapped out"), ("robust-list", "read its robust list")):
        add(verb + " {victim}", text)
    see = {"landlock": "a process can be asked for by its number"}
    add("prlimit-get {victim}", "read its limits", known={"landlock plain": see["landlock"]})
    add("pidfd-open {victim}", "get a pidfd", known=see)
    add("getsid {victim}", "ask for its session", known=see)
    add("see-any parent", "see any in /proc")
    for name in ("environ", "maps", "mem", "cmdline", "status", "stack", "auxv"):
        add("proc-read {victim} " + name, f"read its /proc {name}")
    add("proc-list {victim} fd", "list its descriptors")
    add("proc-list {victim} root", "list its root")
    add("proc-link {victim} exe", "read which program it is")
    add("proc-write {victim} oom_score_adj 1000", "have it killed first when memory ends")
    add("proc-write {victim} clear_refs 1", "clear its page references")

    all_rows.section = "The shim"
    first = "it is process 1 there: the kernel drops what would kill it"
    own_shim = {"namespaces plain": first, "network plain": first,
                "landlock plain": "shim and program are one user's: it can be killed, the container is "
                                  "then reported as lost"}
    add("attach parent", "attach as a debugger")
    add("read-memory parent", "read its memory", reached=("ok", "EFAULT"))
    add("take-descriptor parent", "take a descriptor")
    add("prlimit parent", "set its limits")
    add("kill parent", "send a signal", known=own_shim)
    add("proc-read parent environ", "read its environment")
    add("proc-read parent mem", "read its memory by /proc", reached=("ok", "EIO"))
    add("proc-list parent fd", "list its descriptors")
    add("proc-list parent cwd", "list its directory")
    add("proc-link parent exe", "read which program it is")
    add("proc-open parent exe", "open its program to write", reached=("ok", "ETXTBSY"))
    return all_rows
