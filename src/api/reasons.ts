// The one catalogue of condition reasons and of condition types. A reason is a stable word that
// programs may match on; the sentence here says what it means and what to do about it, and is
// what docs/reference/reasons.md is made of.

export const conditionTypes = {
  Ready: 'The summary: the object does what its spec asks for.',
  Reconciling: 'Work is under way towards the spec; present only while it is.',
  Stalled: 'Nothing moves until somebody changes something; the message says what.',
  Available: 'The pool has at least one free member, so a claim can be served at once.',
  ScalingUp: 'Members are being created.',
  ScalingDown: 'Free members beyond maxFree are being removed, or wait for the cooldown to end.',
  RollingOut: 'Free members of an older template or snapshot are being replaced.',
  Deleting: 'The object is going away; the message says what it waits for.',
  Paused: 'spec.paused is true: nothing is created or removed, claims are still released.',
  QuotaAvailable: 'Azure has quota and capacity for what the pool wants to create.',
  GoldenSnapshotReady: 'The golden snapshot exists, has the right size and may be copied.',
  Bound: 'The claim owns an instance; this never changes until the claim is released.',
  VolumeAttached: "The claim's volume is attached to its instance.",
  HooksSucceeded: "The pool's hooks ran in the instance without failing.",
  NodePrerequisitesMet: 'The node has the programs and kernel modules its storage needs.',
  DisksClaimed: 'The disks were found, are blank or ours, and belong to this pool.',
  ArrayHealthy: 'The array has all its members and no failed drive.',
  ArrayConsistent: 'The last scrub found that all copies and parities of the array agree.',
  Formatted: 'The filesystem is there.',
  Mounted: 'The filesystem is mounted where the spec says.',
  CleanedUp: 'The agent undid everything it did on the node; the object may go.',
  Reachable: 'The storage backend answered the last probe.',
  Authenticated:
    'The credentials were accepted by the storage backend; absent where there are none.',
  Exposed: 'PersistentVolumes offer the storage to pods.',
} as const satisfies Record<string, string>;

export type ConditionType = keyof typeof conditionTypes;

const general = {
  AsExpected: 'Everything is as the spec asks.',
  Progressing: 'Work is under way; the message says which step.',
  NotYetObserved: 'The controller has not looked at the object yet.',
  DeletionRequested: 'The object is being deleted; the message says what it waits for.',
  Paused: 'spec.paused is true.',
  NotPaused: 'spec.paused is false.',
  InvalidSpec: 'The spec contradicts itself or the world; change it as the message says.',
  ReferenceNotFound: 'An object that the spec names does not exist in this namespace.',
  SecretNotFound: 'A Secret, or a key in it, that the spec names does not exist.',
  ScopeNotAllowed:
    "The installation's configuration does not let this namespace use that subscription, " +
    'group, subnet, identity or snapshot.',
  ScopeMismatch:
    'The Azure scope no longer is the one the pool was created in; put it back or create ' +
    'a new pool.',
  CleanupFailed:
    'Something could not be removed; the message says what and how to remove it by hand.',
  CleanupBlocked: 'Removal waits for something that is still in use; the message says by whom.',
  InternalError: 'The controller met an error it did not expect; it tries again.',
  KubernetesUnavailable: 'The API server could not be reached; dangerous work waits.',
} as const;

const pools = {
  MembersAvailable: 'There are free members.',
  NoFreeMembers: 'Every member is in use or still being made; claims wait.',
  ScaledToTarget: 'The number of free members lies between minFree and maxFree.',
  BelowMinFree: 'Fewer members than minFree are free; more are being made.',
  AboveMaxFree: 'More members than maxFree are free; the oldest are being removed.',
  CooldownActive: 'Members beyond maxFree stay until scaleDownCooldown is over.',
  LimitedByMaxTotal: 'More free members are wanted, but maxTotal is reached.',
  RollingOut: 'Free members of an older template or snapshot are being replaced.',
  DiscoveryIncomplete:
    'The last look at Azure failed or was cut short; nothing is removed on its word.',
  MembersClaimed: 'Deletion waits while members are claimed.',
  MembersRetained: 'Deletion waits while volumes are retained.',
  MembersFailed: 'Members failed; the message has the latest error.',
} as const;

const azure = {
  QuotaAvailable: 'No creation was refused for quota or capacity lately.',
  QuotaExceeded:
    'The subscription has no quota left for this size; ask for more or choose another.',
  CapacityUnavailable: 'Azure has no capacity for any size of the list in any zone just now.',
  SizeNotAvailable: 'Azure does not offer this size in the location or zone.',
  Throttled: 'Azure asked us to slow down; work goes on when its Retry-After is over.',
  AzureUnavailable: 'Azure did not answer; what is warm can still be claimed.',
  AuthorizationFailed: "The operator's identity lacks a right in Azure; the message names it.",
  PolicyViolation: 'An Azure Policy forbids the request; the message names the policy.',
  ScopeLocked: 'A delete or read-only lock in Azure forbids the request.',
  InvalidParameter: 'Azure refused the request as wrong; the message has its words.',
  ResourceGroupNotFound: 'The resource group does not exist.',
  CreateFailed: 'Azure accepted the creation and then failed it; the message has its words.',
  ProvisioningTimedOut: 'The machine was not ready in time; it is replaced.',
  DeleteFailed: 'Azure failed to delete a resource; it is tried again.',
  DetachFailed: 'A disk could not be detached; the machine is not free until it is.',
  AttachFailed: 'A disk could not be attached; the message has the words of Azure.',
  AttachedElsewhere: 'The disk is attached to a machine that is not ours; it was set aside.',
  ResourceDisappeared: 'The resource was deleted outside Poolkeeper.',
  ForeignChange:
    'Someone else changed the resource in a way that makes it unfit; it was set aside.',
  StateUnproven:
    'After a loss of records nothing proves that the member was never handed out; it is ' +
    'replaced instead.',
  Evicted: 'Azure took the spot machine back; the message says what becomes of it.',
  Orphaned:
    'The pool was deleted with deletionPolicy Orphan: the resource stays in Azure, without our ' +
    'tags, and its record goes.',
} as const;

const snapshots = {
  SnapshotReady: 'The golden snapshot may be copied.',
  SnapshotNotFound: 'The snapshot does not exist; check its id.',
  SnapshotInvalid: 'The snapshot exists but cannot be used; the message says why.',
  BuildingSnapshot: 'A machine is preparing the golden snapshot; the message says which step.',
  BuildFailed: 'Preparing the golden snapshot failed; the message has the tail of its output.',
} as const;

const claims = {
  Bound: 'An instance is bound to this claim and no other.',
  PoolExhausted: 'All instances of the pool are claimed; the claim is served when one frees.',
  PoolNotFound: 'The pool that the claim names does not exist in this namespace.',
  PoolPaused: 'The pool is paused and has nothing free.',
  PoolDeleting: 'The pool is being deleted and binds no more claims.',
  VolumePoolExhausted: 'The volume pool has no free volume; the claim is served when one is made.',
  VolumeNotFound: 'No volume of that name and uid exists in this namespace.',
  VolumeInUse: 'The volume is held by another claim.',
  NoInstanceInZone: "No free instance is in the volume's zone; one is being made.",
  WaitingForInstance: 'The pool is making an instance for this claim.',
  VolumeAttached: 'The volume is attached; status.volume.devicePath is where the guest sees it.',
  NoVolumeRequested: 'The claim asks for no volume.',
  AttachingVolume: 'Azure is attaching the volume.',
  HooksSucceeded: 'The hook ended with exit code 0.',
  NoHooks: 'The pool has no hook for this moment.',
  HookRunning: 'The hook runs in the instance.',
  HookFailed: 'The hook failed; the message has its exit code and the tail of its output.',
  WaitingForReadyCheck: 'The instance does not answer on the port of spec.ready yet.',
  ReadyCheckTimedOut: 'The instance did not answer on the port of spec.ready in time.',
  Releasing: 'The claim is being released; its instance and volume go back to their pools.',
  Expired: 'spec.ttl is over; the claim was released.',
  InstanceOrphaned:
    "The pool was deleted with deletionPolicy Orphan: the machine stays as it is, but is nobody's " +
    'business any more; delete the claim.',
  VolumeOrphaned:
    'The volume pool was deleted with deletionPolicy Orphan: the disk stays attached while the ' +
    'claim lasts, and in Azure after that.',
  InstanceLost: 'The bound instance is gone or was evicted; release the claim and claim again.',
} as const;

const nodes = {
  NodeNotFound: 'No node of that name is in the cluster.',
  NodeGone: 'The node left the cluster; what may still be on its disks is listed in the status.',
  NoMatchingNode: 'No node matches nodeSelector.',
  UnsupportedNode:
    'Volumes cannot be attached to the node: it is no Azure VM, or one of a uniform scale set.',
  AgentNotReady: "The node's agent has not reported lately; what the status shows may be old.",
  PrerequisitesMissing: 'A program, package or kernel module is missing on the node; install it.',
  DeviceNotFound: 'No device with that serial or wwn is on the node.',
  DeviceAmbiguous: 'More than one device matches; name it by wwn as well.',
  DeviceInUse: 'The kernel uses the device: it is mounted, swap, or part of another volume.',
  DeviceClaimed: 'Another storage pool owns the device.',
  DeviceNotBlank: 'The device holds data; name it in wipe.confirm to destroy that.',
  DeviceUnreadable: 'The device cannot be read; nothing is written to it.',
  DeviceTooSmall: 'The device is too small.',
  DeviceReadOnly: 'The device is read-only.',
  DeviceIsSystem: 'The device carries the operating system.',
  DeviceIsPartition: 'Only whole disks are used.',
  DeviceChanged: 'The device is no longer the one that was claimed; nothing is done to it.',
  EphemeralDisksReset: 'Local disks lost their content when the machine moved; the array is gone.',
  ArrayNotFound: 'No array with that UUID is on the node.',
  ArrayHealthy: 'All members of the array are in place.',
  InitialSync: 'The array is building its first parity or copy; it can be used meanwhile.',
  ArrayDegraded: 'A member of the array is missing or failed; replace it.',
  ArrayRebuilding: 'The array is rebuilding onto a replaced member.',
  ArrayFailed: 'Too many members failed; the data may be lost.',
  ArrayReshaping: 'The array is spreading its data over more members; it can be used meanwhile.',
  ChangeNotPossible:
    'The array cannot be changed as the spec asks; it goes on as it is, and the message says why.',
  ScrubRunning: 'All copies and parities are being read and compared.',
  ScrubWaiting: 'All copies will be read and compared once nothing else is done to the array.',
  ScrubClean: 'The last scrub found no difference.',
  MismatchesFound:
    'The last scrub found copies or parities that differ; the message says how many and what to do.',
  JournalUnavailable:
    "The agent can't write its record on the node, so it does nothing there; see the message.",
  CommandFailed: 'A command failed; the message has its exit code and the tail of its output.',
  MountFailed: 'The filesystem could not be mounted; the message has the words of mount.',
  MountPathInUse: 'Something else is mounted at, or lies in, the mount path.',
  MountLost: 'The filesystem was unmounted by someone else; it is mounted again.',
  FilesystemMismatch: 'The device holds another filesystem than the spec names.',
  NodesPending: 'Some nodes have not mounted it yet.',
  NodesFailed: 'Some nodes failed; status.nodes.failed names them.',
  CleanedUp: 'Nothing of it is left on the node but what the deletion policy keeps.',
  AccessDenied:
    'The storage server refuses this node or its user; check the client list or rights there.',
  ServerNotResponding:
    'The storage server does not answer; what is mounted waits for it, and numbers may be old.',
  CredentialsUnavailable:
    'The node could not get the credentials from the controller; the message says why.',
  RemountPending:
    'Mount options or credentials changed; they count once nothing uses the mount any more.',
  DirectoryNotFound: 'The directory is not on the node; make it, or correct spec.local.path.',
  FilesystemReadOnly:
    'The kernel made the filesystem read-only after errors; look at the device and the kernel log.',
  MultipathRequired:
    'Several paths lead to the logical unit and no multipath device joins them; start multipathd.',
  StillInUseElsewhere:
    'Another node may still have the logical unit mounted; it moves once that node has let go.',
  VolumesBound: 'PersistentVolumes of the pool are bound; the message names the claims.',
  StorageClassMismatch: 'A StorageClass of that name is there and is made for something else.',
  LeftBehind: 'The node is gone; status.leftBehind names what could not be cleaned.',
} as const;

const backends = {
  ProbeSucceeded: 'The last probe got the answer it wanted.',
  NameNotResolved: 'The host name has no address.',
  ConnectionRefused: 'The host refused the connection; is the service running?',
  HostUnreachable: 'No route leads to the host; check the address, routes and firewalls.',
  ConnectionTimedOut: 'Nothing answered in time; is the address right and the firewall open?',
  TlsFailed: 'The certificate is not trusted, does not fit the name or is over; see caBundle.',
  AuthenticationFailed: 'The credentials were refused.',
  UnexpectedAnswer: 'Something answered, but not as this kind of storage does.',
  NotExported: 'The server does not offer that path, bucket or target.',
  VersionUnsupported: 'The server does not speak the asked-for protocol version.',
  StaleHandle: 'The server no longer knows the mounted export; it must be mounted again.',
  AddressNotAllowed: 'Probing link-local and cluster-internal addresses is not allowed.',
  ClockSkewed: 'The clocks of the operator and of the service differ by more than it tolerates.',
  NoProber: 'No node with a ready agent can probe this type of storage.',
  ProbeOutdated: 'The last result is too old to be believed; it is probed again.',
  BackendInUse: 'StoragePools use the backend; it goes once they are deleted or changed.',
  Suspended: 'spec.suspend is true; the backend is not probed.',
} as const;

/** By area, for the reference page. */
export const reasonGroups = {
  general,
  pools,
  azure,
  snapshots,
  claims,
  nodes,
  backends,
} as const;

/** Every reason with its sentence. */
export const reasons = {
  ...general,
  ...pools,
  ...azure,
  ...snapshots,
  ...claims,
  ...nodes,
  ...backends,
} as const;

export type Reason = keyof typeof reasons;

export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasons, text);
}

/** An error's code as a reason; a code that is not in the catalogue becomes `InternalError`. */
export function reasonOf(code: string): Reason {
  return isReason(code) ? code : 'InternalError';
}
