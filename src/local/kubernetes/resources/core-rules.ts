// What the server fills in and refuses for the core group's resources.
import { asArray, asObject, deepEqual, isObject, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import type { Strategy } from './resource-type.ts';

const DATA_KEY = /^[-._a-zA-Z0-9]+$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export const namespaceRules: Strategy = {
  prepare(namespace, { old, subresource }) {
    if (old) return subresource ? namespace : { ...namespace, spec: old['spec'] };
    const labels = {
      ...namespace.metadata.labels,
      'kubernetes.io/metadata.name': namespace.metadata.name,
    };
    return {
      ...namespace,
      metadata: { ...namespace.metadata, labels },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
  },
};

export const secretRules: Strategy = {
  prepare(secret) {
    const stringData = asObject(secret['stringData']);
    const { stringData: _merged, ...rest } = secret as JsonObject;
    const data: JsonObject = { ...asObject(secret['data']) };
    for (const [key, text] of Object.entries(stringData)) {
      data[key] = Buffer.from(String(text)).toString('base64');
    }
    const merged: JsonObject = { ...rest, type: secret['type'] || 'Opaque' };
    if (secret['data'] || Object.keys(data).length > 0) merged['data'] = data;
    return merged as KubeObject;
  },
  validate(secret, { old }) {
    const causes = dataCauses(secret, 'data');
    for (const [key, text] of Object.entries(asObject(secret['data']))) {
      if (typeof text !== 'string' || !BASE64.test(text)) {
        causes.push(cause.invalid(`data[${key}]`, '', 'must be base64'));
      }
    }
    if (old && !deepEqual(old['type'], secret['type'])) {
      causes.push(cause.invalid('type', secret['type'], 'field is immutable'));
    }
    return [...causes, ...immutableData(secret, old)];
  },
};

export const configMapRules: Strategy = {
  validate(configMap, { old }) {
    const causes = [...dataCauses(configMap, 'data'), ...dataCauses(configMap, 'binaryData')];
    return [...causes, ...immutableData(configMap, old)];
  },
};

function dataCauses(object: KubeObject, field: string): StatusCause[] {
  const words =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. " +
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return Object.keys(asObject(object[field]))
    .filter((key) => !DATA_KEY.test(key) || key.length > 253)
    .map((key) => cause.invalid(`${field}[${key}]`, key, words));
}

function immutableData(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  if (old?.['immutable'] !== true) return [];
  const causes: StatusCause[] = [];
  if (object['immutable'] !== true) {
    causes.push(cause.forbidden('immutable', 'field is immutable when `immutable` is set'));
  }
  for (const field of ['data', 'binaryData']) {
    if (!deepEqual(old[field], object[field])) {
      causes.push(cause.forbidden(field, 'field is immutable when `immutable` is set'));
    }
  }
  return causes;
}

export const podRules: Strategy = {
  prepare(pod, { old }) {
    if (old) return pod;
    const spec = asObject(pod['spec']);
    return {
      ...pod,
      spec: {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        serviceAccountName: 'default',
        serviceAccount: 'default',
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
        ...spec,
      },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    };
  },
  validate(pod) {
    const containers = asArray(asObject(pod['spec'])['containers']);
    if (containers.length === 0) return [cause.required('spec.containers')];
    return containers.flatMap((container, index) => {
      const path = `spec.containers[${index}]`;
      const { name, image } = asObject(container);
      return [
        ...(name ? [] : [cause.required(`${path}.name`)]),
        ...(image ? [] : [cause.required(`${path}.image`)]),
      ];
    });
  },
};

export const volumeRules: Strategy = {
  prepare(volume, { old }) {
    if (old) return volume;
    const defaults = { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' };
    const spec = { ...defaults, ...asObject(volume['spec']) };
    return { ...volume, spec, status: { phase: 'Pending' } };
  },
};

export const claimRules: Strategy = {
  prepare(claim, { old }) {
    if (old) return claim;
    const spec = { volumeMode: 'Filesystem', ...asObject(claim['spec']) };
    return { ...claim, spec, status: { phase: 'Pending' } };
  },
  validate(claim) {
    const spec = asObject(claim['spec']);
    const causes: StatusCause[] = [];
    if (asArray(spec['accessModes']).length === 0) {
      causes.push(cause.required('spec.accessModes', 'at least 1 access mode is required'));
    }
    if (!isObject(asObject(spec['resources'])['requests'])) {
      causes.push(cause.required('spec.resources[storage]'));
    }
    return causes;
  },
};
