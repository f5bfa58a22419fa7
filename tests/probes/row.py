"""An attempt: section of the table, what is tried, and what is known to come about.

Words in braces are filled in by the driver (see World). `known` maps a cell to the reason why the
attempt is allowed there: "landlock", "landlock root", "namespaces plain", "any".
"""

from dataclasses import dataclass, field

# How a container is started for an attempt, and what is ahead of the words.
NONE = ()
LISTED = ("--net", "local", "--connect", "19009", "--listen", "19009")


@dataclass
class Row:
    section: str
    words: str
    text: str
    options: tuple = NONE
    # "image": the options name a link planted in an image, and files outside must not change;
    # "overlay": from a root that lies over an image; "layer": on that root, and the image must not
    # change;
    # "volume": the files outside are bound read-only, and a directory to be written;
    # "detached": the container's own files have known names; "exec" into one that runs; "terminal":
    # the caller has one; "descriptors": the caller has 40 open.
    how: str = "run"
    control: str = None  # words of the proof that it works, where they differ
    may_lack: bool = False  # machines may refuse it to everybody
    reached: tuple = ("ok",)  # outcomes that mean that it came about
    known: dict = field(default_factory=dict)

    def reason(self, level, user):
        for cell in (f"{level} {user}", level, "any"):
            if cell in self.known:
                return self.known[cell]
        return None


STAT = {"landlock": "no right of Landlock covers looking at names, sizes and modes, or watching"}
METADATA = {"landlock plain": "Landlock has no right for modes, times and attributes; it is one user"}
PATH_SOCKET = {"landlock": "Landlock has no right for unix sockets with a path"}
OWN_NETWORK = {"network": "in a network of the container's own"}
LISTEN = {**dict.fromkeys(("landlock", "namespaces"),
                          "no rule of Landlock sees listen() without bind()"), **OWN_NETWORK}
HOST_NET = {"namespaces": "the host's network is shared", **OWN_NETWORK}


def apart(reason):
    """Known where the container has namespaces of its own."""
    return dict.fromkeys(("namespaces", "network"), reason)


class Rows(list):
    """Of one section after the other."""

    def __init__(self):
        super().__init__()
        self.section = ""

    def add(self, words, text, options=NONE, **more):
        self.append(Row(self.section, words, text, options, **more))
