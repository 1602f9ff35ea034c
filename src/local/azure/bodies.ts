// Request bodies, read strictly where the simulator depends on them and loosely everywhere else.
import { z } from 'zod';
import { invalidParameter, refuse } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

const MAX_TAGS = 50;
const MAX_TAG_NAME_LENGTH = 512;
const MAX_TAG_VALUE_LENGTH = 256;

export const jsonObjectSchema = z.record(z.string(), z.json()) as z.ZodType<JsonObject>;
export const tagsSchema = z.record(z.string(), z.string());
export const referenceSchema = z.looseObject({ id: z.string() });

/** Validates a body; what is wrong is told the way Azure tells it. */
export function readBody<T>(schema: z.ZodType<T>, body: JsonObject): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join('.');
  if (path === 'location')
    throw refuse(400, 'LocationRequired', 'The location property is required for this definition.');
  throw invalidParameter(path, `The value of parameter ${path} is invalid: ${issue.message}.`);
}

export function checkTags(tags: Readonly<Record<string, string>> | undefined): void {
  const entries = Object.entries(tags ?? {});
  if (entries.length > MAX_TAGS)
    throw refuse(
      400,
      'TooManyTags',
      `The number of tags '${entries.length}' on the resource exceeds the limit of '${MAX_TAGS}'.`,
    );
  for (const [name, value] of entries) {
    if (/[<>%&\\?/]/.test(name) || name.length === 0)
      throw refuse(
        400,
        'InvalidTagNameCharacters',
        `The tag name '${name}' contains reserved characters '<,>,%,&,\\,?,/' or ` +
          'control characters.',
      );
    if (name.length > MAX_TAG_NAME_LENGTH)
      throw refuse(400, 'InvalidTagNameLength', `The tag name '${name}' is too long.`);
    if (value.length > MAX_TAG_VALUE_LENGTH)
      throw refuse(
        400,
        'InvalidTagValueLength',
        `The value of tag '${name}' exceeds the limit of '${MAX_TAG_VALUE_LENGTH}' characters.`,
      );
  }
}

/** The properties that handlers don't interpret: kept and given back. */
export function withoutKeys(properties: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !keys.includes(key)));
}

/** A parsed value back as JSON, for echoing. */
export function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}

const namePattern = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;

export function checkName(name: string, maxLength: number): void {
  if (namePattern.test(name) && name.length <= maxLength) return;
  throw refuse(
    400,
    'InvalidParameter',
    `The entity name '${name}' is invalid: 1 to ${maxLength} letters, digits, '.', '_' or '-'.`,
    'name',
  );
}
