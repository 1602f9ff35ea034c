// What a fresh cluster has: its four namespaces.
import { formatTime } from '../../runtime/clock.ts';
import { randomUuid } from '../../runtime/random.ts';
import type { Backend } from './backend.ts';
import type { KubeObject } from './objects/kube-object.ts';
import { namespaces } from './resources/core.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

export function seedObjects(backend: Backend): void {
  for (const name of NAMESPACES) {
    if (backend.store.shelf(namespaces.shelf).get(name)) continue;
    backend.store.put(namespaces.shelf, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        uid: randomUuid(backend.random),
        creationTimestamp: formatTime(backend.clock.now()),
        labels: { 'kubernetes.io/metadata.name': name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    } satisfies KubeObject);
  }
}
