#!/bin/bash
# Stands before the programs with which the agent changes something (as a link of each one's name in
# /usr/local/sbin) and lets a fault strike, once, at a chosen one of them. /run/fault holds the fault
# and the beginning of the command at which it strikes.
#   kill-before kill-after    the agent is killed before, or after, the command ran
#   kill-during               the agent and the command are killed while the command runs
#   orphan                    the agent is killed, the command goes on without it
#   power-before power-after power-during   as above, but the machine's power is cut
#   pause-before pause-after  the command waits, before or after its work, until it is killed
#   fail                      nothing is done, exit code 1
#   lie                       it is done, but says it failed
name=${0##*/}
for real in /usr/sbin/$name /usr/bin/$name /sbin/$name /bin/$name; do [ ! -x "$real" ] || break; done
case "$name $*" in
  mdadm\ --examine* | mdadm\ --detail* | mdadm\ --version* | mdadm\ -*E* | *\ -V | "wipefs -n"*) exec "$real" "$@";;
  dd\ *) case " $* " in *" of=/dev/"*) ;; *) exec "$real" "$@";; esac;;
esac
echo "$name $*" >> /run/vm/state/changes.log
[ -e /run/fault ] || exec "$real" "$@"
read -r fault beginning < /run/fault
case "$name $*" in "$beginning"*) ;; *) exec "$real" "$@";; esac
rm /run/fault
echo "$fault $name $*" >> /run/vm/state/struck.log
agent=$(cat /run/agent.pid)
slay() { echo 1 > /sys/fs/cgroup/agent/cgroup.kill; sleep 60; }
darken() { busybox poweroff -n -f; sleep 60; }
case $fault in
  kill-before) slay;;
  kill-after) "$real" "$@"; slay;;
  kill-during) "$real" "$@" & sleep 0.05; slay;;
  orphan)
    (echo 0 > /sys/fs/cgroup/cgroup.procs; exec setsid "$real" "$@" >/dev/null 2>&1 </dev/null) &
    kill -9 "$agent"; sleep 0.3; exit 1;;
  power-before) darken;;
  power-after) "$real" "$@"; darken;;
  power-during) "$real" "$@" & sleep 0.05; darken;;
  pause-before) touch /run/vm/state/paused; exec sleep 600;;
  pause-after) "$real" "$@"; touch /run/vm/state/paused; exec sleep 600;;
  fail) echo "$name: it failed" >&2; exit 1;;
  lie) "$real" "$@"; exit 1;;
  *) echo "no such fault: $fault" >&2; exit 1;;
esac
