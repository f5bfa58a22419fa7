#include "ringfort/cli/commands/verbs.hpp"

#include <iterator>

namespace ringfort::cli {

namespace {

const Verb kVerbs[] = {
    {"run", "[OPTIONS] [--] CMD [ARG]...", "Run one program in a sandbox and pass its exit code on",
     "  ringfort run -- sh -c 'echo hello; id'\n"
     "  ringfort run --read . --timeout 30s --memory 512Mi -- python3 check.py\n"
     "  ringfort run -it -- sh\n"
     "  ringfort run --port -- sh -c 'exec python3 -m http.server $PORT'\n"
     "  ringfort run -d --name web --port -- sh -c 'exec python3 -m http.server $PORT'\n",
     make_run},
    {"ps", "[OPTIONS] [PREFIX]", "List containers that live, of whomever",
     "  ringfort ps -a\n"
     "  ringfort ps --filter status=exited --filter exited=137\n"
     "  ringfort ps --json web\n",
     make_ps},
    {"inspect", "NAME...", "Print all that is known of containers as JSON",
     "  ringfort inspect web\n", make_inspect},
    {"logs", "[OPTIONS] NAME", "Print what a container wrote",
     "  ringfort logs --tail 10 --timestamps web\n"
     "  ringfort logs -f --since 10m web\n",
     make_logs},
    {"exec", "[OPTIONS] NAME CMD [ARG]...", "Run one more program inside a container",
     "  ringfort exec web cat /proc/self/status\n"
     "  ringfort exec -it web sh\n"
     "  ringfort exec -i web sh -c 'cat > /tmp/notes' < notes.txt\n",
     make_exec},
    {"stats", "[OPTIONS] [NAME...]", "Show what containers use, every second",
     "  ringfort stats\n"
     "  ringfort stats --no-stream --json web\n",
     make_stats},
    {"diff", "[OPTIONS] NAME", "List what a container has added, changed and deleted of its image",
     "  ringfort diff web\n"
     "  ringfort diff --json web\n",
     make_diff},
    {"create", "[OPTIONS] [--] CMD [ARG]...", "Make a container without starting it",
     "  ringfort create --name job -- sh -c 'echo hello'\n", make_create},
    {"start", "NAME...", "Start containers, again or for the first time", "  ringfort start job\n",
     make_start},
    {"stop", "[OPTIONS] NAME...", "TERM, and KILL for what does not heed it",
     "  ringfort stop -t 2 web\n", make_stop},
    {"kill", "[OPTIONS] NAME...", "Send a signal", "  ringfort kill -s HUP web\n", make_kill},
    {"wait", "NAME...", "Wait for ends and print the exit codes", "  ringfort wait job\n",
     make_wait},
    {"pause", "NAME...", "Let all processes of containers stand still", "  ringfort pause web\n",
     make_pause},
    {"unpause", "NAME...", "Let them go on", "  ringfort unpause web\n", make_unpause},
    {"rm", "[OPTIONS] NAME...", "Remove containers that have ended",
     "  ringfort rm job\n"
     "  ringfort rm -f web\n",
     make_rm},
    {"prune", "", "Remove all containers that have ended", "  ringfort prune\n", make_prune},
    {"batch", "[OPTIONS] < JOBS", "Run a job for each JSON line of stdin, print a report for each",
     "  echo '{\"id\": \"1\", \"cmd\": [\"echo\", \"hello\"]}' | ringfort batch\n"
     "  ringfort batch -j 16 --memory 256Mi --timeout 10s < jobs.jsonl\n",
     make_batch},
    {"up", "[OPTIONS] SPEC", "Start all services of a file and stay with them",
     "  ringfort up web.yaml\n"
     "  ringfort up --timeout 1m --json jobs.yaml\n",
     make_up},
    {"explain", "[OPTIONS] SPEC [SERVICE]", "Show what a service may do here, without starting it",
     "  ringfort explain web.yaml\n"
     "  ringfort explain --linux web.yaml web\n"
     "  ringfort explain --gaps web.yaml\n",
     make_explain},
    {"why", "[OPTIONS] OPERATION TARGET [SPEC [SERVICE]] | NAME",
     "Say whether a program may do one thing, and by which rule; exit code 1: it may not",
     "  ringfort why read ~/.ssh/id_rsa\n"
     "  ringfort why write ./out --read .\n"
     "  ringfort why connect 5432 web.yaml api\n"
     "  ringfort why --container web bind udp:53\n"
     "  ringfort why web\n",
     make_why},
    {"validate", "[OPTIONS] SPEC", "Check a file; nothing is said when all is well",
     "  ringfort validate web.yaml\n", make_validate},
    {"image", "[OPTIONS] add NAME DIR | ls | rm NAME | prune", "Register, list and remove images",
     "  ringfort image add debian /srv/debian-rootfs\n"
     "  ringfort image ls --json\n"
     "  ringfort image rm debian\n",
     make_image},
    {"volume", "[OPTIONS] ls | rm NAME...", "List and remove named volumes",
     "  ringfort volume ls\n"
     "  ringfort volume rm data cache\n",
     make_volume},
    {"doctor", "[OPTIONS]", "Show what this machine offers, and what would bring the rest",
     "  ringfort doctor\n"
     "  ringfort doctor --isolation namespaces --json\n",
     make_doctor},
    {"bench", "[OPTIONS]", "Measure starts here, beside a bare spawn and other sandboxes",
     "  ringfort bench\n"
     "  ringfort bench -n 500 -j 1,8 --peers bubblewrap,crun\n"
     "  ringfort bench --level landlock --csv bench.csv --svg bench.svg\n",
     make_bench},
    {"version", "", "Show the version", "  ringfort version\n", make_version},
};

}  // namespace

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all(std::begin(kVerbs), std::end(kVerbs));
  return all;
}

}  // namespace ringfort::cli
