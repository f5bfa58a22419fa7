"""Attempts on the kernel, and on what of the machine shows in /proc, /sys and /dev."""

from row import Rows, apart

NS_OWN = apart("in a namespace of its own")


def rows():
    all_rows = Rows()
    add = all_rows.add

    all_rows.section = "Namespaces and mounts"
    for verb, text in (
            ("unshare-user", "a user namespace by unshare"),
            ("clone-user", "a user namespace by clone"),
            ("clone3-user", "a user namespace by clone3"),
            ("unshare-user-and-mounts", "a user and a mount namespace"),
            ("unshare-mounts", "a mount namespace"), ("clone-mounts", "a mount namespace by clone"),
            ("unshare-pids", "a PID namespace"), ("unshare-network", "a network namespace"),
            ("unshare-ipc", "an IPC namespace"), ("unshare-names", "a UTS namespace"),
            ("unshare-cgroups", "a cgroup namespace"), ("unshare-time", "a time namespace"),
            ("setns", "join a namespace by a pidfd"),
            ("setns-path /proc/self/ns/uts", "join a namespace by its file"),
            ("mount-tmpfs {scratch}", "mount a tmpfs"), ("mount-proc {scratch}", "mount /proc"),
            ("bind-mount / {scratch}", "bind a directory"), ("remount", "mount / anew"),
            ("unmount /proc", "unmount"), ("pivot-root {scratch}", "pivot_root"),
            ("chroot {scratch}", "chroot"), ("fsopen", "fsopen"), ("fspick", "fspick"),
            ("open_tree", "open_tree"), ("mount_setattr", "mount_setattr")):
        add(verb, text)

    all_rows.section = "Calls of the kernel"
    for verb, text in (
            ("io_uring", "io_uring_setup"), ("bpf", "bpf"), ("perf_event_open", "perf_event_open"),
            ("userfaultfd", "userfaultfd"), ("ptrace", "ptrace, on a child"),
            ("process_vm_readv", "process_vm_readv, on a child"),
            ("pidfd_getfd", "pidfd_getfd, on a child"), ("kcmp", "kcmp, on a child"),
            ("prlimit-other", "prlimit, on a child"), ("personality", "personality"),
            ("keyctl", "keyctl"), ("add_key", "add_key"), ("request-key", "request_key"),
            ("join-session", "a key session of one's own"),
            ("session-to-parent", "give a key session to one's parent"),
            ("shmget", "a SysV segment of one's own"), ("set-clock", "set the clock"),
            ("adjust-clock", "adjust the clock"), ("sethostname", "set the host's name"),
            ("syslog", "read the kernel's log"), ("iopl", "iopl"), ("ioperm", "ioperm"),
            ("init-module", "load a module"), ("finit-module", "load a module from a file"),
            ("delete-module", "unload a module"), ("kexec", "load another kernel"),
            ("reboot", "reboot"), ("swapon", "swap to a file"), ("acct", "account processes"),
            ("quotactl", "set quotas"), ("vhangup", "hang up the terminal"),
            ("future", "a call that no kernel has yet"), ("x32", "a call of the x32 ABI"),
            ("i386", "a call of the i386 ABI")):
        add(verb, text, known=NS_OWN if verb == "shmget" else {},
            reached=("ok", "EINVAL") if verb == "bpf" else ("ok",))

    all_rows.section = "The terminal"
    for verb, text in (("tiocsti-own", "TIOCSTI: type into one's terminal"),
                       ("tiocsti-own-high", "TIOCSTI with high bits in the request")):
        add(verb, text)

    all_rows.section = "Memory and messages of others"
    for verb, text in (("shm-of {key}", "find a SysV segment"),
                       ("sem-of {key}", "find SysV semaphores"),
                       ("msg-of {key}", "find a SysV queue"),
                       ("mq-of /{name}", "open a POSIX queue"),
                       ("posix-shm-of /{name}", "open POSIX shared memory")):
        add(verb, text)

    all_rows.section = "/proc, /sys and /dev"
    zeros = apart("without capabilities the kernel shows zeros for addresses")
    public = apart("tells of the kernel, not of its users")
    known = {"/proc/kallsyms": zeros, "/proc/iomem": zeros, "/proc/config.gz": public,
             "/proc/fs": public, "/proc/irq": public,
             "/proc/locks": apart("shows the locks of one's own processes")}
    for path in ("/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list",
                 "/proc/kallsyms", "/proc/kmsg", "/proc/modules", "/proc/interrupts",
                 "/proc/vmallocinfo", "/proc/slabinfo", "/proc/iomem", "/proc/locks",
                 "/proc/sched_debug", "/proc/scsi/scsi", "/proc/config.gz",
                 "/sys/kernel/notes", "/sys/kernel/vmcoreinfo", "/sys/class/dmi/id/product_uuid"):
        add("read " + path, "read " + path, known=known.get(path, {}))
    for path in ("/sys/firmware", "/sys/kernel/debug", "/sys/kernel/security", "/sys/fs/bpf",
                 "/sys/devices/virtual", "/sys/class/net", "/proc/bus", "/proc/acpi",
                 "/proc/fs", "/proc/irq", "/dev/mapper", "/dev/disk"):
        add("list " + path, "list " + path, known=known.get(path, {}))
    for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
                 "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
                 "/proc/sys/net/ipv4/ip_forward", "/proc/irq/default_smp_affinity",
                 "/sys/power/state", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs"):
        add("open-to-write " + path, "open to write " + path)
    for path in ("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/vda",
                 "/dev/sda", "/dev/loop-control", "/dev/dri/card0", "/dev/nvidia0", "/dev/vfio/vfio",
                 "/dev/uinput", "/dev/vsock", "/dev/userfaultfd", "/dev/rtc0", "/dev/ttyS0"):
        add("open-to-write " + path, "open " + path, may_lack=True)
    return all_rows
