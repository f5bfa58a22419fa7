#include "ringfort/cli/commands/verbs.hpp"

namespace ringfort::cli {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all{
      {"run", "[OPTIONS] [--] CMD [ARG]...",
       "Run one program in a sandbox and pass its exit code on",
       "  ringfort run -- sh -c 'echo hello; id'\n"
       "  ringfort run --read . --timeout 30s --memory 512Mi -- python3 check.py\n"
       "  ringfort run --port -- sh -c 'exec python3 -m http.server $PORT'\n",
       make_run},
      {"batch", "[OPTIONS] < JOBS",
       "Run a job for each JSON line of stdin, print a report for each",
       "  echo '{\"id\": \"1\", \"cmd\": [\"echo\", \"hello\"]}' | ringfort batch\n"
       "  ringfort batch -j 16 --memory 256Mi --timeout 10s < jobs.jsonl\n",
       make_batch},
      {"up", "[OPTIONS] SPEC", "Start all services of a file and stay with them",
       "  ringfort up web.yaml\n"
       "  ringfort up --timeout 1m --json jobs.yaml\n",
       make_up},
      {"explain", "[OPTIONS] SPEC [SERVICE]",
       "Show what a service may do here, without starting it",
       "  ringfort explain web.yaml\n"
       "  ringfort explain --linux web.yaml web\n",
       make_explain},
      {"validate", "[OPTIONS] SPEC", "Check a file; nothing is said when all is well",
       "  ringfort validate web.yaml\n", make_validate},
      {"image", "[OPTIONS] add NAME DIR | ls | rm NAME | prune", "Register, list and remove images",
       "  ringfort image add debian /srv/debian-rootfs\n"
       "  ringfort image ls --json\n"
       "  ringfort image rm debian\n",
       make_image},
      {"version", "", "Show the version", "  ringfort version\n", make_version},
  };
  return all;
}

}  // namespace ringfort::cli
