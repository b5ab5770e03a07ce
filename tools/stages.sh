# shellcheck shell=bash source-path=SCRIPTDIR/../egs/desed_2021 disable=SC2034,SC2154  # options serve other files
# What every recipe's run.sh is made of: sourced with its arguments, from its own directory, after corpus, options (the
# names of its own options) and help (what is special about it). Leaves the options, `at`, `need`, `fresh`, `known` and
# what cmd.sh says, data, conf, exp, and runs: the directories that the report gathers, one for each seed.
given=("$@")
stage=0         # first stage
stop_stage=8    # last stage
root=           # where the recordings of a corpus are
preset=mini     # smoke: seconds, shows that it runs; mini: minutes, learns; paper: the published settings
rows=all        # a group of conf/rows.tsv
cmd=local       # how commands are run: here, or as Slurm jobs
dry_run=false   # --cmd slurm --dry-run: print the batch scripts, submit nothing
ngpu=1          # processes per training
settings=()     # of --set
seed=42         # of the training; the data do not depend on it
seeds=          # several, as in 1,2,3: every stage for each seed, then one table with mean and spread
tag=            # name of the experiment; default: corpus-preset-seed
work=.          # where data/ and exp/ go, such as a scratch disk
abreast=2       # no option: on one machine two commands, each with half of the processors, beat one with all of them
options=(stage stop_stage corpus root preset rows cmd dry_run ngpu set seed seeds tag work "${options[@]}")
mapfile -t corpora < <(printf '%s\n' local/*.sh | sed -n 's,^local/\([^_]*\)\.sh$,\1,p')  # one with _ is no corpus
mapfile -t presets < <(printf '%s\n' conf/*/ | sed -n '\,^conf/scenes/$,d; s,^conf/\(.*\)/$,\1,p')
help_message="Usage: $0 [options]
$(sed -n 's/^if at \([0-9]\) "\(.*\)"; then.*/  stage \1  \2/p' "${0##*/}")
  --stage N --stop-stage M   the first and the last of these (default: all)
  --corpus NAME  one of ${corpora[*]} (default $corpus); --root DIR: where its recordings are
  --preset NAME  one of ${presets[*]} (default $preset)
  --rows GROUP   a group of conf/rows.tsv, and what its rows are made from (default $rows)
  --set KEY=VALUE (repeatable)  of every training, or --set RUN:KEY=VALUE of one; with another --tag than before
  --cmd local|slurm (--dry-run: print the jobs)  --ngpu N (processes of a training)
  --seed N  --seeds 1,2,3 (mean and spread)  --tag NAME  --work DIR (where data/ and exp/ go)
$help"
. ../../tools/parse_options.sh
. ../../tools/path.sh
. ../../tools/cmd.sh
[ -z "$root" ] || root=$(cd "$caller" && realpath -m "$root")
case "$work" in .|/*) ;; *) work=$caller/$work ;; esac
case "$work$tag" in *[[:space:]]*)
  echo "$0: --work and --tag must be without spaces; '$work' '$tag' would fall apart in command lines" >&2; exit 2 ;;
esac
known() {  # known OPTION VALUE KNOWN...: stop where the value is none of those known
  local one
  for one in "${@:3}"; do [ "$one" != "$2" ] || return 0; done
  echo "$0: unknown --$1 $2; known: ${*:3}" >&2; exit 2
}
for number in stage stop_stage seed; do
  case "${!number}" in ""|*[!0-9]*)
    echo "$0: --${number//_/-} ${!number}: expected a number" >&2; exit 2 ;;
  esac
done
if [ "$stage" -gt "$stop_stage" ] || [ "$stop_stage" -gt 8 ]; then
  echo "$0: --stage $stage --stop-stage $stop_stage: expected 0 to 8, the first not after the last" >&2; exit 2
fi
known preset "$preset" "${presets[@]}"
known corpus "$corpus" "${corpora[@]}"
conf=conf/$preset
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
  stages_of() {  # stages_of SEED FIRST LAST: of the recipe for one seed
    at_once "$PWD/${0##*/}" "${given[@]}" --work "$work" --root "$root" --seeds "" --seed "$1" --tag "$name-seed$1" \
      --stage "$2" --stop-stage "$3"
  }
  last=$((stop_stage < 7 ? stop_stage : 7)) first=$stage
  # The data do not depend on the seed, and only one command at a time may write them. A dry run writes nothing, and
  # would miss them afterwards.
  if [ "$stage" -lt 2 ] && [ "$dry_run" = false ]; then
    stages_of "${seeds%%,*}" "$stage" "$((last < 1 ? last : 1))"
    all_of_them
    first=2
  fi
  for seed in ${seeds//,/ }; do
    echo "== Seed $seed =="
    [ "$first" -gt "$last" ] || stages_of "$seed" "$first" "$last"
    runs+=("$work/exp/$name-seed$seed")
  done
  all_of_them
  stage=8 exp=$work/exp/$name-seeds-${seeds//,/-}
fi
