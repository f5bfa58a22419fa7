#!/usr/bin/env python3
"""Draws docs/architecture.svg: the layers from the table that check_layers.py checks, and the
processes. `draw_architecture.py` writes the file, `draw_architecture.py --check` compares it.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cmake"))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402


def escape(text):
    """Text as XML wants it. Not html.escape: a bare Debian's python3-minimal has no html module."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")

TARGET = HERE / "architecture.svg"
WIDTH, HEIGHT = 1120, 706

# What a layer is, and where it stands: column 0 or 1, or 0.5 for both. A folder of the table that
# is not here is an error, so the picture can't fall behind the check.
LAYERS = {
    "cli": (0.5, "the command: words and tables"),
    "api": (0.5, "Runtime: blocking, shows no CAF"),
    "actors": (0.5, "who decides and who waits"),
    "messages": (0, "the typed protocol"),
    "platform": (1, "what the kernel does for us"),
    "platform/shim": (1, "static program: zygote, shim"),
    "specs": (0, "what is asked and answered"),
}
RULES = {
    check_layers.CAF: "CAF",
    check_layers.LOG: "spdlog",
    check_layers.KERNEL: "kernel headers",
}

INK, SOFT, LINE = "#1f2933", "#52606d", "#7b8794"
PAPER, FRAME = "#ffffff", "#cbd2d9"
FILL = {"layer": "#e6f0fa", "ours": "#e6f0fa", "tiny": "#fdf0d5", "guest": "#fbe3e4"}
EDGE = {"layer": "#3e7cb1", "ours": "#3e7cb1", "tiny": "#c98a1b", "guest": "#c4484f"}

out = []


def text(x, y, words, size=13, color=INK, weight="normal", anchor="start", family="sans"):
    font = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" if family == "mono" else (
        "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif")
    out.append(f'<text x="{x:g}" y="{y:g}" font-family="{font}" font-size="{size}" '
               f'font-weight="{weight}" fill="{color}" text-anchor="{anchor}">{escape(words)}</text>')


def box(x, y, width, height, kind):
    out.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="7" '
               f'fill="{FILL[kind]}" stroke="{EDGE[kind]}" stroke-width="1.3"/>')


def border(x, y, width, height, words, indent=10):
    """A dashed border: what is inside shares the namespaces named by `words`."""
    out.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="9" fill="none" '
               f'stroke="{LINE}" stroke-width="1.2" stroke-dasharray="5 4"/>')
    text(x + indent, y + 17, words, 11.5, SOFT)


def arrow(points, dashed=False):
    path = "M" + " L".join(f"{x:g},{y:g}" for x, y in points)
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    out.append(f'<path d="{path}" fill="none" stroke="{SOFT}" stroke-width="1.4"{dash} '
               f'marker-end="url(#tip)"/>')


def may_include(folder, other):
    allowed = check_layers.TABLE[folder][0].split()
    return folder != other and any(other == name or other.startswith(name + "/")
                                   for name in allowed)


def direct_edges():
    """The arrows that no other two arrows imply."""
    names = list(check_layers.TABLE)
    edges = {(a, b) for a in names for b in names if may_include(a, b)}
    return [(a, b) for a, b in sorted(edges)
            if not any((a, c) in edges and (c, b) in edges for c in names)]


def rank_of(folder, edges):
    above = [rank_of(a, edges) for a, b in edges if b == folder]
    return 1 + max(above) if above else 0


def never(folder):
    words = [RULES.get(rule, "C++ containers") for rule in check_layers.TABLE[folder][1]]
    return "never: " + ", ".join(words) if words else "third parties: any"


def draw_layers(left, top):
    missing = set(check_layers.TABLE) ^ set(LAYERS)
    if missing:
        sys.exit(f"draw_architecture.py: LAYERS and check_layers.TABLE differ in {sorted(missing)}")
    text(left, top, "Layers", 17, weight="bold")
    text(left, top + 20, "An arrow points at what may be included. Each folder is one link target.",
         12, SOFT)
    edges = direct_edges()
    wide, high, step = 200, 74, 122
    place = {}
    for folder, (column, _) in LAYERS.items():
        x = left + column * 226
        place[folder] = (x, top + 44 + rank_of(folder, edges) * step)
    for a, b in edges:
        (ax, ay), (bx, by) = place[a], place[b]
        shift = (bx - ax) / 226 * 40
        arrow([(ax + wide / 2 + shift, ay + high), (bx + wide / 2 - shift, by - 3)])
    for folder, (x, y) in place.items():
        box(x, y, wide, high, "tiny" if folder == "platform/shim" else "layer")
        text(x + wide / 2, y + 23, folder, 15, weight="bold", anchor="middle", family="mono")
        text(x + wide / 2, y + 43, LAYERS[folder][1], 11.5, anchor="middle")
        text(x + wide / 2, y + 61, never(folder), 10.5, SOFT, anchor="middle")


def process(x, y, width, height, kind, name, lines):
    box(x, y, width, height, kind)
    text(x + 12, y + 22, name, 14, weight="bold", family="mono")
    for number, line in enumerate(lines):
        text(x + 12, y + 41 + 16 * number, line, 11.5, SOFT)


def draw_processes(left, top):
    text(left, top, "Processes", 17, weight="bold")
    text(left, top + 20, "Dashed: namespaces at level namespaces. At landlock there are none.",
         12, SOFT)
    y = top + 44
    width = 600
    box(left, y, width, 168, "ours")
    text(left + 12, y + 22, "your program, or ringfort", 14, weight="bold", family="mono")
    text(left + 12, y + 41, "the library: actors on a few scheduler threads", 11.5, SOFT)
    actors = [("supervisor", 0, 0), ("container  ×n", 1, 0), ("port_broker", 2, 0),
              ("rootfs + workers", 0, 1), ("launcher", 1, 1), ("watchdog", 2, 1)]
    for name, column, row in actors:
        ax, ay = left + 14 + column * 193, y + 54 + row * 36
        out.append(f'<rect x="{ax:g}" y="{ay:g}" width="184" height="28" rx="14" fill="{PAPER}" '
                   f'stroke="{EDGE["ours"]}"/>')
        text(ax + 92, ay + 18.5, name, 12, anchor="middle", family="mono")
    text(left + 12, y + 152, "epoll thread: events of zygote and shims become messages through "
         "launcher", 11.5, SOFT)

    zygote = y + 168 + 42
    process(left, zygote, 270, 92, "tiny", "ringfort-zygote",
            ["one a runtime; host's view, caller's uid;",
             "clones shims without exec, reaps them,",
             "kills what a dead shim left behind"])
    arrow([(left + 100, y + 168), (left + 100, zygote - 3)])
    text(left + 108, y + 190, "SpawnRequest: plan memfd + descriptors", 11.5, SOFT)
    text(left + 300, zygote + 20, "A zygote that dies is replaced; its shims live on.", 11.5, SOFT)
    text(left + 300, zygote + 37, "A supervisor that dies ends its attached shims:", 11.5, SOFT)
    text(left + 300, zygote + 54, "their lease pipe reads end of file.", 11.5, SOFT)
    text(left + 300, zygote + 77, "At level network it clones a relay beside each", 11.5, SOFT)
    text(left + 300, zygote + 94, "shim, out of sight: it leads callers to the ports.", 11.5, SOFT)

    frame = zygote + 92 + 40
    border(left, frame, width, 252, "PID namespace; for a plain user also a user namespace (identity map)", 152)
    shim = frame + 28
    process(left + 14, shim, 256, 124, "tiny", "ringfort-shim  ×n",
            ["init of one container; caller's uid,",
             "host mounts; not dumpable",
             "control socket, timers, logs, records,",
             "held port, lock on state/<id>/shim"])
    arrow([(left + 140, zygote + 92), (left + 140, shim - 3)])
    text(left + 148, zygote + 113, "clone, no exec", 11.5, SOFT)
    border(left + 318, frame + 28, 268, 212, "own mount, IPC, UTS (network: network)")
    process(left + 332, shim + 28, 240, 92, "guest", "your program",
            ["own uid under root, else the caller's;",
             "descriptors 0, 1, 2; no capability;",
             "Landlock, seccomp, no_new_privs"])
    process(left + 332, shim + 134, 240, 54, "guest", "exec'd commands",
            ["same confinement, same namespaces"])
    arrow([(left + 270, shim + 62), (left + 329, shim + 62)])
    arrow([(left + 270, shim + 108), (left + 300, shim + 108), (left + 300, shim + 161),
           (left + 329, shim + 161)])
    text(left + 14, shim + 148, "Events go straight back over the", 11.5, SOFT)
    text(left + 14, shim + 165, "zygote's socket: Started, StartFailed,", 11.5, SOFT)
    text(left + 14, shim + 182, "Exited. Requests come by state/<id>/sock:", 11.5, SOFT)
    text(left + 14, shim + 199, "Stop, Signal, KillTree, Exec, Freeze, Thaw.", 11.5, SOFT)


def draw():
    out.clear()
    out.append(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
               f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Layers and processes of '
               f'ringfort">')
    out.append('<!-- Drawn by docs/draw_architecture.py; do not edit. -->')
    out.append(f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
               f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{SOFT}"/>'
               f'</marker></defs>')
    # A paper of its own: the picture reads the same on a light and on a dark page.
    out.append(f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12" '
               f'fill="{PAPER}" stroke="{FRAME}"/>')
    draw_layers(28, 40)
    draw_processes(492, 40)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    drawn = draw()
    if sys.argv[1:] != ["--check"]:
        TARGET.write_text(drawn)
        return 0
    there = TARGET.read_text() if TARGET.exists() else ""
    if there == drawn:
        return 0
    # No difflib, for the reason given at escape().
    for number, (old, new) in enumerate(zip(there.splitlines(), drawn.splitlines()), 1):
        if old != new:
            print(f"docs/architecture.svg:{number}: {old.strip()}\n  drawn: {new.strip()}")
            break
    print("docs/architecture.svg is not what the script draws. Type: docs/draw_architecture.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
