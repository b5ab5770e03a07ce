# run LOG COMMAND...: how a stage's commands are run, chosen by --cmd.
case "$cmd" in
  local) run() { "$repository/tools/local.sh" "$@"; } ;;
  *) echo "$0: unknown --cmd $cmd; known: local" >&2; exit 2 ;;
esac
