// Reading machines: one, many, and the view of what runs.
import { type Call, type Cloud, targetId } from '../calls.ts';
import { resourceNotFound } from '../errors.ts';
import { listPage } from '../list-pages.ts';
import type { Reply } from '../messages.ts';
import { etagOf } from './etags.ts';
import { viewInstance, viewVirtualMachine } from './view.ts';

export function getVirtualMachine(cloud: Cloud, call: Call): Reply {
  const machine = cloud.resources.read('virtualMachine', targetId(call), call.now);
  if (!machine) throw resourceNotFound(call);
  const expand = (call.query.get('$expand') ?? '').toLowerCase();
  const body = viewVirtualMachine(machine, call.now, {
    instanceView: expand.includes('instanceview'),
    userData: expand.includes('userdata'),
  });
  return { status: 200, headers: { etag: etagOf(machine) }, body };
}

export function getInstanceView(cloud: Cloud, call: Call): Reply {
  const machine = cloud.resources.read('virtualMachine', targetId(call), call.now);
  if (!machine) throw resourceNotFound(call);
  return { status: 200, body: viewInstance(machine, call.now) };
}

export function listVirtualMachines(cloud: Cloud, call: Call): Reply {
  const instanceView = call.query.get('statusOnly') === 'true';
  const value = cloud.resources
    .list('virtualMachine', call)
    .map((machine) => viewVirtualMachine(machine, call.now, { instanceView }));
  return listPage(cloud, call, value);
}
