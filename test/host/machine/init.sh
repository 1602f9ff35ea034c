#!/bin/bash
# Process 1 of a test machine, after the initrd: starts udev, then runs whatever the tests send.
# Not /usr/local/sbin: there stands what the tests put in the way of the agent (fault.sh).
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
exec </dev/null >/dev/console 2>&1
declare -A settings
read -r line </proc/cmdline
for word in $line; do case $word in vm.*=*) word=${word#vm.}; settings[${word%%=*}]=${word#*=};; esac; done
mount --make-rshared /
/lib/systemd/systemd-udevd --daemon --resolve-names=never
udevadm trigger --action=add --subsystem-match=block
udevadm settle --timeout=60
# Without the storage daemon of a real node's initramfs, the agent's own directory comes from a disk.
if [ -n "${settings[home]}" ]; then
  disk=/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${settings[home]}
  blkid "$disk" >/dev/null || mkfs.ext4 -q "$disk"
  mkdir -p /var/lib/poolkeeper && mount "$disk" /var/lib/poolkeeper
fi
# busybox, below, ignores the deaths of its children and hands that down: whoever waits for a child of
# its own then finds none, of which Ceph's monitor dies.
printf '#!/bin/bash\nTOKEN=%s exec env --default-signal=CHLD bash %q\n' "${settings[token]}" "${BASH_SOURCE%/*}/exec-server.sh" > /run/vm/exec
chmod 700 /run/vm/exec
echo "test machine: ready"
# busybox forks one server per connection; as process 1 bash reaps whatever is orphaned.
busybox nc -ll -p 5555 -e /run/vm/exec
