#!/usr/bin/env python3
"""Runs 100 shell commands through one `ringfort batch`, 8 at a time, and prints each as it ends."""
import json
import subprocess
import sys
import threading

ringfort = sys.argv[1] if len(sys.argv) > 1 else "ringfort"
jobs = [{"id": f"square-{n}", "cmd": ["sh", "-c", f"echo $(({n} * {n}))"]} for n in range(98)]
jobs.append({"id": "fails", "cmd": ["sh", "-c", "echo oh no >&2; exit 7"]})
jobs.append({"id": "hangs", "cmd": ["sleep", "600"], "timeout": "200ms"})

batch = subprocess.Popen([ringfort, "batch", "-j", "8", "--memory", "64Mi"], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def feed():  # beside the reader: two full pipes would wait for each other for ever
    with batch.stdin as pipe:
        pipe.writelines(json.dumps(job) + "\n" for job in jobs)


threading.Thread(target=feed).start()
for line in batch.stdout:
    end = json.loads(line)
    print(end["id"], end["exit"]["reason"], end["exit"]["code"], (end["stdout"] + end["stderr"]).strip())
sys.exit(batch.wait())
