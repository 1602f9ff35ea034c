#!/bin/bash
# Makes, once, what the test machines boot from, and prints the directory it is in:
#   kernel (user-mode Linux), initrd, modules/VERSION
# Installs by apt what the machines' root (which is this machine's root) needs. Needs root.
# The kernel's package is downloaded and unpacked, not installed.
#   prepare.sh [PACKAGE...]   further packages, such as ceph-mon
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
cache=${POOLKEEPER_HOST_TEST_CACHE:-/var/cache/poolkeeper-host-tests}
say() { echo "test machine: $*" >&2; }
[ "$(id -u)" = 0 ] || { say "these tests need root: they install packages and boot a machine on this root"; exit 1; }
command -v apt-get >/dev/null || { say "these tests need Debian's or Ubuntu's apt-get, for the kernel and the storage tools"; exit 1; }
[ "$(uname -m)" = x86_64 ] || { say "these tests need an x86_64 machine, this one is $(uname -m)"; exit 1; }

# qemu is only the network (there is no user-mode network in Debian that is smaller and works here).
packages="qemu-system-x86 busybox-static cpio kmod udev util-linux
  mdadm e2fsprogs xfsprogs fdisk lvm2 dmsetup nfs-common nfs-kernel-server open-iscsi tgt $*"
installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
missing=()
for package in $packages; do installed "$package" || missing+=("$package"); done
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9
policy= unpacked=
tidy() { [ -z "$policy" ] || rm -f /usr/sbin/policy-rc.d; [ -z "$unpacked" ] || rm -rf "$unpacked"; }
trap tidy EXIT
export DEBIAN_FRONTEND=noninteractive
if [ ${#missing[@]} -gt 0 ]; then
  say "installs ${missing[*]}"
  # None of their daemons may start on this machine.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; policy=1
  fi
  log=$cache/apt.log
  install() { apt-get install -y -q --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
  install || { apt-get update -q >"$log" 2>&1; install; } ||
    { tail -20 "$log" >&2; say "apt-get could not install ${missing[*]}"; exit 1; }
fi

stamp=$(cat "$here/prepare.sh" "$here/initrd-init.sh" | sha256sum | cut -c1-16)
if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ]; then echo "$cache"; exit 0; fi
rm -f "$cache/stamp"
unpacked=$(mktemp -d "$cache/.new.XXXXXX"); chmod 755 "$unpacked"
say "downloads and unpacks the kernel"
fetch() { (cd "$unpacked" && apt-get download -qq user-mode-linux 2>"$cache/apt.log" >&2); }
fetch || { apt-get update -qq >&2; fetch; } || { say "apt has no package user-mode-linux"; exit 1; }
mkdir "$unpacked/package"
dpkg-deb --fsys-tarfile "$unpacked"/*.deb | tar -x -C "$unpacked/package"
mkdir -p "$unpacked/modules" "$unpacked/lib"
mv "$unpacked"/package/usr/lib/uml/modules/* "$unpacked/modules/"
mv "$unpacked/package/usr/bin/linux.uml" "$unpacked/kernel"
version=$(ls "$unpacked/modules")
ln -s ../modules "$unpacked/lib/modules"
depmod -b "$unpacked" "$version"

tree=$unpacked/tree
mkdir -p "$tree"/{bin,dev,proc,sys,lower,upper,newroot,mod}
cp /bin/busybox "$tree/bin/busybox"
for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"; done
for module in overlay configfs target_core_mod target_core_file tcm_loop sd_mod; do
  modprobe -d "$unpacked" -S "$version" --show-depends $module | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
  cp "$file" "$tree/mod/"; echo "${file##*/}" >> "$tree/mod/list"
done
cp "$here/initrd-init.sh" "$tree/init"; chmod +x "$tree/init"
(cd "$tree" && find . | cpio -o -H newc --quiet) > "$unpacked/initrd"
rm -rf "$cache/modules"
mv "$unpacked/modules" "$unpacked/kernel" "$unpacked/initrd" "$cache/"
echo "$stamp" > "$cache/stamp"
say "kernel $version is ready in $cache"
echo "$cache"
