# Options of a recipe: sourced after the defaults are set, as in
#   stage=0; corpus=mini; . tools/parse_options.sh
# Every variable that exists before becomes an option: --stop-stage 3 sets stop_stage. An unknown one is an error.
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) echo "$help_message"; exit 0 ;;
    --*)
      name=${1#--}; name=${name//-/_}
      if [ -z "${!name+x}" ] || [ "$name" = help_message ]; then
        echo "$0: unknown option $1; see $0 --help" >&2; exit 2
      fi
      if [ "${!name}" = false ]; then  # a flag
        printf -v "$name" true
        shift; continue
      fi
      if [ $# -lt 2 ]; then echo "$0: option $1 needs a value" >&2; exit 2; fi
      printf -v "$name" '%s' "$2"
      shift 2 ;;
    *) echo "$0: unexpected argument $1; see $0 --help" >&2; exit 2 ;;
  esac
done
