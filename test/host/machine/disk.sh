#!/bin/bash
# disk.sh unplug|plug|offline|online FILE - in the test machine: what can happen to a disk. FILE names
# its image (its serial, unless it has another's).
#   unplug  pulled        plug    put back, often as another sdX
#   offline it is there and fails every read and write        online  it works again
set -eu
backend=/sys/kernel/config/target/core/fileio_0/$2
kept=/run/vm/unplugged.$2
device() {
  local serial; serial=$(sed 's/.*: //' $backend/wwn/vpd_unit_serial)
  readlink -f "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_$serial"
}
case $1 in
  unplug)
    was=$(device)
    for lun in /sys/kernel/config/target/loopback/naa.*/tpgt_1/lun/lun_*; do
      [ -L "$lun/port" ] && [ "$(readlink -f "$lun/port")" = "$backend" ] || continue
      echo "$lun" > "$kept"; rm "$lun/port"
    done
    for ((n = 0; n < 200; n++)); do [ -e "$was" ] || exit 0; sleep 0.1; done; exit 1;;
  plug)
    ln -s "$backend" "$(cat "$kept")/port"; rm "$kept"
    for ((n = 0; n < 200; n++)); do [ -b "$(device)" ] && exit 0; sleep 0.1; done; exit 1;;
  offline) name=$(device); echo offline > "/sys/block/${name##*/}/device/state";;
  online) name=$(device); echo running > "/sys/block/${name##*/}/device/state";;
  *) sed -n '2,6p' "$0" >&2; exit 2;;
esac
