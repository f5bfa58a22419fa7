#!/usr/bin/env bash
# Brings web.yaml up, asks each replica for its page, waits for the hog and the job to end, takes
# all down and looks for leftovers. Usage: demo.sh [path of ringfort]; under a minute.
set -euo pipefail

ringfort=$(command -v "${1:-ringfort}") || { echo "demo: no ringfort; try: make build" >&2; exit 1; }
spec=$(dirname "$(realpath "$0")")/web.yaml
work=$(mktemp -d "${TMPDIR:-/tmp}/ringfort-demo.XXXXXX")
export RINGFORT_DATA_DIR=$work/data
patience=40
up=

say() { printf '\n== %s\n' "$*"; }
fail() { echo "demo: $*" >&2; exit 1; }
finish() {
  [ -z "$up" ] || kill -INT "$up" 2>/dev/null && wait "$up" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# The page of a local port, by bash alone: a bare machine has no curl.
page() {
  exec 4<>"/dev/tcp/127.0.0.1/$1"
  printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >&4
  timeout 5 sed '1,/^\r$/d' <&4
  exec 4>&-
}

# "pid start-time" of every process below pid $1; together they never name another process.
descendants() {
  local stat text fields pid parent=() born=()
  for stat in /proc/[0-9]*/stat; do
    # To the end of the file: a process's name may hold a newline.
    text=
    { read -r -d '' text <"$stat" || [ -n "$text" ]; } 2>/dev/null || continue
    pid=${text%% *}
    read -ra fields <<<"${text##*) }" # proc(5): from field 3 on
    parent[pid]=${fields[1]} born[pid]=${fields[19]}
  done
  local -a below=("$1")
  while [ ${#below[@]} -gt 0 ]; do
    local next=()
    for pid in "${!parent[@]}"; do
      [[ " ${below[*]} " != *" ${parent[pid]} "* ]] || { next+=("$pid") && echo "$pid ${born[pid]}"; }
    done
    below=("${next[@]}")
  done
}

is_alive() {
  local text='' fields
  { read -r -d '' text <"/proc/$1/stat" || [ -n "$text" ]; } 2>/dev/null || return 1
  read -ra fields <<<"${text##*) }"
  [ "${fields[19]}" = "$2" ]
}

say "ringfort validate"
"$ringfort" validate "$spec"

say "ringfort up"
mkfifo "$work/output"
set -m # else a background process starts with SIGINT ignored
"$ringfort" up "$spec" </dev/null >"$work/output" 2>&1 &
up=$!
set +m
exec 3<"$work/output"

pages=0 hog='' report=''
end=$((SECONDS + patience))
while [ $pages -lt 3 ] || [ -z "$hog" ] || [ -z "$report" ]; do
  left=$((end - SECONDS))
  [ $left -gt 0 ] && read -r -t $left -u 3 line ||
    fail "$SECONDS s and no more to come: $pages of 3 pages, hog '$hog', report '$report'"
  printf '%s\n' "$line"
  if [[ $line =~ listening\ on\ http://127\.0\.0\.1:([0-9]+) ]]; then
    text=$(page "${BASH_REMATCH[1]}")
    printf '   page: %s\n' "$text"
    [ "$text" = "hello from port ${BASH_REMATCH[1]}" ] || fail "that is not its page"
    pages=$((pages + 1))
  fi
  [[ ! $line =~ hog-1.*oom ]] || hog=$line
  [[ ! $line =~ report-1.*exited ]] || report=$line
done
say "the hog: $hog"
say "the job: $report"

say "Ctrl-C"
processes=$(descendants "$up")
kill -INT "$up"
while read -r -t 20 -u 3 line; do printf '%s\n' "$line"; done
status=0
wait "$up" || status=$?
up=
# 1 = a service failed, and the hog did.
[ $status = 1 ] || fail "ringfort up ended with $status instead of 1"

say "what is left"
for ((try = 0; try < 50; ++try)); do
  alive=$(while read -r pid born; do ! is_alive "$pid" "$born" || echo "$pid"; done <<<"$processes")
  [ -n "$alive" ] || break
  sleep 0.1 # an orphan is gone when init has reaped it, which nobody is told of
done
[ -z "$alive" ] || fail "processes: $alive"
! grep -F "$work" /proc/self/mountinfo || fail "mounts, see above"
left=$(cd "$RINGFORT_DATA_DIR" && find containers state .staging .trash -mindepth 1 \
  ! -path state/owners 2>/dev/null) || true
[ -z "$left" ] || fail "below $RINGFORT_DATA_DIR: $left"
echo "no process of $(wc -l <<<"$processes"), no mount, no directory"
