#!/bin/bash
# An NFS server in the test machine, at 10.77.0.1 (an address of the machine itself).
#   nfs.sh up [3]           serves NFS 4.1 and 4.2 on port 2049 alone, as servers without a port mapper do;
#                           with 3, NFS 3 as well, with port mapper and mountd
#   nfs.sh export PATH OPTIONS   exports /srv/nfs/PATH (made if need be) to everyone, such as `rw`
#   nfs.sh deny PATH        ... to nobody here
#   nfs.sh withdraw PATH    no export any more
#   nfs.sh kill             it dies: clients that have it mounted hang
#   nfs.sh revive           it is back
set -eu
root=/srv/nfs-root
case $1 in
  up)
    ip addr add 10.77.0.1/32 dev lo 2>/dev/null || true
    modprobe nfsd; modprobe nfs
    mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
    # The least that the kernel takes; without it the first open waits for 90 seconds.
    echo 10 > /proc/fs/nfsd/nfsv4gracetime; echo 10 > /proc/fs/nfsd/nfsv4leasetime
    mkdir -p $root /var/lib/nfs/v4recovery /run/rpc_pipefs /etc/nfs.conf.d /run/sendsigs.omit.d
    # The pseudo-root is the server's "/", an overlay, which the kernel can't export.
    mountpoint -q $root || mount -t tmpfs tmpfs $root
    printf '[exports]\nrootdir=%s\n' $root > /etc/nfs.conf.d/test.conf
    : > /etc/exports
    mountpoint -q /run/rpc_pipefs || mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs
    exportfs -ra
    if [ "${2:-}" = 3 ]; then
      rpcbind -w || rpcbind; rpc.mountd; rpc.nfsd -V 3 -V 4.1 -V 4.2 4
    else
      rpc.mountd -N 2 -N 3 -V 4; rpc.nfsd -N 3 -V 4.1 -V 4.2 4
    fi
    [ ! -e /proc/fs/nfsd/v4_end_grace ] || echo Y > /proc/fs/nfsd/v4_end_grace;;
  export)
    mkdir -p "$root/srv/$2"; sed -i "\#^/srv/$2 #d" /etc/exports
    echo "/srv/$2 *($3,sync,no_subtree_check,no_root_squash,fsid=$(cksum <<<"$2" | cut -d' ' -f1))" >> /etc/exports
    exportfs -ra;;
  deny)
    mkdir -p "$root/srv/$2"; sed -i "\#^/srv/$2 #d" /etc/exports
    echo "/srv/$2 10.99.99.99(rw,sync,no_subtree_check,fsid=$(cksum <<<"$2" | cut -d' ' -f1))" >> /etc/exports
    exportfs -ra; exportfs -f;;
  withdraw) sed -i "\#^/srv/$2 #d" /etc/exports; exportfs -ra; exportfs -f;;
  kill) rpc.nfsd 0;;
  revive)
    rpc.nfsd -N 3 -V 4.1 -V 4.2 4
    [ ! -e /proc/fs/nfsd/v4_end_grace ] || echo Y > /proc/fs/nfsd/v4_end_grace;;
  *) sed -n '2,10p' "$0" >&2; exit 2;;
esac
