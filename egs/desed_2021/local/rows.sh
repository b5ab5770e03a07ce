# The rows of the tables: sourced by run.sh. Sets the sets that are needed, pretrained (what separators are trained on),
# training (runs), systems (<run>.<variant>), fused (members with +, of teachers), heard (separators by themselves) and
# tables (of the report); and says how each is trained, decoded and scored.
sets=$(tail -n +2 "$conf/sets.tsv" | cut -f 1)
pretrained="desed fuss" heard="sep_desed.separator sep_fuss.separator"
training="sep_desed sep_fuss sep_web sed ensemble"
fused="sed+desed_s2 sed+desed_jt desed_s2+desed_jt sed+desed_s2+desed_jt"
tables=(--published "Table 1" conf/table1.tsv --published "Table 2" conf/table2.tsv
  --published "Separation (FUSS's measures)" conf/fuss.tsv --claims conf/claims.tsv)
case $rows in
  all) systems="sed.student sed.teacher ensemble.teacher" ;;
  main) sets=$(grep -v -e fuss -e web <<< "$sets") pretrained=desed heard='' training="sep_desed sed" fused=''
        systems="sed.student sed.teacher" tables=(--published "Table 1" conf/main.tsv) ;;
  *) unknown rows "$rows" ;;
esac
case $missing in stop|go-on) ;; *) echo "$0: unknown --missing $missing; known: stop go-on" >&2; exit 2 ;; esac
for p in $pretrained; do
  training+=" ${p}_s1 ${p}_s2 ${p}_jt"
  for s in s0 s1 s2 jt; do systems+=" ${p}_$s.student ${p}_$s.teacher"; done
done

labelled="--strong $data/synth_train --weak $data/weak_train --unlabelled $data/unlabelled
  --valid-strong $data/synth_valid --valid-weak $data/weak_valid"
train() {  # train NAME CONF COMMAND OPTION...
  part "$exp/log/train_$1.log" sedsep "$3" --conf "$conf/$2.yaml" --exp "$exp/$1" --ngpu "$ngpu" --seed "$seed" "${@:4}"
}
from() {  # from WHERE: a separator that was trained there, and the detector
  echo "--separator $exp/sep_$1/best_separator.pt --detector $exp/sed/best_teacher.pt"
}
decoding() {  # decoding SYSTEM: what decodes it, and what it decodes
  case $1 in
    *.separator) echo "--model $exp/${1%.*}/best_separator.pt --data $(set_of "$1") --sources" ;;
    *_s0.*) echo "--separator $exp/sep_${1%_s0.*}/best_separator.pt --detector $exp/sed/best_${1#*.}.pt" \
                 "--data $(set_of "$1")" ;;
    *) echo "--model $exp/${1%.*}/best_${1#*.}.pt --data $(set_of "$1")" ;;
  esac
}
set_of() {  # set_of SYSTEM: what it is tested on
  case $1 in *.separator) echo "$data/fuss_eval" ;; *) echo "$data/test" ;; esac
}
scores_of() {  # scores_of SYSTEM: what is measured
  case $1 in *.separator) echo "$exp/scores/$1" ;; *) echo "$exp/smoothed/$1" ;; esac
}
measures() {  # measures SYSTEM: of what, and against what
  local metrics="--metric psds --metric event-f1 --bootstrap 1000"
  case $1 in *.separator) metrics="--metric fuss" ;; esac
  echo "--data $(set_of "$1") $metrics"
}
need_sets() {
  local set
  for set in $sets; do need 1 "$data/$set"; done
}
trained() {  # trained RUN...: stop where one is missing
  local name
  for name in "$@"; do
    case $name in
      sep_*) need 2 "$exp/$name/best_separator.pt" ;;
      sed) need 3 "$exp/sed/best_student.pt" "$exp/sed/best_teacher.pt" ;;
      *) need 4 "$exp/$name/best_student.pt" "$exp/$name/best_teacher.pt" ;;
    esac
  done
}
