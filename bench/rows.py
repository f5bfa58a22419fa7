"""The goals as rows: what is asked, what the figures say. Pure."""
import dataclasses


@dataclasses.dataclass
class Row:
    what: str
    goal: str
    figure: str
    verdict: str  # met, not met, or - where nothing was measured


def at_least(what, goal, value, digits=2, of=""):
    return Row(what, f">= {goal}", f"{value:.{digits}f}{of}", "met" if value >= goal else "not met")


def at_most(what, goal, value, digits=2, unit="", of=""):
    return Row(what, f"<= {goal}{unit}", f"{value:.{digits}f}{unit}{of}", "met" if value <= goal else "not met")


def parts(one, other, unit, digits=0):
    """What a ratio is of, behind it."""
    return f" ({one:.{digits}f} / {other:.{digits}f}{unit})"


def unmeasured(what, goal, why):
    return Row(what, goal, f"not measured: {why}", "-")


class Contest:
    """The answer of one `ringfort bench --json`."""

    def __init__(self, value):
        self.value = value
        self.entrants = {entrant["name"]: entrant for entrant in value["entrants"]}

    def cells(self, name):
        return {cell["in_flight"]: cell for cell in self.entrants[name]["cells"]}

    def failures(self):
        return sum(cell["failures"] for name in ("ringfort", "ringfort none") for cell in self.cells(name).values())


# (level, kind of file system, durability) -> goal
LIVES = {
    ("landlock", "disk", "process"): 0.35, ("landlock", "disk", "none"): 0.7,
    ("landlock", "tmpfs", "process"): 0.6, ("landlock", "tmpfs", "none"): 0.7,
    ("namespaces", "disk", "process"): 0.25, ("namespaces", "disk", "none"): 0.4,
    ("namespaces", "tmpfs", "process"): 0.35, ("namespaces", "tmpfs", "none"): 0.4,
}


def lives_rows(figures):
    for (level, kind, durability), goal in LIVES.items():
        name = f"lives_{level}_{kind}"
        value = figures.get(name)
        where = value["file_system"] if value else kind
        what = f"lives/s / bare, J=64, {level}, {where}, {durability}"
        if value is None:
            yield unmeasured(what, f">= {goal}", figures[f"{name}_refusal"])
        else:
            last = value["runs"][-1]
            yield at_least(what, goal, last[durability],
                           of=parts(last[f"{durability}_per_second"], last["bare_per_second"], " /s"))


def command_rows(figures):
    what = "`ringfort run -- true` / `bwrap --unshare-all`, p50"
    if figures["commands"] is None:
        yield unmeasured(what, "<= 0.7", figures["commands_refusal"])
    else:
        ours, theirs = figures["commands"]["commands"]
        yield at_most(what, 0.7, ours["p50_us"] / theirs["p50_us"],
                      of=parts(ours["p50_us"] / 1000, theirs["p50_us"] / 1000, " ms", 1))
    what = "batch from a Python host / library, lives/s, namespaces"
    if figures["batch"] is None:
        yield unmeasured(what, ">= 0.8", figures["batch_refusal"])
    else:
        by_batch, by_library = figures["batch"]["batch"], figures["batch"]["library"]
        yield at_least(what, 0.8, by_batch / by_library, of=parts(by_batch, by_library, " /s"))


def peer_rows(contest):
    for peer, goal in (("bubblewrap", 4), ("crun", 6), ("podman", 200)):
        what = f"lives/s / {peer}, same namespaces, J=64"
        entrant = contest.entrants.get(peer)
        if entrant is None:
            yield unmeasured(what, f">= {goal}", "not installed")
        elif entrant["refusal"]:
            yield unmeasured(what, f">= {goal}", entrant["refusal"])
        else:
            ours, theirs = (contest.cells(name)[64]["throughput"] for name in ("ringfort", peer))
            yield at_least(what, goal, ours / theirs, of=parts(ours, theirs, " /s"))


def crowd_rows(level, contest):
    cells = contest.cells("ringfort")
    best = max(cell["throughput"] for cell in cells.values())
    crowd = cells[1000]["throughput"]
    yield at_least(f"lives/s at J=1000 / best over all J, {level}", 0.9, crowd / best, of=parts(crowd, best, " /s"))
    yield at_most(f"failures, {level}", 0, contest.failures(), digits=0)


def start_rows(level, contest, goal):
    cells, bare = contest.cells("ringfort"), contest.cells("bare spawn")
    for key, call in (("start_call_p50", "start"), ("start_p50", "create")):
        what = f"from the call of {call} to the first instruction / bare, p50, J=1, {level}"
        ours, theirs = cells[1][key], bare[1]["start_p50"]
        yield at_most(what, goal, ours / theirs, of=parts(ours, theirs, " us"))
    yield at_most(f"exit to waiter's answer, p50, J=1, {level}", 0.2, cells[1]["answer_p50"] / 1000, unit=" ms")
    yield at_most(f"exit to waiter's answer, p99, J=64, {level}", 5, cells[64]["answer_p99"] / 1000, unit=" ms")


def memory_rows(level, contest):
    points = contest.value["memory"]
    what = f"memory for an idle container, {level}"
    if len(points) < 2:
        yield unmeasured(what, "<= 20 / 150 KiB", contest.value["memory_refusal"])
        return
    first, last = points[0], points[-1]
    count = last["live"] - first["live"]
    for key, name, goal in (("supervisor_pss", "supervisor", 20), ("all_pss", "all of ringfort", 150)):
        yield at_most(f"{what}: {name}, PSS", goal, (last[key] - first[key]) / count / 1024, 1, " KiB")


def contest_rows(figures):
    for level, start_goal in (("namespaces", 4), ("landlock", 2)):
        value = figures[level]
        if value is None:
            yield unmeasured(f"peers, crowd, start, exit and memory, {level}", "", figures[f"{level}_refusal"])
            continue
        contest = Contest(value)
        if level == "namespaces":
            yield from peer_rows(contest)
        yield from crowd_rows(level, contest)
        yield from start_rows(level, contest, start_goal)
        yield from memory_rows(level, contest)


def watchdog_rows(figures):
    value = figures["watchdogs"]
    if value is None:
        yield unmeasured("watchdogs", "<= 3 % of one core", figures["watchdogs_refusal"])
        return
    yield at_most(f"{value['containers']} watchdogs, of one core", 3, value["processor_percent"], unit=" %")
    strangers = [hog["reason"] for hog in value["hogs"] if hog["reason"] != "oom"]
    if strangers or not value["hogs"]:
        yield unmeasured("kill after the limit", "<= 50 ms", f"a hog ended as {strangers}")
        return
    yield at_most("kill after the limit, slowest: excess / growth rate", 50,
                  max(hog["late_ms"] for hog in value["hogs"]), 1, " ms")
    yield at_most(f"the same: peak / limit of {value['limit_mib']} MiB", 1.3,
                  max(hog["peak_mib"] for hog in value["hogs"]) / value["limit_mib"])


def clone_rows(figures):
    value = figures["clones"]
    what = "clone of 100 MB, 2,000 files"
    if value is None:
        yield unmeasured(what, "<= 1.2", figures["clones_refusal"])
        return
    for name, how in (("cp-reflink", "cp --reflink"), ("cp", "cp -a")):
        by_hand = value[name]
        label = f"{what} / `{how}`, {value['file_system']}"
        if "refusal" in by_hand:
            yield unmeasured(label, "<= 1.2", f"{value['file_system']} has no reflinks")
        elif name == "cp" and "refusal" not in value["cp-reflink"]:
            yield unmeasured(label, "<= 1.2", "the clone was a reflink")
        else:
            ours, theirs = value["ringfort"]["p50_ms"], by_hand["p50_ms"]
            yield at_most(label, 1.2, ours / theirs, of=parts(ours, theirs, " ms"))
    overlay = value["overlay"]
    label = f"{what}: overlay / one overlay mount"
    if "refusal" in overlay:
        yield unmeasured(label, "<= 1.2", overlay["refusal"])
    else:
        ours, theirs = overlay["ringfort_ms"], overlay["by_hand_ms"]
        yield at_most(label, 1.2, ours / theirs, of=parts(ours, theirs, " ms", 2))


def message_rows(figures):
    what = "questions through supervisor to container / CAF's own"
    if figures["messages"] is None:
        yield unmeasured(what, ">= 0.5", figures["messages_refusal"])
    else:
        ours, theirs = figures["messages"]["per_second"], figures["messages"]["caf_per_second"]
        yield at_least(what, 0.5, ours / theirs, of=parts(ours, theirs, " /s"))


def burst_rows(figures):
    value = figures["burst"]
    what = "one caller beside a burst / alone, p99 of create and start"
    if value is None:
        yield unmeasured(what, "<= 10", figures["burst_refusal"])
        return
    yield at_most(f"{what}, {value['burst']} at once", 10, value["ratio"],
                  of=parts(value["beside_p99_ms"], value["alone_p99_ms"], " ms", 1))
    yield at_most("the same: failures", 0, value["failures"], digits=0)


def density_rows(figures):
    value = figures["density"]
    if value is None:
        yield unmeasured("live containers", ">= 10000", figures["density_refusal"])
        return
    yield at_least("live containers, landlock", 10000, value["started"], digits=0)
    what = f"state, stats and exec of {value['asked']} of them: slowest answer"
    if value["answered"] == value["asked"]:
        yield at_most(what, 1000, value["answer_max_ms"], 1, " ms")
    else:
        yield Row(what, "<= 1000 ms", f"{value['answered']} answered: {value['first_error']}", "not met")


def table(figures):
    all_rows = []
    for part in (lives_rows, command_rows, contest_rows, watchdog_rows, clone_rows, message_rows, burst_rows,
                 density_rows):
        all_rows += part(figures)
    return all_rows


def heading(figures):
    for level in ("namespaces", "landlock"):
        if figures.get(level):
            machine = figures[level]["machine"]
            gib = round(machine["memory_bytes"] / 2**30)
            return (f"{machine['processor']}, {machine['cores']} cores, {gib} GiB, {machine['kernel']}, "
                    f"{machine['file_system']}; ringfort {figures[level]['version']}"
                    + peer_versions(figures[level]) + f"; {figures['load']}")
    return "this machine"


def peer_versions(value):
    peers = [entrant for entrant in value["entrants"]
             if entrant["version"] and not entrant["name"].startswith("ringfort")]
    return "".join(f"; {peer['name']}: {peer['version']}" for peer in peers)


def text(figures, rows):
    widths = [max(len(getattr(row, name)) for row in rows) for name in ("what", "goal")]
    lines = [heading(figures), ""]
    for row in rows:
        lines.append(f"{row.what:{widths[0]}}  {row.goal:{widths[1]}}  {row.verdict:7}  {row.figure}")
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("met", "not met", "-")}
    lines += ["", f"{counts['met']} met, {counts['not met']} not met, {counts['-']} not measured here"]
    return "\n".join(lines)


def markdown(figures, rows):
    lines = [heading(figures) + ".", "", "| figure | goal | here | |", "|---|---|---|---|"]
    for row in rows:
        what = row.what.replace(" / ", " ÷ ")
        goal = row.goal.replace(">=", "≥").replace("<=", "≤")
        lines.append(f"| {what} | {goal} | {row.figure} | {row.verdict} |")
    return "\n".join(lines) + "\n"
