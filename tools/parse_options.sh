# shellcheck shell=bash disable=SC2154  # options is the recipe's
# Options of a recipe, and nothing else: sourced with its arguments after `options`, the names of the variables that
# options may set, and their defaults: --stop-stage 3 sets stop_stage, and one whose default is false is a flag.
# --set may be repeated and fills the array `settings`. What is given as a name is compared with these and never
# evaluated: bash runs what stands in a[$(...)].
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) echo "${help_message:?}"; exit 0 ;;
    --*) ;;
    *) echo "$0: unexpected argument $1; see $0 --help" >&2; exit 2 ;;
  esac
  option=''
  for name in "${options[@]}"; do
    if [ "--${name//_/-}" = "$1" ]; then option=$name; fi
  done
  if [ -z "$option" ]; then
    echo "$0: unknown option $1; known:$(printf ' --%s' "${options[@]//_/-}")" >&2; exit 2
  fi
  case ${!option-} in false|true) printf -v "$option" true; shift; continue ;; esac
  if [ $# -lt 2 ]; then echo "$0: option $1 needs a value" >&2; exit 2; fi
  if [ "$option" = set ]; then settings+=("$2"); else printf -v "$option" '%s' "$2"; fi
  shift 2
done
