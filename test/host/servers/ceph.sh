#!/bin/bash
# A Ceph cluster of one monitor, one disk in memory and one metadata server in the test machine, at
# 10.77.0.1, with the filesystem `cephfs`. Takes half a minute; the machine needs 2.5 GiB of memory and
# the packages ceph-mon ceph-osd ceph-mds ceph-common.
#   ceph.sh up       prints the key of client.admin
#   ceph.sh user NAME PATH   makes a user who may use PATH only, and prints its key
#   ceph.sh kill     all of it dies
set -eu
case $1 in
  up) ;;
  user) ceph fs authorize cephfs "client.$2" "$3" rw >/dev/null; ceph auth get-key "client.$2"; exit;;
  kill) pkill -9 -x ceph-mon; pkill -9 -x ceph-osd; pkill -9 -x ceph-mds; exit;;
  *) sed -n '2,7p' "$0" >&2; exit 2;;
esac
# What is asked for goes to 3, which no daemon may inherit: who asked waits until all of it is closed.
exec 3>&1 >&2
ip addr add 10.77.0.1/32 dev lo 2>/dev/null || true
modprobe ceph
fsid=11111111-2222-3333-4444-555555555555
addresses='[v2:10.77.0.1:3300,v1:10.77.0.1:6789]'
mkdir -p /etc/ceph /var/lib/ceph/{mon/ceph-a,osd/ceph-0,mds/ceph-a,tmp} /var/log/ceph /run/ceph
cat > /etc/ceph/ceph.conf <<C
[global]
fsid = $fsid
mon host = $addresses
public network = 10.77.0.0/24
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg autoscale mode = off
osd objectstore = memstore
memstore device bytes = 536870912
osd memory target = 939524096
mon data avail crit = 1
mon data avail warn = 2
auth allow insecure global id reclaim = false
log to file = true
[client]
log to file = false
C
keyring=/etc/ceph/ceph.client.admin.keyring
ceph-authtool --create-keyring /tmp/mon.keyring --gen-key -n mon. --cap mon 'allow *'
ceph-authtool --create-keyring $keyring --gen-key -n client.admin \
  --cap mon 'allow *' --cap osd 'allow *' --cap mds 'allow *' --cap mgr 'allow *'
ceph-authtool /tmp/mon.keyring --import-keyring $keyring
monmaptool --create --addv a "$addresses" --fsid $fsid /tmp/monmap
ceph-mon --mkfs -i a --monmap /tmp/monmap --keyring /tmp/mon.keyring
ceph-mon -i a 3>&-
timeout 120 ceph -s
uuid=$(cat /proc/sys/kernel/random/uuid); secret=$(ceph-authtool --gen-print-key)
ceph osd new "$uuid" -i - <<<"{\"cephx_secret\": \"$secret\"}"
ceph-authtool --create-keyring /var/lib/ceph/osd/ceph-0/keyring --name osd.0 --add-key "$secret"
ceph-osd -i 0 --mkfs --osd-uuid "$uuid"
ceph-osd -i 0 3>&-
ceph auth get-or-create mds.a mon 'allow profile mds' osd 'allow rwx' mds 'allow *' > /var/lib/ceph/mds/ceph-a/keyring
ceph-mds -i a 3>&-
ceph osd pool create fs_meta 8 8; ceph osd pool create fs_data 8 8; ceph fs new cephfs fs_meta fs_data
for n in $(seq 120); do ceph mds stat | grep -q up:active && break; sleep 0.5; done
ceph-authtool -p $keyring >&3
