# shellcheck shell=bash disable=SC2154,SC2206,SC2046  # the variables are those of stages.sh; numbers of jobs have no spaces
# --cmd slurm: sourced by cmd.sh. Commands become jobs (`sedsep submit`) that wait in the queue for the jobs of the
# stages they need, and for the job before them in their stage. run.sh waits for all of them at its end, exits as the
# first that fails, and cancels what it submitted where it is interrupted or fails.
declare -A submitted=()  # stage -> its jobs
present='' after=() gathered=() ids=() last_words=() children=()

begin() { present=$1 after=(); }
awaits() {  # awaits STAGE: whether its jobs are in the queue; the present stage's next job then comes after them
  [ -n "${submitted[$1]:-}" ] || return 1
  after+=(${submitted[$1]})
}
pending() { [ ${#after[@]} -gt 0 ]; }
submit() {  # submit ARGUMENTS...: of `sedsep submit`
  local job
  local options=()
  for job in $(printf '%s\n' "${after[@]}" | sort -u); do options+=(--after "$job"); done
  if [ "$dry_run" = true ]; then
    sedsep submit --dry-run "${options[@]}" "$@"
    job=${name_of_job}
  else
    job=$(sedsep submit "${options[@]}" "$@")
    echo "$name_of_job: job $job"
  fi
  ids+=($job); submitted[$present]+=" $job"
}
run() {  # run LOG COMMAND...: one job
  name_of_job=$(basename "$1" .log)
  submit "$@"
  after=("${ids[@]: -1}")
}
part() { gathered+=("$1"$'\t'"$(printf '%q ' "${@:2}")"); }
parts() {  # parts NAME: what `part` gathered, as one array
  [ ${#gathered[@]} -gt 0 ] || return 0
  name_of_job=$1
  submit --array "$exp/log/$1.log" < <(printf '%s\n' "${gathered[@]}")
  gathered=() after=("${ids[@]: -1}")
}
result() { last_words+=("$*"); }
at_once() {
  if [ "$dry_run" = true ]; then "$@"; else "$@" & children+=($!); fi
}
all_of_them() {
  local child
  for child in "${children[@]}"; do wait "$child"; done
  children=()
}

finish() {
  local code=$?
  trap - EXIT INT TERM HUP
  if [ "$code" -ne 0 ] && [ ${#children[@]} -gt 0 ]; then kill "${children[@]}" 2> /dev/null || true; fi
  if [ "$dry_run" = true ] || [ ${#ids[@]} -eq 0 ]; then exit "$code"; fi
  if [ "$code" -ne 0 ]; then
    echo "$0: cancelling jobs ${ids[*]}" >&2
    scancel "${ids[@]}"; exit "$code"
  fi
  sedsep jobs "$exp" $(printf ' --wait %s' "${ids[@]}") &
  trap 'kill $!; echo "$0: cancelling jobs ${ids[*]}" >&2; scancel "${ids[@]}"; exit 130' INT TERM HUP
  wait $! || code=$?
  if [ "$code" = 0 ] && [ ${#last_words[@]} -gt 0 ]; then printf '%s\n' "${last_words[@]}"; fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
