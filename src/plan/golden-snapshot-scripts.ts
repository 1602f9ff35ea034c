// The scripts that run in a builder machine. Each may be run again: a controller that was killed in the
// moment of asking asks once more, and the second run finds what the first has done.
import { revisionOf } from './canonical.ts';

/** The label by which a second run recognises the filesystem that the first has made. */
const LABEL = 'poolkeeper';
const STATE = '/var/lib/poolkeeper/build';

/**
 * Finds the data disk at LUN 0, makes a filesystem on it if it is blank to the last sign, mounts it.
 * Nothing else is ever formatted: a disk with anything on it is refused.
 */
export function prepareScript(mountPath: string): string {
  return `set -eu
refuse() { printf '%s\\n' "$1" >&2; return 1; }
path=${quoted(mountPath)}
disk=
for second in $(seq 60); do
  for link in /dev/disk/azure/data/by-lun/0 /dev/disk/azure/scsi1/lun0; do
    if [ -z "$disk" ] && [ -b "$link" ]; then disk=$(readlink -f "$link"); fi
  done
  if [ -n "$disk" ]; then break; fi
  sleep 1
done
[ -n "$disk" ] || refuse "there is no data disk at LUN 0"
if [ "$(blkid -p -s LABEL -o value "$disk" || true)" != ${LABEL} ]; then
  [ "$(lsblk -nro NAME "$disk" | wc -l)" = 1 ] || refuse "$disk has partitions: it is not blank"
  [ -z "$(wipefs -n "$disk")" ] || refuse "$disk carries a signature: it is not blank"
  cmp -s -n 4194304 "$disk" /dev/zero || refuse "$disk holds data: it is not blank"
  mkfs.ext4 -q -L ${LABEL} "$disk" < /dev/null
fi
mkdir -p "$path"
if [ "$(findmnt -nro SOURCE --mountpoint "$path" || true)" != "$disk" ]; then mount "$disk" "$path"; fi
df -h "$path"
`;
}

/**
 * Runs the user's script exactly once, whatever becomes of the controller: a directory marks that it was
 * begun, a file holds its exit code, and every later run waits for that file and tells the same end.
 */
export function userScript(script: string, mountPath: string): string {
  const end = `POOLKEEPER_${revisionOf(script)}`;
  return `set -u
state=${STATE}
mkdir -p "$state"
if mkdir "$state/begun" 2> /dev/null; then
  cat > "$state/script" <<'${end}'
${script.endsWith('\n') ? script : `${script}\n`}${end}
  chmod 700 "$state/script"
  export POOLKEEPER_MOUNT_PATH=${quoted(mountPath)}
  cd "$POOLKEEPER_MOUNT_PATH"
  code=0
  "$state/script" > "$state/output" 2>&1 < /dev/null || code=$?
  cd /
  printf '%s' "$code" > "$state/code.new"
  mv "$state/code.new" "$state/code"
fi
until [ -e "$state/code" ]; do sleep 1; done
tail -c 3500 "$state/output"
(exit "$(cat "$state/code")")
`;
}

/** What still holds files open there is stopped by the shutdown that follows, which unmounts it too. */
export function finishScript(mountPath: string): string {
  return `sync
umount ${quoted(mountPath)} || printf 'still in use: unmounted when the machine shuts down\\n'
sync
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
