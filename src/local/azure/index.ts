// The simulated Azure: a real HTTP server that the real client libraries talk to.
import type { Runtime } from '../../runtime/index.ts';
import { serve } from './http-server.ts';
import { Journal } from './journal.ts';
import type { SettingsOverrides } from './settings.ts';
import { SimulatedAzure } from './simulated-azure.ts';

export type { FaultEffect, FaultOrder } from './faults.ts';
export type { ArmRequest, ArmResponse } from './messages.ts';
export {
  defaultLocation,
  defaultResourceGroup,
  defaultSubscriptionId,
  type SeedSnapshot,
  type SettingsOverrides,
} from './settings.ts';
export { SimulatedAzure } from './simulated-azure.ts';

export interface StartOptions extends SettingsOverrides {
  readonly runtime: Runtime;
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly host?: string;
  /** Where the cloud is kept between runs; without it everything ends with the process. */
  readonly dataDirectory?: string;
}

export interface RunningAzure {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** The cloud itself: resources, requests, faults. */
  readonly azure: SimulatedAzure;
  close(): Promise<void>;
}

export async function startSimulatedAzure(options: StartOptions): Promise<RunningAzure> {
  const { runtime, port = 0, host = '127.0.0.1', dataDirectory, ...settings } = options;
  const azure = new SimulatedAzure(runtime, settings);
  const journal = dataDirectory ? new Journal(dataDirectory, azure.cloud) : undefined;
  journal?.open();
  azure.seed();
  const server = await serve(azure, runtime.clock, { host, port });
  return {
    url: server.url,
    azure,
    async close() {
      await server.close();
      journal?.close();
    },
  };
}
