// The schema of pods: the fields in everyday use are listed, others are kept as they are.
import {
  anything,
  flag,
  listByKey,
  listOf,
  long,
  mapOf,
  openRecord,
  quantity,
  record,
  text,
  time,
  whole,
} from '../../schema/builders.ts';
import { conditions, kindSchema } from './metadata.ts';

const container = openRecord(
  {
    name: text('Name of the container, unique in the pod.'),
    image: text('Name of the image.'),
    imagePullPolicy: text('Always, Never or IfNotPresent.'),
    command: listOf(text(), 'Entry point.'),
    args: listOf(text(), 'Arguments of the entry point.'),
    workingDir: text('Working directory.'),
    env: listByKey(
      openRecord({ name: text(), value: text(), valueFrom: anything() }),
      ['name'],
      'Environment variables.',
    ),
    envFrom: listOf(anything(), 'Sources of environment variables.'),
    ports: listByKey(
      openRecord({
        containerPort: whole(),
        name: text(),
        protocol: { type: 'string', default: 'TCP' },
      }),
      ['containerPort', 'protocol'],
      'Ports to expose.',
    ),
    resources: openRecord({ limits: mapOf(quantity()), requests: mapOf(quantity()) }),
    volumeMounts: listByKey(
      openRecord({ mountPath: text(), name: text(), readOnly: flag(), subPath: text() }),
      ['mountPath'],
      'Volumes to mount.',
    ),
    securityContext: anything('Security options.'),
  },
  'One program that runs in the pod.',
);

export const podSpec = openRecord(
  {
    containers: listByKey(container, ['name'], 'The containers of the pod.'),
    initContainers: listByKey(container, ['name'], 'Containers that run first.'),
    nodeName: text('The node the pod runs on.'),
    nodeSelector: {
      ...mapOf(text(), 'Labels the node must have.'),
      'x-kubernetes-map-type': 'atomic',
    },
    serviceAccountName: text('The account the pod runs as.'),
    restartPolicy: text('Always, OnFailure or Never.'),
    terminationGracePeriodSeconds: long('Seconds the pod may take to end.'),
    hostNetwork: flag("Whether the pod uses the node's network."),
    tolerations: listOf(anything(), 'Taints the pod tolerates.'),
    volumes: listByKey(openRecord({ name: text() }), ['name'], 'Volumes for the containers.'),
    imagePullSecrets: listByKey(record({ name: text() }), ['name']),
  },
  'What the pod shall be.',
);

export const podSchema = kindSchema('Pod is a set of containers that run on one node.', {
  spec: podSpec,
  status: openRecord(
    {
      phase: text('Pending, Running, Succeeded, Failed or Unknown.'),
      conditions,
      message: text('Why the pod is in this state.'),
      reason: text('The same in one word.'),
      hostIP: text('Address of the node.'),
      podIP: text('Address of the pod.'),
      startTime: time('When the node acknowledged the pod.'),
      containerStatuses: listOf(anything(), 'The state of each container.'),
    },
    'The current state of the pod.',
  ),
});
