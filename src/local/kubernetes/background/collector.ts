// The work that a cluster's controller manager does behind the API: deleting what lost its
// owners, emptying namespaces, and removing the instances of deleted definitions. Every pass is
// started by commits and runs soon after, never inside a client's request.
import type { Backend } from '../backend.ts';
import type { Change } from '../storage/shelf.ts';
import { DefinitionCleaner } from './definition-cleaner.ts';
import { NamespaceCleaner } from './namespace-cleaner.ts';
import { OwnerCollector } from './owner-collector.ts';
import { ServiceAccountMaker } from './service-account-maker.ts';

/** One worker of the background: told of commits, asked to work until nothing is left to do. */
export interface Worker {
  observe(shelf: string, change: Change): void;
  /** Does what is due; returns whether anything was done. */
  work(): boolean;
}

export class Collector {
  readonly #backend: Backend;
  readonly #workers: readonly Worker[];
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#workers = [
      new NamespaceCleaner(backend),
      new DefinitionCleaner(backend),
      new OwnerCollector(backend),
      new ServiceAccountMaker(backend),
    ];
  }

  observe(shelf: string, change: Change): void {
    for (const worker of this.#workers) worker.observe(shelf, change);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #wake(): void {
    if (this.#cancel || this.#closed) return;
    this.#cancel = this.#backend.clock.schedule(0, () => {
      this.#cancel = undefined;
      this.#pass();
    });
  }

  /** Work causes commits, which ask for the next pass; so one round of each worker is enough. */
  #pass(): void {
    for (const worker of this.#workers) worker.work();
  }
}
