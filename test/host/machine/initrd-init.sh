#!/bin/sh
# The first program of a test machine (busybox): its root is the real machine's root, read-only,
# below a tmpfs that takes every write, and its disks are SCSI disks with the serials asked for.
# Settings stand on the kernel's command line as vm.NAME=VALUE.
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
exec >/dev/console 2>&1
while read module; do insmod /mod/$module; done < /mod/list
for word in $(cat /proc/cmdline); do
  case $word in vm.*=*) word=${word#vm.}; eval "vm_${word%%=*}=\${word#*=}";; esac
done
mount -t hostfs -o ro none /lower
mount -t tmpfs -o size=75% tmpfs /upper; mkdir /upper/changes /upper/work
N=/newroot
mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work overlay $N
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
ln -sfn /proc/self/fd /dev/fd; ln -sfn fd/0 /dev/stdin; ln -sfn fd/1 /dev/stdout; ln -sfn fd/2 /dev/stderr
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs $N/run
mkdir -p $N/run/lock $N/run/udev $N/run/vm/rules $N/run/vm/state
version=$(uname -r)
mkdir -p $N/lib/modules/$version; mount --bind $N$vm_modules/$version $N/lib/modules/$version
# Only the rules for storage: each file more is read at the start and matched at every event.
rules=$N/usr/lib/udev/rules.d
for name in 01-md-raid-creating 50-udev-default 55-dm 60-block 60-persistent-storage 56-lvm \
  60-persistent-storage-dm 63-md-raid-arrays 64-md-raid-assembly 80-drivers 95-dm-notify 99-systemd; do
  if [ $name = 64-md-raid-assembly ] && [ "$vm_assembles" = 0 ]; then continue; fi
  [ ! -e $rules/$name.rules ] || cp $rules/$name.rules $N/run/vm/rules/
done
mount --bind $N/run/vm/rules $rules
echo "$vm_name" > /proc/sys/kernel/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n10.0.2.2 host\n' "$vm_name" > $N/etc/hosts
: > $N/etc/resolv.conf
ip link set lo up
# No default route: 10.0.2.2, the real machine's loopback, is all that can be reached.
ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
# What the two sides exchange, and the disks' images.
mount -t hostfs -o "$vm_state" none $N/run/vm/state

config=/sys/kernel/config; mount -t configfs configfs $config
bus=$config/target/loopback/naa.5001405000000001/tpgt_1
mkdir -p $bus; echo naa.5001405000000002 > $bus/nexus
n=0
while read -r file serial size cache; do
  backend=$config/target/core/fileio_0/$file; mkdir -p $backend
  echo "fd_dev_name=$N/run/vm/state/$file.img,fd_dev_size=$size,fd_buffered_io=$cache" > $backend/control
  echo 1 > $backend/enable
  echo "QEMU" > $backend/wwn/vendor_id; echo "QEMU HARDDISK" > $backend/wwn/product_id
  echo "2.5+" > $backend/wwn/revision; echo "$serial" > $backend/wwn/vpd_unit_serial
  mkdir -p $bus/lun/lun_$n; ln -s $backend $bus/lun/lun_$n/port
  n=$((n + 1))
done < $N/run/vm/state/disks
# The link that QEMU's disks have.
cat > $rules/61-test-disks.rules <<'R'
ACTION!="remove", SUBSYSTEM=="block", KERNEL=="sd*", ENV{ID_VENDOR}=="QEMU", ENV{ID_SCSI_SERIAL}=="?*", ENV{DEVTYPE}=="disk", SYMLINK+="disk/by-id/scsi-0QEMU_QEMU_HARDDISK_$env{ID_SCSI_SERIAL}"
R
mount --move /proc $N/proc; mount --move /sys $N/sys; mount --move /dev $N/dev
exec switch_root $N "$vm_init"
