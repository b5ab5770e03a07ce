#!/usr/bin/env bash
# local_slurm.sh start|stop [DIR]: a real Slurm on this machine, on loopback, without systemd and without accounting;
# two nodes, each with all the cores that there are.
# `start` prints what points Slurm's commands and sedsep at it, for: eval "$(local_slurm.sh start)".
# DIR (default /tmp/sedsep-slurm-USER) holds all its files.
# Needs Debian's slurm-wlm and munge: apt-get install --no-install-recommends slurm-wlm munge
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
command=${1:-}
dir=${2:-/tmp/sedsep-slurm-$(id -un)}

free_port() {  # free_port FROM: one of the 2000 ports from there on
  local port
  for port in $(shuf -i "$1-$(($1 + 1999))" -n 50); do
    grep -qi ":$(printf %04x "$port") " /proc/net/tcp || { echo "$port"; return; }
  done
}

configure() {  # everything that differs from a site's slurm.conf does so to be fast or to need no privileges
  local host memory
  host=${HOSTNAME%%.*}
  memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  cat > "$dir/slurm.conf" <<END
ClusterName=sedsep
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port 20000)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=0,batch_sched_delay=0
ReturnToService=2
KillWait=5
MinJobAge=3600
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port 22000) CPUs=$(nproc --all) RealMemory=$memory
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port 24000) CPUs=$(nproc --all) RealMemory=$memory
PartitionName=local Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
  echo 'default: {time: "24:00:00", cpus: 1}' > "$dir/site.yaml"
}

settings() {
  echo "export SLURM_CONF=$dir/slurm.conf SEDSEP_SITE=$dir/site.yaml"
}

start() {
  local tool
  for tool in munged slurmctld slurmd sbatch; do
    command -v "$tool" > /dev/null || {
      echo "$0: $tool is missing; on Debian: apt-get install --no-install-recommends slurm-wlm munge" >&2; exit 1; }
  done
  if [ -e "$dir/slurm.conf" ] && SLURM_CONF=$dir/slurm.conf timeout 5 scontrol ping 2> /dev/null | grep -q UP; then
    settings; return
  fi
  mkdir -p "$dir/state" "$dir/spool.node1" "$dir/spool.node2"
  chmod 700 "$dir"
  [ -s "$dir/munge.key" ] || head -c 1024 /dev/urandom > "$dir/munge.key"
  chmod 400 "$dir/munge.key"
  configure
  munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" 2> /dev/null
  export SLURM_CONF=$dir/slurm.conf
  slurmctld -c -f "$SLURM_CONF"
  slurmd -N node1 -f "$SLURM_CONF"
  slurmd -N node2 -f "$SLURM_CONF"
  for _ in $(seq 100); do
    if [ "$(sinfo -h -o "%T %D" 2> /dev/null)" = "idle 2" ]; then settings; return; fi
    sleep 0.2
  done
  echo "$0: Slurm did not come up; see the logs in $dir" >&2
  exit 1
}

stop() {
  local name pid
  for name in slurmd.node1 slurmd.node2 slurmctld munged; do
    pid=$(cat "$dir/$name.pid" 2> /dev/null) || continue
    kill "$pid" 2> /dev/null || continue
    for _ in $(seq 50); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2> /dev/null || true
  done
  rm -rf "$dir"
}

case "$command" in
  start) start ;;
  stop) stop ;;
  *) echo "Usage: $0 start|stop [DIR]" >&2; exit 2 ;;
esac
