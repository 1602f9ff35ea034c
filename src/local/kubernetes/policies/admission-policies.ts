// Asks the stored ValidatingAdmissionPolicies about a write, after the object proved valid and
// before it is stored. A policy counts only through a binding. Policies with parameters are not
// evaluated here: they refuse what they match, so that nobody mistakes silence for consent.
import type { Call } from '../backend.ts';
import { asArray, asObject, asString, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { forbidden, invalid, StatusError } from '../objects/status-error.ts';
import { toCel } from '../schema/cel-values.ts';
import type { Store } from '../storage/store.ts';
import { type Matched, matches, type Operation } from './matching.ts';
import { compilePolicyExpression } from './policy-environment.ts';

const POLICIES = 'admissionregistration.k8s.io/validatingadmissionpolicies';
const BINDINGS = 'admissionregistration.k8s.io/validatingadmissionpolicybindings';

export interface Admitted {
  readonly operation: Operation;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Throws the refusal of the first policy that denies; warnings go to the client. */
export function askPolicies(store: Store, call: Call, admitted: Admitted): void {
  const bindings = store.shelf(BINDINGS).list();
  if (bindings.length === 0) return;
  // The policies themselves can't be guarded by policies: a mistake could never be undone.
  if (call.type.group === 'admissionregistration.k8s.io') return;
  const subject = admitted.object ?? admitted.oldObject;
  const matched: Matched = {
    operation: admitted.operation,
    object: admitted.object,
    oldObject: admitted.oldObject,
    type: call.type,
    subresource: call.target.subresource ?? '',
    name: subject?.metadata.name ?? call.target.name,
    namespace: call.target.namespace,
  };
  for (const binding of bindings) {
    const spec = asObject(binding['spec']);
    const policy = store.shelf(POLICIES).get(asString(spec['policyName']));
    if (!policy) continue;
    const constraints = asObject(policy['spec'])['matchConstraints'];
    if (!constraints || !matches(constraints, matched, store)) continue;
    if (!matches(spec['matchResources'], matched, store)) continue;
    act({ call, policy, binding, name: matched.name }, verdict(call, policy, admitted, store));
  }
}

interface Refusal {
  readonly message: string;
  readonly reason: string;
}

interface Decision {
  readonly call: Call;
  readonly policy: KubeObject;
  readonly binding: KubeObject;
  readonly name: string;
}

function act({ call, policy, binding, name }: Decision, refused: Refusal | undefined): void {
  if (!refused) return;
  const actions = asArray(asObject(binding['spec'])['validationActions']).map(String);
  const says =
    `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding ` +
    `'${binding.metadata.name}' denied request: ${refused.message}`;
  if (actions.includes('Warn')) call.warnings.push(says.replace('denied request', 'failed'));
  if (!actions.includes('Deny')) return;
  if (refused.reason === 'Forbidden') throw forbidden(call.type, name, says);
  if (refused.reason === 'Invalid') throw invalidBecause(call, name, says);
  throw new StatusError(422, refused.reason, says, {});
}

function invalidBecause(call: Call, name: string, says: string): StatusError {
  return invalid(call.type, name, [{ reason: 'FieldValueInvalid', message: says, field: '' }]);
}

/** Undefined when the policy has nothing against it. */
function verdict(
  call: Call,
  policy: KubeObject,
  admitted: Admitted,
  store: Store,
): Refusal | undefined {
  const spec = asObject(policy['spec']);
  const failsOpen = spec['failurePolicy'] === 'Ignore';
  try {
    if (spec['paramKind']) throw new Error('policies with parameters are not evaluated here');
    const context = contextOf(call, admitted, store);
    const conditions = asArray(spec['matchConditions']).map(asObject);
    const applies = conditions.every((one) => evaluate(one['expression'], context) === true);
    if (!applies) return undefined;
    const variables = lazyVariables(asArray(spec['variables']).map(asObject), context);
    return refusalOf(asArray(spec['validations']).map(asObject), { ...context, variables });
  } catch (error) {
    if (failsOpen) return undefined;
    const summary = asObject(error)['summary'] ?? (error as Error).message;
    return { message: `expression resulted in error: ${String(summary)}`, reason: 'Invalid' };
  }
}

function refusalOf(validations: readonly JsonObject[], context: JsonObject): Refusal | undefined {
  for (const validation of validations) {
    if (evaluate(validation['expression'], context) === true) continue;
    const words = validation['messageExpression']
      ? evaluate(validation['messageExpression'], context)
      : undefined;
    const message =
      (typeof words === 'string' && words.trim()) ||
      asString(validation['message']) ||
      `failed expression: ${asString(validation['expression']).trim()}`;
    return { message, reason: asString(validation['reason']) || 'Invalid' };
  }
  return undefined;
}

function evaluate(expression: unknown, context: JsonObject): unknown {
  return compilePolicyExpression(asString(expression))(context);
}

/** Each variable is worked out when first used; later ones may use earlier ones. */
function lazyVariables(definitions: readonly JsonObject[], context: JsonObject): JsonObject {
  const variables: JsonObject = {};
  for (const { name, expression } of definitions) {
    let known: { readonly value: unknown } | undefined;
    Object.defineProperty(variables, asString(name), {
      enumerable: true,
      get: () => {
        known ??= { value: evaluate(expression, { ...context, variables }) };
        return known.value;
      },
    });
  }
  return variables;
}

function contextOf(call: Call, admitted: Admitted, store: Store): JsonObject {
  const { target, type, user } = call;
  const { schema } = type;
  const shown = (object: KubeObject | undefined): unknown =>
    object === undefined ? null : toCel(object, schema);
  const { username, uid, groups, extra } = user;
  const resource = { group: type.group, version: type.version, resource: type.plural };
  const kind = { group: type.group, version: type.version, kind: type.kind };
  const name = target.name || admitted.object?.metadata.name;
  const namespace = target.namespace && store.shelf('namespaces').get(target.namespace);
  return {
    object: shown(admitted.object),
    oldObject: shown(admitted.oldObject),
    params: null,
    namespaceObject: namespace ? toCel(namespace, undefined) : null,
    request: {
      operation: admitted.operation,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      // As in a real server, what is empty is not there: an expression that takes it for granted fails.
      ...(target.subresource ? { subResource: target.subresource } : {}),
      ...(name ? { name } : {}),
      ...(target.namespace ? { namespace: target.namespace } : {}),
      userInfo: { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) },
      dryRun: admitted.dryRun ?? false,
    },
  };
}
