// What other rooms use of this one.
export { type CacheOptions, type Caches, createCaches } from './caches.ts';
export {
  type AnswerObserver,
  type ApplyOptions,
  createKubeClient,
  type DeleteOptions,
  type DeleteOutcome,
  type Draft,
  type JsonPatchOperation,
  type KubeClient,
  type ListOptions,
  type WriteOptions,
} from './client.ts';
export type { ClusterAccess, Credential, TlsSettings } from './cluster-access.ts';
export { type ConnectOptions, connectKubernetes, type Kubernetes } from './connect.ts';
export { type Connection, createConnection } from './connection.ts';
export {
  type Controller,
  type ControllerOptions,
  type Reconcile,
  type Result,
  runController,
} from './controller.ts';
export {
  ApiError,
  isAlreadyExists,
  isConflict,
  isGone,
  isInvalid,
  isLostRace,
  isNotFound,
  UnreachableError,
} from './errors.ts';
export { createEventRecorder, type EventRecorder, type EventType } from './events.ts';
export { createHttpTransport } from './http-transport.ts';
export { findCluster, fromKubeconfig, inCluster, type KubeconfigOptions } from './kubeconfig.ts';
export {
  type LeaderElection,
  type LeaderElectionOptions,
  runLeaderElection,
} from './leader-election.ts';
export { createLeaseStore, type LeaseStore } from './lease-store.ts';
export { type Key, keyOf, keyOfObject, type ObjectReference, referenceOf } from './object-key.ts';
export {
  addFinalizerPatch,
  isEqual,
  locked,
  type MergePatch,
  mergeDiff,
  removeFinalizerPatch,
  statusPatch,
} from './patch.ts';
export { mergeStatus } from './status-write.ts';
export type { EventOrigin, IndexFunction, Store, StoreEventType, StoreHandler } from './store.ts';
export type { Transport, WireRequest, WireResponse, WireStream } from './transport.ts';
export {
  changedBeyondStatus,
  type EnqueueOptions,
  type KeysOf,
  watchAndEnqueue,
} from './watch-and-enqueue.ts';
export { createWorkQueue, PRIORITY, type WorkItem, type WorkQueue } from './work-queue.ts';
