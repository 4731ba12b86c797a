# suite.sh - runs a suite of pg_regress or pg_isolation_regress against a throwaway server; for the run scripts to read.
#
#   run_suite PROGRAM FOLDER SOURCES TEST...
#
# PROGRAM is regress/pg_regress or isolation/pg_isolation_regress, FOLDER holds SOURCES (sql or specs) and expected.
# The server runs in a temporary folder of its own, never as root, and leaves nothing behind.  It loads the extension
# that tools/build has made; with INSTALLED=1, or where nothing has been built, the one that is installed.
#
# With UPDATE=1 the output becomes the expectation.  With VALGRIND=1 the server runs under valgrind, and an error that
# it finds counts as a failure.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# A server that runs under valgrind: a folder of programs in which "postgres" is a script.
wrap_in_valgrind() { # wrap_in_valgrind BINDIR FOLDER
  command -v valgrind >/dev/null || { echo "run: needs the package \"valgrind\"" >&2; return 1; }
  mkdir "$2"
  ln -s "$1"/* "$2"
  rm "$2/postgres"
  # Leaks are what a server that ends by exit() does; its processes have their own logs.
  cat >"$2/postgres" <<SCRIPT
#!/bin/sh
exec valgrind --quiet --trace-children=yes --leak-check=no --error-limit=no --gen-suppressions=all --num-callers=30 \
  ${VALGRIND_SUPPRESSIONS:+--suppressions='$VALGRIND_SUPPRESSIONS'} --log-file='$work/valgrind/%p' '$1/postgres' "\$@"
SCRIPT
  chmod +x "$2/postgres"
  mkdir "$work/valgrind"
}

# What valgrind has said about our library, or about the server where it ran our code.
report_valgrind() {
  local reports
  reports=$(grep -l . "$work"/valgrind/* 2>/dev/null || true)
  [ -n "$reports" ] || return 0
  # shellcheck disable=SC2086
  cat $reports
  echo "valgrind: errors in $(wc -w <<<"$reports") processes"
  return 1
}

run_suite() {
  local program=$1 folder=$2 sources=$3
  shift 3
  local pg_config bindir test_programs test
  pg_config=$("$top/tools/pg-config")
  bindir=$("$pg_config" --bindir)
  test_programs=$(dirname "$("$pg_config" --pgxs)")/../test

  work=$(mktemp -d "${TMPDIR:-/tmp}/walgate-suite.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/input" "$work/output"
  cp -r "$folder/$sources" "$folder/expected" "$work/input/"
  cp "$top/tests/regress/regress.conf" "$work/server.conf"
  for test in "$@"; do
    [ -e "$work/input/expected/$test.out" ] || [ "${UPDATE:-}" != 1 ] || touch "$work/input/expected/$test.out"
  done
  # Minor releases before 15.19, 16.15, 17.11 and 18.6 know no such setting and refuse to start with it.
  local settings
  settings=$("$bindir/postgres" --describe-config)
  if grep -q '^output_plugin_libraries' <<<"$settings"; then
    echo "output_plugin_libraries = 'pgoutput, test_decoding, walgate'" >>"$work/server.conf"
  fi
  if [ "${INSTALLED:-}" != 1 ] && [ -d "$top/build/dev/stage" ]; then
    PG_CONFIG=$pg_config "$top/tools/stage-extension" "$work/stage" >>"$work/server.conf"
  fi
  if [ "${VALGRIND:-}" = 1 ]; then
    wrap_in_valgrind "$bindir" "$work/bin"
    bindir=$work/bin
    export PGCTLTIMEOUT=600
  fi

  # A server does not run as root.
  local as_user=()
  if [ "$(id -u)" = 0 ]; then
    as_user=(runuser -u postgres --)
    chown -R postgres "$work"
  fi
  local status=0
  (cd "$work" && "${as_user[@]}" "$test_programs/$program" --bindir="$bindir" --inputdir="$work/input" \
    --outputdir="$work/output" --temp-instance="$work/instance" --temp-config="$work/server.conf" --encoding=UTF8 \
    --no-locale --load-extension=plpgsql --load-extension=walgate --dbname=regression "$@") >"$work/log" 2>&1 ||
    status=$?
  cat "$work/log"
  if [ "${UPDATE:-}" = 1 ]; then
    for test in "$@"; do
      local to=$folder/expected/$test.out
      [ -e "$work/output/results/$test.out" ] || continue
      cp --no-preserve=all "$work/output/results/$test.out" "$to"
    done
  fi
  if [ $status != 0 ]; then
    cat "$work/output/regression.diffs" 2>/dev/null ||
      tail -n 50 "$work/output/log/postmaster.log" "$work/output/log/initdb.log" 2>/dev/null || true
  fi
  [ "${VALGRIND:-}" != 1 ] || report_valgrind || status=1

  # "test name ... ok 12 ms" up to 15, "ok 1 - name 12 ms" since 16.
  local passed
  passed=$(grep -cE '^(test .* \.\.\. ok|ok [0-9]+ )' "$work/log" || true)
  echo "$passed passed, $(($# - passed)) failed"
  [ $status = 0 ] && [ "$passed" = $# ]
}
