#!/usr/bin/env bash
# local.sh LOG COMMAND...: run a command here, copy what it prints to LOG, and exit as it does.
set -uo pipefail
log=$1; shift
mkdir -p "$(dirname "$log")"
{ printf '# %s\n# host %s, started %s\n' "$*" "$(hostname)" "$(date '+%F %T')"; } > "$log"
if [ -t 2 ]; then export SEDSEP_BARS=1; fi
start=$SECONDS
"$@" 2>&1 | tee >(sed -u 's/.*\r//' >> "$log")
code=${PIPESTATUS[0]}
printf '# ended with exit code %s after %s s\n' "$code" "$((SECONDS - start))" >> "$log"
[ "$code" = 0 ] || echo "$0: failed with exit code $code; the log is $log" >&2
exit "$code"
