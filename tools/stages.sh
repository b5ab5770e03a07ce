# What every recipe's run.sh is made of: sourced after its defaults, with its arguments, from its own directory.
# Reads stage, stop_stage, corpus, preset, seed, seeds, tag, root and work; leaves `at`, `need`, `fresh` and what
# cmd.sh says, data, exp, and runs: the directories that the report gathers, one for each seed.
given=("$@")
dry_run=false  # --cmd slurm --dry-run: print the batch scripts, submit nothing
ngpu=1         # processes per training
. ../../tools/parse_options.sh
. ../../tools/path.sh
. ../../tools/cmd.sh
[ -z "$root" ] || root=$(cd "$caller" && realpath -m "$root")
case "$work" in .|/*) ;; *) work=$caller/$work ;; esac
case "$work$tag" in *[[:space:]]*)
  echo "$0: --work and --tag must be without spaces; '$work' '$tag' would fall apart in command lines" >&2; exit 2 ;;
esac
unknown() {  # unknown OPTION VALUE: say what the help says that there is
  local known; known=$(sed -n "s/.*--$1 \([a-z|]*\).*/\1/p" <<< "$help_message")
  echo "$0: unknown --$1 $2; known: ${known//|/ }" >&2; exit 2
}
for number in stage stop_stage seed; do
  case "${!number}" in ""|*[!0-9]*)
    echo "$0: --${number//_/-} ${!number}: expected a number" >&2; exit 2 ;;
  esac
done
[ "$stage" -le "$stop_stage" ] && [ "$stop_stage" -le 8 ] ||
  { echo "$0: --stage $stage --stop-stage $stop_stage: expected 0 to 8, the first not after the last" >&2; exit 2; }
[ -d "conf/$preset" ] || unknown preset "$preset"
[ -x "local/$corpus.sh" ] || unknown corpus "$corpus"
data=$work/data/$corpus-$preset
if [ -z "$root" ] && [ -e "$data/root" ]; then root=$(cat "$data/root"); fi
if [ -n "$root" ]; then
  [ -d "$root" ] || { echo "$0: --root $root: no such folder" >&2; exit 2; }
  if [ ! -e "$data/root" ]; then
    mkdir -p "$data"; echo "$root" > "$data/root"
  elif [ "$(cat "$data/root")" != "$root" ]; then
    echo "$0: $data is made from $(cat "$data/root"), not from $root; choose another --work, or delete it" >&2; exit 2
  fi
fi

at() { [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ] && echo "== Stage $1: $2 ==" && begin "$1"; }
again() {  # again STAGE: this very command, from another stage on
  local words=("${given[@]}") i
  for i in "${!words[@]}"; do
    case "${words[i]:-}" in --stage|--stop-stage) unset "words[i]" "words[i + 1]" ;; esac
  done
  printf '%s --stage %s' "$0" "$1"
  [ ${#words[@]} = 0 ] || printf ' %q' "${words[@]}"
}
need() {  # need STAGE PATH...: stop where an input is missing, and say what makes it
  local made=$1 path; shift
  if awaits "$made"; then return; fi
  for path in "$@"; do
    [ -e "$path" ] || { echo "$0: $path is missing; stage $made makes it: $(again "$made")" >&2; exit 1; }
  done
}
fresh() {  # fresh OUTPUT INPUT...: the output is newer than all inputs, so that there is nothing to do
  local output=$1 input; shift
  if pending || [ ! -e "$output" ]; then return 1; fi
  for input in "$@"; do [ "$output" -nt "$input" ] || return 1; done
}

derive() {  # derive NAME OUTPUT INPUT... -- COMMAND...: a part with the log NAME, unless the output is fresh
  local name=$1 output=$2 inputs=(); shift 2
  while [ "$1" != -- ]; do inputs+=("$1"); shift; done
  fresh "$output" "${inputs[@]}" || part "$exp/log/$name.log" "${@:2}"
}

# Several seeds: a recipe of its own for each, and then the report over all of them.
exp=$work/exp/${tag:-$corpus-$preset-seed$seed}
runs=("$exp")
if [ -n "$seeds" ]; then
  name=${tag:-$corpus-$preset} runs=()
  case "$seeds" in *[!0-9,]*|,*|*,|*,,*)
    echo "$0: --seeds $seeds: expected numbers with commas, as in 1,2,3" >&2; exit 2 ;;
  esac
  for seed in ${seeds//,/ }; do
    echo "== Seed $seed =="
    of_seed=("$PWD/${0##*/}" "${given[@]}" --work "$work" --root "$root" --seeds "" --seed "$seed"
      --tag "$name-seed$seed" --stop-stage "$((stop_stage < 7 ? stop_stage : 7))")
    [ "$stage" = 8 ] || at_once "${of_seed[@]}"
    runs+=("$work/exp/$name-seed$seed")
  done
  all_of_them
  stage=8 exp=$work/exp/$name-seeds-${seeds//,/-}
fi
