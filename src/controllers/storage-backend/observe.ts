// Probes what the operator itself can reach: web servers and S3 services.
import { parseDuration } from '../../api/duration.ts';
import type { StorageBackend } from '../../api/storage-backend.ts';
import {
  type HttpProbeRequest,
  type ProbeEnvironment,
  probeHttp,
  probeS3,
  type S3ProbeRequest,
} from '../../backends/index.ts';
import type { Observation, Probed } from '../../plan/probe-observation.ts';
import { unreachable } from '../../runtime/assert.ts';
import type { ProbeInputs } from './inputs.ts';

/** However a probe ends, that is an observation; throws only when the signal was aborted. */
export interface BackendProber {
  http(request: HttpProbeRequest, signal: AbortSignal): Promise<Probed>;
  s3(request: S3ProbeRequest, signal: AbortSignal): Promise<Probed>;
}

export function createBackendProber(environment: ProbeEnvironment): BackendProber {
  return {
    http: (request, signal) => probeHttp(environment, request, signal),
    s3: (request, signal) => probeS3(environment, request, signal),
  };
}

export function observe(
  prober: BackendProber,
  { spec }: StorageBackend,
  inputs: ProbeInputs,
  { countsObjects, signal }: { countsObjects: boolean; signal: AbortSignal },
): Promise<Observation> {
  const timeoutMilliseconds = parseDuration(spec.probeTimeout);
  const { authorization, clientCertificate, caCertificates, s3: credentials } = inputs;
  switch (spec.type) {
    case 'http': {
      const { baseURL, method, expectedStatusCodes } = spec.http;
      return prober.http(
        {
          baseURL,
          method,
          expectedStatusCodes,
          timeoutMilliseconds,
          authorization,
          clientCertificate,
          caCertificates,
        },
        signal,
      );
    }
    case 's3': {
      const countObjectsUpTo = countsObjects ? spec.s3.countObjectsUpTo : 0;
      return prober.s3(
        { ...spec.s3, countObjectsUpTo, timeoutMilliseconds, credentials, caCertificates },
        signal,
      );
    }
    case 'nfs':
    case 'iscsi':
    case 'cephfs':
      throw new Error(`assertion failed: a backend of type ${spec.type} is probed by a node`);
    default:
      return unreachable(spec);
  }
}
