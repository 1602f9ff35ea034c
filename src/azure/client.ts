// The SDK's clients, one per subscription, and the two ways a request leaves through them: a typed
// operation whose poller is dropped, and a raw request through the same pipeline.
import { ComputeManagementClient } from '@azure/arm-compute';
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import type { TokenCredential } from '@azure/core-auth';
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
} from '@azure/core-rest-pipeline';
import { formatTime } from '../runtime/clock.ts';
import type { Runtime } from '../runtime/index.ts';
import { type ArmCall, ArmCaller, type Outcome, type SendOptions } from './calls.ts';
import { type AzureEnvironment, isResourceManagerUrl } from './environments.ts';
import type { ArmAnswer } from './failures.ts';
import type { CallContext, Operation } from './port.ts';
import { Throttle } from './throttle.ts';

export interface ArmClientOptions {
  readonly runtime: Runtime;
  readonly credential: TokenCredential;
  readonly environment: AzureEnvironment;
  readonly httpClient?: HttpClient;
  readonly userAgent?: string;
  readonly callTimeoutMilliseconds?: number;
}

/** Azure answers nearly everything within seconds; its own gateway gives up after 60 s. */
const DEFAULT_CALL_TIMEOUT_MILLISECONDS = 60_000;

/** What a long-running operation of the SDK returns; only its first request is wanted. */
interface Submitting {
  submitted(): Promise<void>;
}

export class ArmClient {
  readonly environment: AzureEnvironment;
  readonly runtime: Runtime;
  readonly #caller: ArmCaller;
  readonly #httpClient: HttpClient;
  readonly #credential: TokenCredential;
  readonly #clientOptions;
  readonly #computeClients = new Map<string, ComputeManagementClient>();
  #graphClient: ResourceGraphClient | undefined;

  constructor(options: ArmClientOptions) {
    const { runtime, environment } = options;
    this.runtime = runtime;
    this.environment = environment;
    this.#credential = options.credential;
    this.#httpClient = options.httpClient ?? createDefaultHttpClient();
    this.#caller = new ArmCaller(
      runtime,
      new Throttle(runtime.clock, runtime.metrics),
      options.callTimeoutMilliseconds ?? DEFAULT_CALL_TIMEOUT_MILLISECONDS,
    );
    this.#clientOptions = {
      endpoint: environment.endpoint,
      credentials: { scopes: [environment.tokenScope] },
      httpClient: this.#httpClient,
      // The controllers own retries: a worker is never held for a Retry-After.
      retryOptions: { maxRetries: 0 },
      userAgentOptions: { userAgentPrefix: options.userAgent ?? 'poolkeeper' },
    };
  }

  compute(subscriptionId: string): ComputeManagementClient {
    const key = subscriptionId.toLowerCase();
    const known = this.#computeClients.get(key);
    if (known) return known;
    const made = new ComputeManagementClient(this.#credential, subscriptionId, this.#clientOptions);
    this.#computeClients.set(key, made);
    return made;
  }

  graph(): ResourceGraphClient {
    this.#graphClient ??= new ResourceGraphClient(this.#credential, this.#clientOptions);
    return this.#graphClient;
  }

  /** A typed call that ends with its answer. */
  run<T>(
    call: ArmCall,
    context: CallContext,
    send: (options: SendOptions) => Promise<T>,
  ): Promise<Outcome<T>> {
    return this.#caller.run(call, context, send);
  }

  /**
   * The first request of a long-running operation; polling is left to `poll`. Resolves undefined when
   * Azure finished at once.
   */
  async start(
    call: ArmCall,
    context: CallContext,
    begin: (options: SendOptions) => Submitting,
  ): Promise<Operation | undefined> {
    // A poller is a thenable that starts polling when awaited or returned: it must stay in here.
    const { answer } = await this.#caller.run(call, context, async (options) => {
      await begin(options).submitted();
    });
    return operationOf(answer, this.runtime);
  }

  /** A request that the SDK has no operation for. The URL must be the resource manager's. */
  async send(
    call: ArmCall,
    context: CallContext,
    request: { readonly url: string; readonly body?: object },
  ): Promise<ArmAnswer> {
    if (!isResourceManagerUrl(this.environment, request.url))
      throw new Error(`not a URL of ${this.environment.endpoint}`);
    const { pipeline } = this.compute(call.subscriptionId);
    const { answer } = await this.#caller.run(call, context, async (options) => {
      const headers = createHttpHeaders({
        accept: 'application/json',
        ...(request.body && { 'content-type': 'application/json' }),
        ...options.requestOptions.headers,
      });
      const { method } = call;
      const { abortSignal } = options;
      const sent = createPipelineRequest({ url: request.url, method, headers, abortSignal });
      if (request.body) sent.body = JSON.stringify(request.body);
      options.onResponse(await pipeline.sendRequest(this.#httpClient, sent));
    });
    return answer;
  }
}

/** Where to ask about the work an answer promises; undefined when there is nothing to wait for. */
export function operationOf(answer: ArmAnswer, runtime: Runtime): Operation | undefined {
  // Besides a 202, Location only names the resource itself.
  const location = answer.status === 202 ? answer.header('location') : undefined;
  const url = answer.header('azure-asyncoperation') ?? location;
  return url ? { url, startedAt: formatTime(runtime.clock.now()) } : undefined;
}
