"""Attempts on sockets of the host, and on a neighbour in a sandbox of its own."""

from row import HOST_NET, LISTED, LISTEN, PATH_SOCKET, Rows


def rows():
    all_rows = Rows()
    add = all_rows.add
    for name, options in (("none", ()), ("listed ports", LISTED)):
        all_rows.section = f"Network, {name}"
        for verb, text in (
                ("tcp 127.0.0.1 {port}", "connect to a port that is not listed"),
                ("tcp ::1 {port}", "connect to it by IPv6"),
                ("tcp ::ffff:127.0.0.1 {port}", "connect to it by a mapped address"),
                ("tcp-again 127.0.0.1 {port}", "connect by a socket that was dissolved"),
                ("mptcp 127.0.0.1 {port}", "connect by MPTCP"),
                ("fastopen-sendto 127.0.0.1 {port}", "connect by fast open, sendto"),
                ("fastopen-sendto ::1 {port}", "connect by fast open, IPv6"),
                ("fastopen-sendmsg 127.0.0.1 {port}", "connect by fast open, sendmsg"),
                ("fastopen-sendmmsg 127.0.0.1 {port}", "connect by fast open, sendmmsg"),
                ("fastopen-connect 127.0.0.1 {port}", "connect by fast open, as an option"),
                ("bind-tcp 0.0.0.0 {free}", "bind a port"),
                ("bind-mptcp 0.0.0.0 {free}", "bind a port by MPTCP"),
                ("listen-unbound-mptcp", "listen by MPTCP without bind"),
                ("udp 127.0.0.1 {port}", "send by UDP"),
                ("udplite 127.0.0.1 {port}", "send by UDP-Lite"),
                ("bind-udp 0.0.0.0 {free}", "bind a port by UDP"),
                ("raw", "a raw socket"), ("packet", "a packet socket"),
                ("sctp", "SCTP"), ("vsock", "a socket to the hypervisor"),
                ("netlink-route", "netlink: routes"), ("netlink-audit", "netlink: audit"),
                ("netlink-uevent", "netlink: events of devices"),
                ("netlink-diag", "netlink: sockets of others"), ("af-alg", "the kernel's ciphers"),
                ("af-xdp", "packets past the kernel"),
                ("interfaces", "ask for the names of interfaces"),
                ("bind-to-device", "choose an interface")):
            add(verb, text, options)
        add("icmp", "ping", options, may_lack=True)
        add("listen-unbound", "listen without bind", options, known=LISTEN if options else {})
        for verb, text in (("unix-stream {offers}/stream", "connect to a unix socket with a path"),
                           ("unix-datagram {offers}/datagram", "the same, datagrams")):
            add(verb, text, options, known=PATH_SOCKET)
        for verb, text in (("abstract-stream {name}", "connect to an abstract unix socket"),
                           ("abstract-datagram {name}-datagram", "the same, datagrams"),
                           ("abstract-sendto {name}-datagram", "send to it unconnected")):
            add(verb, text, options)
    add("read /proc/self/net/tcp", "read the host's connections", LISTED,
        known=HOST_NET)

    all_rows.section = "A neighbour"
    add("read {near}/secret", "read its file")
    add("write {near}/secret", "write to its file")
    add("truncate {near}/secret", "cut its file to nothing")
    add("list {near}", "list its directory")
    add("create {near}", "create a file in it")
    add("rename-in {near}/secret", "move its file away")
    add("stat {near}/secret", "look at its file by stat")
    add("chmod {near}/secret", "change its file's mode")
    add("unix-stream {near}/stream", "connect to its unix socket", known=PATH_SOCKET)
    add("abstract-stream near-{name}", "connect to its abstract socket")
    add("abstract-sendto near-{name}-datagram", "send to its abstract socket")
    add("tcp 127.0.0.1 {near_port}", "connect to its port")
    add("tcp 127.0.0.1 {near_port}", "connect to its port, others listed", LISTED)
    add("steal-port 127.0.0.1 {near_port}", "listen on its port", LISTED,
        control="steal-port 127.0.0.1 {free}")
    for verb, text in (("kill", "send it a signal"), ("pidfd-signal", "send one by a pidfd"),
                       ("attach", "attach as a debugger"), ("read-memory", "read its memory"),
                       ("write-memory", "write its memory"),
                       ("take-descriptor", "take a descriptor"), ("prlimit", "set its limits"),
                       ("setpriority", "change its priority"), ("affinity", "pin it"),
                       ("ioprio", "change its I/O priority")):
        add(verb + " {near_pid}", text)
    for name in ("environ", "maps", "mem", "cmdline"):
        add("proc-read {near_pid} " + name, f"read its /proc {name}")
    add("shm-of {near_key}", "find its SysV segment", control="shm-of {key}")
    add("msg-of {near_key}", "find its SysV queue", control="msg-of {key}")
    add("posix-shm-of /near-{name}", "open its POSIX shared memory", control="posix-shm-of /{name}")
    add("mq-of /near-{name}", "open its POSIX queue", control="mq-of /{name}")
    return all_rows
