// The simulated cloud: takes a request, returns an answer. No sockets, no timers: time passes when
// someone looks, so a fake clock and a seeded random source replay a run exactly.
import { assert } from '../../runtime/assert.ts';
import type { Runtime } from '../../runtime/index.ts';
import { AddressBook } from './address-book.ts';
import type { Cloud } from './calls.ts';
import { Capacity } from './capacity.ts';
import { completions } from './completions.ts';
import { FaultBook } from './faults.ts';
import { FrontDoor } from './front-door.ts';
import type { ArmRequest, ArmResponse } from './messages.ts';
import { OperationStore } from './operations.ts';
import type { ResourceRecord } from './records.ts';
import { type LoggedRequest, RequestLog } from './request-log.ts';
import { ResourceStore } from './resource-store.ts';
import {
  resolveSettings,
  type SettingsOverrides,
  type SimulatedAzureSettings,
} from './settings.ts';
import { seedSnapshot } from './snapshots.ts';
import { evictMachine } from './virtual-machines/evict.ts';

export class SimulatedAzure {
  readonly settings: SimulatedAzureSettings;
  readonly faults: FaultBook;
  readonly log: RequestLog;
  readonly capacity: Capacity;
  /** The state the handlers share; for inspection. */
  readonly cloud: Cloud;
  readonly #runtime: Runtime;
  readonly #frontDoor: FrontDoor;

  constructor(runtime: Runtime, overrides: SettingsOverrides = {}) {
    this.#runtime = runtime;
    this.settings = resolveSettings(overrides);
    this.faults = new FaultBook(() => runtime.clock.now());
    this.log = new RequestLog();
    this.capacity = new Capacity(this.settings.quota);
    const resources = new ResourceStore();
    this.cloud = {
      runtime,
      settings: this.settings,
      resources,
      operations: new OperationStore(this.settings.operationExpiryMilliseconds),
      faults: this.faults,
      capacity: this.capacity,
      addresses: new AddressBook(resources),
      finish: (operation, at, failure) => {
        this.cloud.operations.end(operation, at, failure);
        completions[operation.kind](this.cloud, operation, at);
        this.cloud.operations.announceEnd(operation);
      },
    };
    this.#frontDoor = new FrontDoor(this.cloud, this.log);
  }

  handle(request: ArmRequest): ArmResponse {
    this.settle();
    return this.#frontDoor.handle(request);
  }

  /** Puts the snapshots of the settings in place, where they aren't yet. */
  seed(): void {
    const now = this.#runtime.clock.now();
    for (const snapshot of this.settings.snapshots) {
      if (!this.cloud.resources.get('snapshot', snapshot.id))
        seedSnapshot(this.cloud, snapshot, now);
    }
  }

  now(): number {
    return this.#runtime.clock.now();
  }

  /** Everything there is, after finishing what is due. */
  resources(): ResourceRecord[] {
    this.settle();
    return this.cloud.resources.all();
  }

  /** The last calls, oldest first. */
  requests(): readonly LoggedRequest[] {
    return this.log.requests();
  }

  /** How many calls of each operation there were. */
  counts(): Record<string, number> {
    return this.log.counts();
  }

  /** Azure takes a Spot machine back, as if its host were needed. @throws ArmError if it can't */
  evict(machineId: string): void {
    this.settle();
    evictMachine(this.cloud, machineId, this.now());
  }

  /** A guest writes to a disk: whose bytes it carries is remembered, and copied with them. */
  writeToDisk(diskId: string, by: string): void {
    const disk = this.cloud.resources.get('disk', diskId);
    assert(disk !== undefined, `there is no disk ${diskId}`);
    disk.content.writes.push({ by, at: this.now() });
    this.cloud.resources.save(disk, this.now());
  }

  /** Finishes every operation whose time has come, in due order. */
  settle(): void {
    const { operations } = this.cloud;
    const now = this.now();
    for (let due = operations.due(now); due.length > 0; due = operations.due(now))
      for (const operation of due) {
        // The end of one may have cut another short.
        if (operation.status !== 'InProgress') continue;
        assert(operation.dueAt !== undefined, 'a due operation has a due time');
        this.cloud.finish(operation, operation.dueAt, operation.failure);
      }
  }
}
