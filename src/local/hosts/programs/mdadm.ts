// mdadm: chooses the mode.
import { assemble, create } from './mdadm-create.ts';
import { grow, replace, startAction } from './mdadm-grow.ts';
import { manage, stop, zeroSuperblock } from './mdadm-manage.ts';
import { detail, examine } from './mdadm-report.ts';
import { type Program, parseArguments } from './program.ts';

export const mdadm: Program = async (call) => {
  const parsed = parseArguments(call.arguments);
  const { flags } = parsed;
  if (flags.has('--version')) {
    call.err('mdadm - v4.2 - 2021-12-30 - Debian 4.2-5\n');
    return 0;
  }
  if (flags.has('--create')) return create(call, parsed);
  if (flags.has('--assemble')) return assemble(call, parsed);
  if (flags.has('--detail')) return detail(call, parsed);
  if (flags.has('--examine')) return examine(call, parsed);
  if (flags.has('--stop')) return stop(call, parsed);
  if (flags.has('--zero-superblock')) return zeroSuperblock(call, parsed);
  if (flags.has('--grow')) return grow(call, parsed);
  if (parsed.values.has('--action')) return startAction(call, parsed);
  if (flags.has('--replace')) return replace(call, parsed);
  if (['--fail', '--remove', '--add', '--add-spare', '--re-add'].some((flag) => flags.has(flag)))
    return manage(call, parsed);
  call.err('Usage: mdadm --help\n  for help\n');
  return 2;
};
