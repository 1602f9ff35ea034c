// Which words a person may add to a mkfs command: only those that tune the filesystem. The schema
// checks each word; here they are checked together, as the agent's own last word.

const optionsOf: Readonly<Record<'ext4' | 'xfs', string>> = {
  ext4: 'bCEGgIiJmNOT',
  xfs: 'bdilmns',
};

/** A value of an option; no slash, so that it can't be the path of a device. */
const VALUE = /^[A-Za-z0-9^][A-Za-z0-9^=,._:%-]*$/;
const NAMES_A_DEVICE = /(^|,)(device|logdev|rtdev|name|file|uuid|offset|test_fs)(=|,|$)/i;

/** Words for what is wrong; undefined when every option is known and has its value. */
export function refuseOptions(
  filesystem: 'ext4' | 'xfs',
  words: readonly string[],
): string | undefined {
  for (let index = 0; index < words.length; index += 2) {
    const [option = '', value] = words.slice(index, index + 2);
    if (!/^-[A-Za-z]$/.test(option) || !optionsOf[filesystem].includes(option[1]!))
      return `mkfsOptions: ${option} is not an option that may be set for ${filesystem}.`;
    if (value === undefined || !VALUE.test(value) || NAMES_A_DEVICE.test(value))
      return `mkfsOptions: ${option} needs a value that tunes the filesystem, not ${value}.`;
  }
  return undefined;
}
