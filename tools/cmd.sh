# How a stage's commands are run, chosen by --cmd:
#   run LOG COMMAND...    run it, copy what it prints to LOG, fail as it fails
#   part LOG COMMAND...   the same for one of several that do not need each other; `parts NAME` closes them. Here,
#                         as many run at a time as the variable abreast says, or one
#   result TEXT           what to say when all is done
#   at_once COMMAND...    a recipe for one seed, next to the others where that is possible; `all_of_them` waits for them
case "$cmd" in
  local)
    jobs=()
    begin() { :; }
    awaits() { return 1; }
    pending() { return 1; }
    run() { "$repository/tools/local.sh" "$@"; }
    trap '[ ${#jobs[@]} = 0 ] || kill -- "${jobs[@]/#/-}" 2> /dev/null' EXIT
    part() {
      if [ "${abreast:-1}" = 1 ]; then run "$@"; return; fi
      set -m; run "$@" & set +m  # a process group of its own, so that the trap reaches all of it
      jobs+=($!)
      [ ${#jobs[@]} -lt "$abreast" ] || parts
    }
    parts() {  # each part is waited for, also where one before it failed
      local status=0 job
      for job in "${jobs[@]}"; do wait "$job" || status=1; done
      jobs=()
      return $status
    }
    result() { echo "$*"; }
    at_once() { "$@"; }
    all_of_them() { :; } ;;
  slurm) . ../../tools/slurm.sh ;;
  *) echo "$0: unknown --cmd $cmd; known: local slurm" >&2; exit 2 ;;
esac
