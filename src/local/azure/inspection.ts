// Looking into the cloud and breaking it from another process: `/_sim/…`, no token needed.
import { z } from 'zod';
import { messageOf } from '../../runtime/errors.ts';
import type { FaultOrder } from './faults.ts';
import type { ArmRequest, ArmResponse } from './messages.ts';
import type { SimulatedAzure } from './simulated-azure.ts';
import { viewResource } from './views.ts';

const faultSchema = z.object({
  match: z.object({
    operation: z.string(),
    name: z.string().optional(),
    page: z.number().optional(),
  }),
  effect: z.looseObject({ type: z.string() }),
  skip: z.number().optional(),
  times: z.number().optional(),
  forSeconds: z.number().optional(),
});

const placeSchema = { zone: z.string().exactOptional() };
const capacitySchema = z.object({
  limits: z
    .array(z.object({ ...placeSchema, size: z.string().exactOptional(), machines: z.number() }))
    .optional(),
  restrictions: z.array(z.object({ ...placeSchema, size: z.string() })).optional(),
  quota: z.record(z.string(), z.number()).optional(),
});

type Answer = (azure: SimulatedAzure, url: URL, body: unknown) => ArmResponse;

const answers: Readonly<Record<string, Answer>> = {
  'GET /_sim/resources': (azure) =>
    json(200, {
      resources: azure.resources().map((record) => ({
        ...viewResource(record, azure.now()),
        ...(record.kind === 'disk' || record.kind === 'snapshot'
          ? { content: record.content }
          : {}),
      })),
    }),
  'GET /_sim/requests': (azure) =>
    json(200, { counts: azure.log.counts(), requests: azure.log.requests() }),
  'DELETE /_sim/requests': (azure) => {
    azure.log.reset();
    return json(200, {});
  },
  'GET /_sim/faults': (azure) => json(200, { faults: azure.faults.list() }),
  'POST /_sim/faults': (azure, _, body) => {
    const parsed = faultSchema.safeParse(body);
    if (!parsed.success) return json(400, { error: parsed.error.issues });
    return json(201, { id: azure.faults.add(parsed.data as FaultOrder) });
  },
  'POST /_sim/evict': (azure, _, body) => {
    const parsed = z.object({ id: z.string() }).safeParse(body);
    if (!parsed.success) return json(400, { error: parsed.error.issues });
    try {
      azure.evict(parsed.data.id);
      return json(202, {});
    } catch (thrown) {
      return json(409, { error: messageOf(thrown) });
    }
  },
  'POST /_sim/capacity': (azure, _, body) => {
    const parsed = capacitySchema.safeParse(body);
    if (!parsed.success) return json(400, { error: parsed.error.issues });
    const { limits, restrictions, quota = {} } = parsed.data;
    if (limits) azure.capacity.setLimits(limits);
    if (restrictions) azure.capacity.setRestrictions(restrictions);
    for (const [name, cores] of Object.entries(quota)) azure.capacity.setQuota(name, cores);
    return json(200, {});
  },
  'DELETE /_sim/faults': (azure, url) => {
    const id = url.searchParams.get('id');
    if (id) return json(azure.faults.remove(id) ? 200 : 404, {});
    azure.faults.clear();
    return json(200, {});
  },
};

/** Undefined when the path isn't for us. */
export function answerInspection(
  azure: SimulatedAzure,
  request: ArmRequest,
): ArmResponse | undefined {
  const url = new URL(request.url, 'http://simulator');
  if (!url.pathname.startsWith('/_sim/')) return undefined;
  const answer = answers[`${request.method} ${url.pathname}`];
  if (!answer) return json(404, { error: `no such page: ${request.method} ${url.pathname}` });
  let body: unknown;
  try {
    body = request.body ? JSON.parse(String(request.body)) : undefined;
  } catch {
    return json(400, { error: 'the body is not JSON' });
  }
  return answer(azure, url, body);
}

function json(status: number, body: unknown): ArmResponse {
  return { status, headers: {}, body };
}
