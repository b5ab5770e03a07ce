# How a stage's commands are run, chosen by --cmd:
#   run LOG COMMAND...    run it, copy what it prints to LOG, fail as it fails
#   part LOG COMMAND...   the same for one of several that do not need each other; `parts NAME` closes them
#   result TEXT           what to say when all is done
#   at_once COMMAND...    a recipe for one seed, next to the others where that is possible; `all_of_them` waits for them
case "$cmd" in
  local)
    begin() { :; }
    awaits() { return 1; }
    pending() { return 1; }
    run() { "$repository/tools/local.sh" "$@"; }
    part() { run "$@"; }
    parts() { :; }
    result() { echo "$*"; }
    at_once() { "$@"; }
    all_of_them() { :; } ;;
  slurm) . ../../tools/slurm.sh ;;
  *) echo "$0: unknown --cmd $cmd; known: local slurm" >&2; exit 2 ;;
esac
