// What a ValidatingAdmissionPolicy must be before it is stored: expressions that compile, and rules
// whose wildcards a real server accepts.
import { asArray, asObject, asString, type JsonObject } from '../objects/json.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import type { Strategy } from '../resources/resource-type.ts';
import { compilePolicyExpression } from './policy-environment.ts';

const ACTIONS = ['Deny', 'Warn', 'Audit'];

export const policyRules: Strategy = {
  prepare: (policy, { old }) =>
    old ? policy : { ...policy, spec: { failurePolicy: 'Fail', ...asObject(policy['spec']) } },
  validate(policy) {
    const spec = asObject(policy['spec']);
    const constraints = asObject(spec['matchConstraints']);
    const rules = asArray(constraints['resourceRules']).map(asObject);
    const causes = rules.flatMap((rule, index) => {
      const field = `spec.matchConstraints.resourceRules[${index}].resources`;
      return resourceCauses(asArray(rule['resources']).map(String), field);
    });
    if (rules.length === 0) causes.push(cause.required('spec.matchConstraints.resourceRules'));
    for (const list of ['matchConditions', 'variables', 'validations']) {
      asArray(spec[list]).forEach((one, index) => {
        causes.push(...expressionCauses(asObject(one), `spec.${list}[${index}]`));
      });
    }
    return causes;
  },
};

export const policyBindingRules: Strategy = {
  validate(binding) {
    const spec = asObject(binding['spec']);
    const actions = asArray(spec['validationActions']).map(String);
    const causes = actions
      .filter((action) => !ACTIONS.includes(action))
      .map((action) => cause.notSupported('spec.validationActions', action, ACTIONS));
    if (actions.length === 0) causes.push(cause.required('spec.validationActions'));
    if (!spec['policyName']) causes.push(cause.required('spec.policyName'));
    return causes;
  },
};

function resourceCauses(resources: readonly string[], field: string): StatusCause[] {
  if (resources.length === 0) return [cause.required(field)];
  if (resources.length > 1 && resources.includes('*/*')) {
    const words = "if '*/*' is present, must not specify other resources";
    return [cause.invalid(field, resources, words)];
  }
  const isPlain = (resource: string): boolean => resource !== '*' && !resource.includes('/');
  if (resources.includes('*') && resources.some(isPlain)) {
    const words = "if '*' is present, must not specify other resources without subresources";
    return [cause.invalid(field, resources, words)];
  }
  return [];
}

function expressionCauses(one: JsonObject, field: string): StatusCause[] {
  return ['expression', 'messageExpression'].flatMap((name) => {
    if (one[name] === undefined && name !== 'expression') return [];
    const expression = asString(one[name]).trim();
    if (expression === '') return [cause.required(`${field}.${name}`)];
    try {
      compilePolicyExpression(expression);
      return [];
    } catch (error) {
      const words = `compilation failed: ${(error as Error).message}`;
      return [cause.invalid(`${field}.${name}`, expression, words)];
    }
  });
}
