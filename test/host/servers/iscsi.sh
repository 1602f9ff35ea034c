#!/bin/bash
# iSCSI targets in the test machine, at 10.77.0.1:3260, and the initiator's daemon, which a node has.
#   iscsi.sh up                       the target daemon and iscsid
#   iscsi.sh target ID NAME SERIAL MEBIBYTES   a target with one logical unit, 1
#   iscsi.sh chap ID USER PASSWORD    from now on it wants this login
#   iscsi.sh mutual ID USER PASSWORD  and proves itself by this one to whoever asks
#   iscsi.sh kill                     the target daemon dies
set -eu
case $1 in
  up)
    ip addr add 10.77.0.1/32 dev lo 2>/dev/null || true
    mkdir -p /run/lock/iscsi /etc/iscsi
    echo "InitiatorName=iqn.1993-08.org.debian:01:test-machine" > /etc/iscsi/initiatorname.iscsi
    modprobe iscsi_tcp
    tgtd
    for n in $(seq 50); do tgtadm --lld iscsi --op show --mode sys >/dev/null 2>&1 && break; sleep 0.1; done
    pgrep -x iscsid >/dev/null || iscsid;;
  target)
    image=/run/lun-$4.img; truncate -s "$5M" $image
    tgtadm --lld iscsi --op new --mode target --tid "$2" -T "$3"
    tgtadm --lld iscsi --op new --mode logicalunit --tid "$2" --lun 1 -b $image
    tgtadm --lld iscsi --op update --mode logicalunit --tid "$2" --lun 1 --params scsi_sn="$4"
    tgtadm --lld iscsi --op bind --mode target --tid "$2" -I ALL;;
  chap)
    tgtadm --lld iscsi --op new --mode account --user "$3" --password "$4"
    tgtadm --lld iscsi --op bind --mode account --tid "$2" --user "$3";;
  mutual)
    tgtadm --lld iscsi --op new --mode account --user "$3" --password "$4"
    tgtadm --lld iscsi --op bind --mode account --tid "$2" --user "$3" --outgoing;;
  kill) pkill -9 -x tgtd;;
  *) sed -n '2,8p' "$0" >&2; exit 2;;
esac
