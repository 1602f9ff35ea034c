// One life of the operator: from the start of its process until it is killed or has lost its lease.
// Everything it can reach dies with it: timers, calls in flight, watches.

import { simulatedCredential } from '../../src/azure/credentials.ts';
import { createAzureCloud } from '../../src/azure/index.ts';
import { type Operator, startOperator } from '../../src/cli/operator.ts';
import type { SimulatedAzure } from '../../src/local/azure/index.ts';
import type { KubernetesServer } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { createLog } from '../../src/runtime/log.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { location, resourceGroup, subscriptionId } from '../builders/pools.ts';
import { azureWire } from './azure-wire.ts';
import { KubernetesWire } from './kubernetes-wire.ts';
import type { Actor } from './loop.ts';
import type { Network } from './network.ts';
import { ProcessClock } from './process-clock.ts';

export interface ProcessOptions {
  readonly name: string;
  readonly seed: number;
  readonly network: Network;
  readonly server: KubernetesServer;
  readonly azure: SimulatedAzure;
  readonly installation: string;
  readonly elects: boolean;
  readonly skewMilliseconds: number;
  /** The process has ended by itself, because it lost its lease. */
  readonly onEnded: () => void;
  /** Lines of its log, when somebody wants them. */
  readonly onLogLine?: (line: string) => void;
}

export class OperatorProcess implements Actor {
  readonly name: string;
  readonly operator: Operator;
  isAlive = true;
  stoppedUntil = 0;
  /** Caches synced and leading. */
  isWorking = false;

  constructor(options: ProcessOptions) {
    const { name, network, server, azure, onLogLine } = options;
    this.name = name;
    const runtime = createRuntime({
      clock: new ProcessClock(network.loop, this, options.skewMilliseconds),
      random: seededRandom(options.seed),
      ...(onLogLine && { log: createLog('debug', { write: onLogLine }) }),
    });
    this.operator = startOperator({
      runtime,
      access: new KubernetesWire({
        network,
        actor: this,
        server,
        token: server.authenticator.issue({ username: 'operator', groups: [] }),
      }),
      cloud: createAzureCloud({
        runtime,
        credential: simulatedCredential,
        userAgent: 'poolkeeper/sim',
        httpClient: azureWire({ network, actor: this, azure }),
      }),
      namespace: 'poolkeeper-system',
      installation: options.installation,
      defaults: { subscriptionId, resourceGroup, location },
      pollPace: 1,
      identity: name,
      leaderElect: options.elects,
      tcpProbe: { isOpen: async () => true },
      probeLoopback: false,
      onLost: () => {
        network.kill(this);
        options.onEnded();
      },
    });
    void this.operator.working.then(
      () => {
        this.isWorking = true;
      },
      () => {},
    );
  }
}
