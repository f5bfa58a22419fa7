"""Real programs, each with a small job, and what that job needs beside the default policy."""

from dataclasses import dataclass, field


@dataclass
class Program:
    name: str
    packages: str
    script: str  # for sh; "{bin}" and the like are filled in by the driver
    says: str  # among the output
    options: list = field(default_factory=list)
    needs: str = "–"
    service: str = None  # a server outside that the driver starts first
    version: str = None  # a command whose first line names it
    landlock: str = None  # why not at that level


NO_TERMINALS = ("a terminal's other end lies in /dev/pts, beside those of everybody; use "
                "`namespaces`, or `-t` for the program itself")

PROGRAMS = [
    Program("busybox", "busybox", "busybox sh -c 'busybox seq 3 | busybox tail -1; busybox uname'",
            "3\nLinux", version="busybox | head -1"),
    Program("bash", "bash", "bash -c 'set -o pipefail; a=(1 2 3); coproc cat; echo hi >&${COPROC[1]};"
            " read -u ${COPROC[0]} x; echo $x ${#a[@]} <(true)'", "hi 3 /dev/fd/",
            version="bash --version"),
    Program("coreutils", "coreutils", "cd $TMPDIR; mkdir -p a/b; cp -a /etc/localtime a/b/; dd if=/dev/"
            "zero of=z bs=1M count=4 status=none; split -b 1M z p.; cat p.* | sha256sum | cut -c1-8;"
            " ls -lR a >/dev/null; df . >/dev/null; nproc >/dev/null; timeout 5 sort z | wc -c; rm -r a",
            "bb9f8df6\n4194305", version="ls --version"),
    Program("grep, sed, gawk", "grep sed gawk", "printf 'b 2\\na 1\\n' | grep -v c | sed 's/a/A/' |"
            " gawk '{s+=$2; print} END {print s}'", "A 1\n3", version="gawk --version"),
    Program("tar, gzip, xz", "tar gzip xz-utils", "cd $TMPDIR; echo deep > f; tar cJf t.xz f; tar czf t.gz f;"
            " rm f; tar xf t.xz; cat f; tar tzf t.gz", "deep\nf", version="tar --version"),
    Program("git", "git", "cd $TMPDIR; git init -q r; cd r; git config user.email a@b; git config"
            " user.name n; echo x > f; git add f; git commit -qm first; git log --format=%s; git gc -q;"
            " git clone -q . ../c; ls ../c", "first\nf", version="git --version"),
    Program("curl", "curl", "curl -s http://127.0.0.1:{served}/hello", "hello from outside",
            ["--connect", "{served}"], "`--connect PORT`", "http", version="curl --version"),
    Program("wget", "wget", "cd $TMPDIR; wget -q http://127.0.0.1:{served}/hello; cat hello",
            "hello from outside", ["--connect", "{served}"], "`--connect PORT`", "http",
            version="wget --version"),
    Program("python3", "python3", "python3 -c 'import sqlite3, ssl, json, tempfile, subprocess, threading;"
            " t = threading.Thread(target=print, args=(\"thread\",)); t.start(); t.join();"
            " print(subprocess.run([\"echo\", \"child\"], capture_output=True, text=True).stdout)'",
            "thread\nchild", version="python3 --version"),
    Program("python3 multiprocessing", "python3", "python3 -c 'import multiprocessing as m\n"
            "def f(x): return x * x\nif __name__ == \"__main__\":\n p = m.Pool(2)\n"
            " print(p.map(f, [1, 2, 3]))'", "[1, 4, 9]", version="python3 --version",
            landlock="its semaphores lie in /dev/shm, beside those of everybody; use `namespaces`"),
    Program("perl", "perl", "perl -MPOSIX -e 'fork or do { print \"child\\n\"; exit }; wait; print strftime("
            "\"%Y\", gmtime(0)), \"\\n\"'", "child\n1970", version="perl -v | grep version"),
    Program("ruby", "ruby", "ruby -e 'r, w = IO.pipe; fork { w.puts \"child\" }; Process.wait; puts r.gets;"
            " puts Thread.new { 6 * 7 }.value'", "child\n42", version="ruby --version"),
    Program("lua", "lua5.4", "lua5.4 -e 'local f = io.popen(\"echo piped\"); print(f:read(\"a\"))'", "piped",
            version="lua5.4 -v"),
    Program("tcl", "tcl", "echo 'puts [exec echo executed]' | tclsh", "executed",
            version="echo 'puts $tcl_patchLevel' | tclsh"),
    Program("php", "php-cli", "php -r 'echo json_encode([\"a\" => strlen(shell_exec(\"echo x\"))]), PHP_EOL;'",
            '{"a":2}', version="php --version"),
    Program("node", "nodejs", "node -e 'const {Worker} = require(\"worker_threads\"); new Worker(\"console.log("
            "6 * 7)\", {eval: true}); require(\"fs\").writeFileSync(process.env.TMPDIR + \"/x\", \"y\");"
            " console.log(require(\"child_process\").execSync(\"echo child\").toString())'", "child",
            version="node --version"),
    Program("sqlite3", "sqlite3", "sqlite3 $TMPDIR/db 'pragma journal_mode=wal; create table t(x); insert into t"
            " values (1),(2); select sum(x) from t'", "wal\n3", version="sqlite3 --version"),
    Program("jq", "jq", "echo '{\"a\": [1, 2]}' | jq '.a | add'", "3", version="jq --version"),
    Program("bc", "bc", "echo '2^100' | bc", "1267650600228229401496703205376", version="bc --version"),
    Program("openssl", "openssl", "cd $TMPDIR; openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 1"
            " -subj /CN=x 2>/dev/null; openssl x509 -in c -noout -subject", "CN = x",
            version="openssl version"),
    Program("rsync", "rsync", "cd $TMPDIR; mkdir a; echo synced > a/f; rsync -a a/ b/; cat b/f", "synced",
            version="rsync --version"),
    Program("gcc", "gcc libc6-dev", "cd $TMPDIR; printf '#include <stdio.h>\\nint main(){puts(\"compiled\");}'"
            " > c.c; gcc -O2 -pipe c.c -o c; ./c", "compiled", version="gcc --version"),
    Program("make", "make gcc libc6-dev", "cd $TMPDIR; printf 'all: a b\\n\\t@echo all\\na b:\\n\\t@echo $@\\n' >"
            " Makefile; make -s -j4", "all", version="make --version"),
    Program("gdb", "gdb", "gdb -q -batch -ex run -ex quit --args /bin/echo debugged", "debugged",
            ["--seccomp", "build"], "`--seccomp build`", version="gdb --version",
            landlock="debuggers are for processes of one PID namespace; use `namespaces`"),
    Program("a terminal of its own (script)", "bsdutils", "script -qec 'tty >/dev/null && echo typed' /dev/null",
            "typed", version="script --version",
            landlock=NO_TERMINALS),
    Program("tmux", "tmux", "cd $TMPDIR; tmux -S s -f /dev/null new-session -d 'echo in-tmux > out; sleep 5';"
            " for i in 1 2 3 4 5 6 7 8 9; do [ -s out ] && break; sleep 0.3; done; cat out;"
            " tmux -S s kill-server", "in-tmux", version="tmux -V", landlock=NO_TERMINALS),
    Program("redis-server", "redis-server", "redis-server --port $PORT --bind 127.0.0.1 --dir $TMPDIR --daemonize"
            " no --save '' >/dev/null & for i in 1 2 3 4 5 6 7 8 9; do redis-cli -p $PORT set a b 2>/dev/null"
            " | grep -q OK && break; sleep 0.2; done; redis-cli -p $PORT get a", "b", ["--port"], "`--port`",
            version="redis-server --version"),
    Program("memcached", "memcached", "memcached -u user -l 127.0.0.1 -p $PORT -U 0 & for i in 1 2 3 4 5 6 7 8 9;"
            " do printf 'set a 0 0 1\\r\\nx\\r\\nget a\\r\\nquit\\r\\n' | bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0"
            " && cat >&3 && cat <&3' $PORT 2>/dev/null | grep VALUE && break; sleep 0.2; done", "VALUE a",
            ["--port"], "`--port`", version="memcached --version"),
    Program("nginx", "nginx-light curl", "cd $TMPDIR; mkdir -p n/logs; echo served > n/index.html; printf 'daemon"
            " off; pid n.pid; error_log stderr; events {} http { access_log off; client_body_temp_path b;"
            " proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; server { listen"
            " 127.0.0.1:%s; root %s/n; } }' $PORT $TMPDIR > n/n.conf; /usr/sbin/nginx -p $TMPDIR/ -c n/n.conf"
            " -e stderr 2>err & for i in 1 2 3 4 5 6 7 8 9; do curl -sf http://127.0.0.1:$PORT/ && break;"
            " sleep 0.2; done; cat err >&2", "served", ["--port"], "`--port`",
            version="/usr/sbin/nginx -v"),
    Program("postgres", "postgresql", "cd $TMPDIR; b=$(ls -d /usr/lib/postgresql/*/bin); $b/initdb -D d -U me"
            " >/dev/null && $b/pg_ctl -D d -w -t 30 -l l -o \"-k $TMPDIR -p $PORT -c listen_addresses=127.0.0.1\""
            " start >/dev/null; cat l >&2; $b/psql -h 127.0.0.1 -p $PORT -U me -At postgres -c 'select 6 * 7';"
            " $b/pg_ctl -D d -m fast stop >/dev/null", "42", ["--port"], "`--port`",
            version="ls /usr/lib/postgresql",
            landlock="it wants SysV shared memory, which is everybody's there; use `namespaces`"),
    Program("ssh to a server outside", "openssh-client openssh-server", "cp {keys}/key $TMPDIR/key; chmod 600"
            " $TMPDIR/key; ssh -F none -i $TMPDIR/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=$TMPDIR/h"
            " -o BatchMode=yes -p {sshd} {login}@127.0.0.1 echo over-ssh", "over-ssh",
            ["--connect", "{sshd}", "--read", "{keys}"], "`--connect PORT --read KEYS`", "ssh",
            version="ssh -V",
            landlock="it wants its user in the host's /etc/passwd; use `namespaces`, which makes one"),
]
