# shellcheck shell=bash disable=SC2154  # the variables are those of stages.sh
# The one loop of all recipes: sourced after stages.sh. conf/runs.tsv lists what is trained from what, conf/rows.tsv the
# rows of results: what is decoded, of which set, and how it is smoothed and measured (README.md, "Recipes are tables").
#   make_rows STAGE           all that is listed for stage 2, 3, 4 or 5: job after job, and side by side within a job
#   smooth_rows, score_rows   the rows of results
#   report_rows OPTION...     their page, for all seeds, with these options of sedsep report
# In the cells of `smooth`, --fit SET fits a smoother on the very row, and --as ROW takes the one that was fitted on that.
# Leaves also spared: sets that only rows outside --rows need.
tables=(conf/runs.tsv conf/rows.tsv)
[ ! -e conf/groups.tsv ] || tables=(conf/groups.tsv "${tables[@]}")
listed=$(awk -F '\t' -v OFS='\t' -v recipe="$0" -v group="$rows" -f ../../tools/rows.awk "${tables[@]}") || exit 2
declare -A stage_of=() job_of=() command_of=() conf_of=() options_of=() from_of=() data_of=() smooth_of=() metrics_of=()
names=() trained=() enrolled=() tested=() spared=' '
while IFS=$'\t' read -r name made_in job command yaml more from on smooth metrics; do
  if [ "$name" = - ]; then spared+="$made_in "; continue; fi
  names+=("$name") stage_of[$name]=$made_in job_of[$name]=$job command_of[$name]=$command conf_of[$name]=$yaml
  options_of[$name]=$more from_of[$name]=$from data_of[$name]=$on smooth_of[$name]=$smooth metrics_of[$name]=$metrics
  case $command in train-*) trained+=("$name") ;; enroll-*) enrolled+=("$name") ;; *) tested+=("$name") ;; esac
done <<< "$listed"

for setting in "${settings[@]}"; do
  case ${setting%%=*} in
    "$setting") echo "$0: --set $setting: expected KEY=VALUE or RUN:KEY=VALUE" >&2; exit 2 ;;
    *:*) known set "${setting%%:*}" "${trained[@]}" "${enrolled[@]}" ;;
  esac
done
settings_of() {  # settings_of RUN: into `set` the --set options that are meant for it
  local setting; set=()
  for setting in "${settings[@]}"; do
    case ${setting%%=*} in
      "$1":*) set+=(--set "${setting#"$1":}") ;;
      *:*) ;;
      *) case ${command_of[$1]} in train-*) set+=(--set "$setting") ;; esac ;;
    esac
  done
}

scores_of() {  # scores_of ROW: what it is decoded into
  case ${command_of[$1]} in decode-tse) echo "$exp/extracted/$1" ;; *) echo "$exp/scores/$1" ;; esac
}
smoothed() {  # smoothed ROW: its scores after stage 6
  if [ "${smooth_of[$1]}" = - ]; then scores_of "$1"; else echo "$exp/smoothed/$1"; fi
}
spell() {  # spell KIND CELL: into `words` the options of a cell with files for names of the KIND data, rows, or runs
           # (RUN.PART); into `files` and `stages` these files and what makes them
  local option='' word name run again
  words=() files=() stages=()
  for word in $2; do
    case $word in -) continue ;; --*) option=$word words+=("$word"); continue ;; esac
    run=${word%%.*} again=''  # A,B is the option for each
    for name in ${word//,/ }; do
      case $1.${command_of[$run]:-} in
        data.*) files+=("$data/$name") stages+=(1) ;;
        rows.*) files+=("$(scores_of "$name")") stages+=(5) ;;
        runs.enroll-shots) files+=("$exp/$run/${name#"$run".}.tsv") stages+=("${stage_of[$run]}") ;;
        runs.*) files+=("$exp/$run/best_${name#"$run".}.pt") stages+=("${stage_of[$run]}") ;;
      esac
      words+=(${again:+"$option"} "${files[-1]}") again=yes
    done
  done
}
spell_from() { case ${command_of[$1]} in fuse) spell rows "${from_of[$1]}" ;; *) spell runs "${from_of[$1]}" ;; esac; }

make_rows() {
  local name job order=' ' i words files stages
  for name in "${names[@]}"; do  # what is missing is said before anything starts
    [ "${stage_of[$name]}" = "$1" ] || continue
    case $order in *" ${job_of[$name]} "*) ;; *) order+="${job_of[$name]} " ;; esac
    spell data "${data_of[$name]}"; need 1 "${files[@]}"
    spell_from "$name"
    for i in "${!files[@]}"; do [ "${stages[i]}" = "$1" ] || need "${stages[i]}" "${files[i]}"; done
  done
  for job in $order; do
    for name in "${names[@]}"; do
      [ "${stage_of[$name]}.${job_of[$name]}" != "$1.$job" ] || make_row "$name"
    done
    parts "$job"
  done
}
make_row() {  # make_row NAME: the command of one line, as a part
  local log words files stages set file last start more=() inputs=()
  log=${job_of[$1]%%_*}_${1%%/*}  # of a run within another's folder: that one's name
  [ "${options_of[$1]}" = - ] || read -ra more <<< "${options_of[$1]}"
  spell_from "$1"; more+=("${words[@]}")
  for file in "${files[@]}"; do if [ -d "$file" ]; then inputs+=("$file/.sedsep"); else inputs+=("$file"); fi; done
  spell data "${data_of[$1]}"
  for file in "${files[@]}"; do if [ -d "$file" ]; then inputs+=("$file"/*.tsv); else inputs+=("$file"); fi; done
  case ${command_of[$1]} in
    train-*)  # goes on where it stopped, and ends at once where it was done
      settings_of "$1"
      part "$exp/log/$log.log" sedsep "${command_of[$1]}" --conf "$conf/${conf_of[$1]}.yaml" --exp "$exp/$1" \
        --ngpu "$ngpu" --seed "$seed" "${more[@]}" "${words[@]}" "${set[@]}" ;;
    enroll-shots)  # its last table says that all are there
      settings_of "$1"
      last=${options_of[$1]##*--count } start=${options_of[$1]##*--start }
      if [ "$start" = "${options_of[$1]}" ]; then start=mean; else start=adapted_${start%% *}; fi
      derive "$log" "$exp/$1/$start${last%% *}.tsv" "${inputs[@]}" -- \
        sedsep enroll-shots "${words[@]}" "$exp/$1" "${more[@]}" "${set[@]}" ;;
    fuse) derive "$log" "$(scores_of "$1")/.sedsep" "${inputs[@]}" -- sedsep fuse "$(scores_of "$1")" "${more[@]}" ;;
    *) derive "$log" "$(scores_of "$1")/.sedsep" "${inputs[@]}" -- \
         sedsep "${command_of[$1]}" "$(scores_of "$1")" --overwrite "${more[@]}" "${words[@]}" ;;
  esac
}

spell_smooth() {  # spell_smooth ROW: into `how` its options of sedsep smooth; into `fitted` the smoother that it takes over
  local word last='' words
  how=() fitted=''
  [ "${smooth_of[$1]}" != model ] || return 0
  read -ra words <<< "${smooth_of[$1]}"
  for word in "${words[@]}"; do
    case $last in
      --fit) how+=(--fit "$data/$word" --smoother "$exp/smoothers/$1.json") ;;
      --as) fitted=$exp/smoothers/$word.json how+=(--smoother "$fitted") ;;
      *) case $word in --fit|--as) ;; *) how+=("$word") ;; esac ;;
    esac
    last=$word
  done
}
smooth_rows() {  # first what is fitted or given, then what takes over the smoother of another row
  local pass name scores how fitted
  for pass in smooth smooth_as; do
    for name in "${tested[@]}"; do
      scores=$(scores_of "$name")
      spell_smooth "$name"
      case ${smooth_of[$name]}.$pass.$fitted in -.*|*.smooth.?*|*.smooth_as.) continue ;; esac
      need 5 "$scores"
      derive "smooth_$name" "$exp/smoothed/$name/.sedsep" "$scores/.sedsep" ${fitted:+"$fitted"} -- \
        sedsep smooth "$scores" "$exp/smoothed/$name" "${how[@]}"
    done
    parts "$pass"
  done
}
score_rows() {
  local name scores how words files stages
  for name in "${tested[@]}"; do
    scores=$(smoothed "$name")
    need "$([ "${smooth_of[$name]}" = - ] && echo 5 || echo 6)" "$scores"
    spell data "${data_of[$name]}"; read -ra how <<< "${metrics_of[$name]}"
    derive "score_$name" "$exp/results/$name.json" "$scores/.sedsep" "${files[0]}"/*.tsv -- \
      sedsep score "$scores" "${words[@]}" "${how[@]}" --out "$exp/results/$name.json"
  done
  parts score
}
report_rows() {
  local run name curves=()
  for run in "${runs[@]}"; do
    for name in "${tested[@]}"; do need 7 "$run/results/$name.json"; done
    for name in "${trained[@]}"; do curves+=(--training "$run/$name"); done
  done
  run "$exp/log/report.log" sedsep report "${runs[@]/%//results}" "$@" "${curves[@]}" --table "$exp/results.tsv" \
    --page "$exp/RESULTS.md" --command "cd egs/${PWD##*/} && ./run.sh${given[*]:+ ${given[*]}}"
  result "The tables: $(realpath -m "$exp/RESULTS.md")"
}
