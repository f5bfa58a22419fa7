"""What came of the attempts, as text for a terminal and as docs/ISOLATION.md."""

from dataclasses import dataclass


@dataclass
class Cell:
    level: str
    user: str
    control: str  # the same attempt by the same user outside of a sandbox
    outcome: str
    has_changed: bool  # a file outside, whatever the outcome says


def came_about(row, cell):
    return cell.outcome in row.reached or cell.has_changed


def verdict(row, cell):
    """A word for one cell."""
    if cell.outcome.startswith("?"):
        return "BROKEN"
    if came_about(row, cell):
        return "allowed" if row.reason(cell.level, cell.user) else "ALLOWED"
    return "denied" if cell.control in row.reached else "-"


def is_proven(row, cells):
    return any(cell.control in row.reached for cell in cells)


def takes_root(cells):
    """Only root could prove it, and did not try."""
    return all(cell.user != "root" and cell.control in ("EPERM", "EACCES") for cell in cells)


def is_lacking(row, cells, lacking):
    return row.may_lack or all(cell.control in lacking for cell in cells)


def faults_of(row, cells, lacking):
    found = []
    for cell in cells:
        word = verdict(row, cell)
        what = f"{row.section}: {row.text} ({row.words}), {cell.level} {cell.user}: "
        if word == "ALLOWED":
            changed = ", and files have changed" if cell.has_changed else ""
            found.append(f"{what}ALLOWED{changed}")
        elif word == "BROKEN":
            found.append(f"{what}the probe did not answer: {cell.outcome}")
    if not (is_proven(row, cells) or is_lacking(row, cells, lacking) or takes_root(cells)):
        outcomes = ", ".join(sorted({f"{cell.user} {cell.control}" for cell in cells}))
        found.append(f"{row.section}: {row.text} ({row.words}): does not succeed outside either "
                     f"({outcomes}): it proves nothing")
    return found


def print_report(rows, table, notes, lacking):
    """Returns the faults."""
    faults, counts = [], {"denied": 0, "allowed": 0, "-": 0, "ALLOWED": 0, "BROKEN": 0}
    proven = 0
    for number, cells in table.items():
        row = rows[number]
        proven += is_proven(row, cells)
        for cell in cells:
            counts[verdict(row, cell)] += 1
        faults += faults_of(row, cells, lacking)
        stale = {key for key in row.known} - {
            key for cell in cells if came_about(row, cell)
            for key in (f"{cell.level} {cell.user}", cell.level, "any")}
        seen = {cell.level for cell in cells}
        for key in sorted(stale):
            if key.split()[0] in seen:
                print(f"note: {row.section}: {row.text}: known to be allowed at {key}, and denied")
    for note in notes:
        print("not tried:", note)
    for fault in faults:
        print(fault)
    print(f"{len(table)} attempts, {proven} of them succeed outside of a sandbox; in sandboxes "
          f"{counts['denied']} denied, {counts['allowed']} allowed and documented, "
          f"{counts['-']} which that user cannot do outside either, {counts['ALLOWED']} ALLOWED")
    return faults


def write_document(path, rows, table, notes, lacking):
    columns = []
    for cells in table.values():
        for cell in cells:
            if (cell.level, cell.user) not in columns:
                columns.append((cell.level, cell.user))
    reasons = []
    lines = [INTRODUCTION]
    section = None
    for number, cells in table.items():
        row = rows[number]
        if row.section != section:
            section = row.section
            lines += ["", f"## {section}", "",
                      "| attempt | " + " | ".join(f"{level}, {user}" for level, user in columns) + " |",
                      "|---" * (len(columns) + 1) + "|"]
        known = {(cell.level, cell.user): cell for cell in cells}
        words = []
        for column in columns:
            words.append(word_of(row, known.get(column), cells, lacking, reasons))
        lines.append(f"| {row.text} | " + " | ".join(words) + " |")
    lines += ["", "## Why it is allowed", ""]
    lines += [f"{number + 1}. {reason}" for number, reason in enumerate(reasons)]
    for note in notes:
        lines += ["", f"Not tried: {note}"]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def word_of(row, cell, cells, lacking, reasons):
    if cell is None:
        return ""
    word = verdict(row, cell)
    if word == "allowed":
        reason = row.reason(cell.level, cell.user)
        if reason not in reasons:
            reasons.append(reason)
        return f"**allowed** ({reasons.index(reason) + 1})"
    if word == "-" and is_lacking(row, cells, lacking):
        return "not on this machine"
    return "–" if word == "-" else word


INTRODUCTION = """# What each isolation holds

Made by `make probes DOCUMENT=docs/ISOLATION.md`; do not edit. Each attempt is a small static
program (`tests/probes`). It is made outside of a sandbox first, by the same user, where it must
succeed for the row to prove anything, and then in a sandbox under the default policy.

*denied*: the attempt failed, and left files outside as they were. *allowed (n)*: it came about, and
the reason is below. *–*: this user cannot do it outside either. *not on this machine*: the machine
that made this table has no such thing."""
