# shellcheck shell=bash disable=SC2154  # the variables are those of stages.sh
# How a stage's commands are run, chosen by --cmd:
#   run LOG COMMAND...    run it, copy what it prints to LOG, fail as it fails
#   part LOG COMMAND...   the same for one of several that do not need each other, which `parts NAME` runs. Here, as
#                         many at a time as the variable abreast says, or one, and each with its share of the processors
#   result TEXT           what to say when all is done
#   at_once COMMAND...    a recipe for one seed, next to the others where that is possible; `all_of_them` waits for them
case "$cmd" in
  local)
    gathered=() jobs=()
    begin() { :; }
    awaits() { return 1; }
    pending() { return 1; }
    run() { "$repository/tools/local.sh" "$@"; }
    trap '[ ${#jobs[@]} = 0 ] || kill -- "${jobs[@]/#/-}" 2> /dev/null' EXIT
    part() { gathered+=("$(printf '%q ' "$@")"); }
    parts() {  # each part is waited for, also where one before it failed
      local command status=0 running=0 most=${abreast:-1} threads
      [ "$most" -le ${#gathered[@]} ] || most=${#gathered[@]}
      threads=${OMP_NUM_THREADS:-$((most > 1 ? ($(nproc) + most - 1) / most : 0))}
      for command in "${gathered[@]}"; do
        set -m  # a process group of its own, so that the trap reaches all of it
        ( [ "$threads" = 0 ] || export OMP_NUM_THREADS=$threads; eval "run $command" ) & set +m
        jobs+=($!) running=$((running + 1))
        [ "$running" -lt "$most" ] || { wait -n || status=1; running=$((running - 1)); }
      done
      while [ "$running" -gt 0 ]; do wait -n || status=1; running=$((running - 1)); done
      jobs=() gathered=()
      return $status
    }
    result() { echo "$*"; }
    at_once() { "$@"; }
    all_of_them() { :; } ;;
  slurm) . ../../tools/slurm.sh ;;
  *) echo "$0: unknown --cmd $cmd; known: local slurm" >&2; exit 2 ;;
esac
