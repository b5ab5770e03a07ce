#!/usr/bin/env bash
# install.sh PYTHON VENV: sedsep and the peers that it is timed against, in an environment of their own.
#
# Scaper needs soxbindings, which builds against libsox: where its headers are missing they are installed from
# Debian's or Ubuntu's registry, which only root may do. A peer that cannot be installed costs its benchmark only,
# and is tried again the next time.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1 venv=$2
stamp=$venv/.sedsep-bench-installed
peers=(asteroid==0.7.0 sed_scores_eval==0.0.4 scaper==1.6.5)

if [ "$stamp" -nt setup.cfg ] && [ "$stamp" -nt "$0" ]; then exit 0; fi

if ! [ -x "$venv/bin/python" ]; then
  echo "==> Creating $venv"
  "$python" -m venv "$venv" || { echo "venv failed; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
  "$venv/bin/python" -m pip install --quiet --upgrade pip
fi
echo "==> Installing sedsep with PyTorch into $venv (several GB the first time, a few minutes)"
"$venv/bin/python" -m pip install --quiet --editable .

if ! echo '#include <sox.h>' | cc -E - > /dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "==> Installing libsox-dev and sox, which Scaper is built on"
    { apt-get update --quiet && apt-get install --quiet --yes g++ libsox-dev sox; } > "$venv/apt.log" 2>&1 ||
      echo "apt-get failed ($venv/apt.log says why)"
  else
    echo "libsox is missing, which Scaper is built on; on Debian or Ubuntu: sudo apt install g++ libsox-dev sox"
  fi
fi

# One at a time, each held to what sedsep was installed with.
"$venv/bin/python" -m pip freeze --exclude-editable > "$venv/constraints.txt"
missing=0
for peer in "${peers[@]}"; do
  echo "==> Installing $peer"
  "$venv/bin/python" -m pip install --quiet --constraint "$venv/constraints.txt" "$peer" > "$venv/pip.log" 2>&1 || {
    missing=1
    echo "$peer cannot be installed, so its benchmarks are skipped: $(grep -m 1 -i error "$venv/pip.log")"
  }
done
[ "$missing" = 1 ] || touch "$stamp"
