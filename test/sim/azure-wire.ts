// What carries one process's requests to the simulated Azure in this one, under the real SDK.
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline';
import type { ArmResponse, SimulatedAzure } from '../../src/local/azure/index.ts';
import { azureCall, type Fate, LATE, lateness } from './calls.ts';
import type { Actor } from './loop.ts';
import type { Network } from './network.ts';

export interface WireOptions {
  readonly network: Network;
  readonly actor: Actor;
  readonly azure: SimulatedAzure;
}

export function azureWire({ network, actor, azure }: WireOptions): HttpClient {
  const { loop } = network;
  return {
    sendRequest: (request) =>
      new Promise((resolve, reject) => {
        const { method, url, abortSignal } = request;
        const fate = network.fateOf(actor, azureCall(method, url, String(request.body ?? '')));
        const refuse = (code: string): void =>
          reject(new RestError('the connection broke', { code, request }));
        const answer = (response: ArmResponse): void => {
          if (fate.type === 'crash-after') network.kill(actor);
          if (fate.type === 'crash-after' || fate.type === 'silence') return;
          const isDropped = fate.type === 'unanswered' || response.dropConnection;
          const give = (): void =>
            isDropped ? refuse('ECONNRESET') : resolve(pipelineResponse(request, response));
          const late = (response.delayMilliseconds ?? 0) + slowness(fate);
          loop.after(network.latency('azure') + late, give, actor);
        };
        const arrive = (): void => {
          if (network.isDown('azure', actor)) loop.after(0, () => refuse('ECONNREFUSED'), actor);
          else if (fate.type === 'lost') loop.after(0, () => refuse('ECONNRESET'), actor);
          else if (fate.type === 'refused') answer(refusal(fate));
          else answer(azure.handle(asArrived(request, fate)));
        };
        const abort = (): void => reject(new RestError('aborted', { code: 'ABORT_ERR', request }));
        abortSignal?.addEventListener('abort', abort);
        if (abortSignal?.aborted) abort();
        else if (fate.type === 'crash-before') network.kill(actor);
        else loop.after(network.latency('azure') + lateness(fate), arrive);
      }),
  };
}

function slowness(fate: Fate): number {
  return fate.type === 'slow' ? fate.milliseconds : 0;
}

function asArrived({ method, url, headers, body }: PipelineRequest, fate: Fate) {
  const marked = { ...headers.toJSON(), ...(lateness(fate) > 0 ? { [LATE]: 'true' } : {}) };
  return { method, url, headers: marked, ...(body ? { body: String(body) } : {}) };
}

function pipelineResponse(request: PipelineRequest, response: ArmResponse): PipelineResponse {
  const { status, headers, body } = response;
  return {
    request,
    status,
    headers: createHttpHeaders({ ...headers, 'content-type': 'application/json' }),
    bodyAsText: body === undefined ? '' : JSON.stringify(body),
  };
}

const CODES: Readonly<Record<number, string>> = {
  409: 'Conflict',
  412: 'PreconditionFailed',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServerBusy',
};

function refusal(fate: Extract<Fate, { type: 'refused' }>): ArmResponse {
  const { status, retryAfterSeconds } = fate;
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  const error = { code: CODES[status] ?? 'Unknown', message: 'A fault of the simulation.' };
  return { status, headers, body: { error } };
}
