# shellcheck shell=bash
# Finds sedsep: the one on PATH, or the one that `make install` put into the repository's environment.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command -v sedsep > /dev/null || PATH="$repository/.venv/bin:$PATH"
command -v sedsep > /dev/null || { echo "sedsep is not installed; run: make -C $repository install" >&2; exit 1; }
