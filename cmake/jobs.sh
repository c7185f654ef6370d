#!/bin/sh
# jobs.sh - prints how many compilers may run at once: one per core, but only one per 2 GiB of free memory.
set -eu
jobs=$(nproc)
free=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
# A container may have less than the machine.
limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1)
case $limit in
  '' | max) ;;
  *) limit=$(awk -v bytes="$limit" 'BEGIN { printf "%.0f", bytes / 1073741824 }')
     [ "$limit" -ge "$free" ] || free=$limit ;;
esac
[ $((free / 2)) -ge "$jobs" ] || jobs=$((free / 2))
[ "$jobs" -ge 1 ] || jobs=1
echo "$jobs"
