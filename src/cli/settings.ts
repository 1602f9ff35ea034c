// Settings from flags, environment and a file, in that order of precedence, checked by one zod schema.
// A wrong setting is named the way the user wrote it: `--azure-speed`, `POOLKEEPER_AZURE_SPEED`, `azureSpeed`.
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { PoolkeeperError } from '../runtime/errors.ts';

type Shape = z.ZodObject<Record<string, z.ZodType>>;

export interface SettingsSources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

export class SettingsError extends PoolkeeperError {
  constructor(message: string) {
    super('InvalidSettings', message, { retry: 'never' });
  }
}

/** A whole number given as text or number. */
export const wholeNumber = (min: number, max: number): z.ZodType<number> => {
  const error = `not a whole number from ${min} to ${max}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value),
    z.number({ error }).int({ error }).min(min, { error }).max(max, { error }),
  );
};

/** `true`/`false` as text (environment, flag value) or boolean. */
export const flag = (): z.ZodType<boolean> =>
  z.preprocess(
    (value) => (value === 'true' || value === '' ? true : value === 'false' ? false : value),
    z.boolean(),
  );

/** A comma-separated list, or a YAML list in the file. */
export const list = (item: z.ZodType<string> = z.string()): z.ZodType<string[]> =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',').filter((part) => part !== '') : value),
    z.array(item),
  );

/** Reads the settings of one command; throws SettingsError naming the setting and the fix. */
export function readSettings<S extends Shape>(schema: S, sources: SettingsSources): z.output<S> {
  const flags = readFlags(schema, sources.argv);
  const values: Record<string, unknown> = {};
  const writtenAs: Record<string, string> = {};
  const put = (name: string, value: unknown, written: string): void => {
    values[name] = value;
    writtenAs[name] = written;
  };

  const file = flags['config'] ?? sources.env['POOLKEEPER_CONFIG'];
  if (typeof file === 'string') {
    for (const [name, value] of Object.entries(readFileSettings(schema, file, sources.readFile))) {
      put(name, value, `${name} in ${file}`);
    }
  }
  for (const name of Object.keys(schema.shape)) {
    const variable = environmentName(name);
    if (sources.env[variable] !== undefined) put(name, sources.env[variable], variable);
    const value = flags[flagName(name)];
    if (value !== undefined) put(name, value, `--${flagName(name)}`);
  }

  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const [name = '', ...path] = issue.path.map(String);
    return `${placeOf(writtenAs[name] ?? `--${flagName(name)}`, path)}: ${messageOf(issue)}`;
  });
  throw new SettingsError(problems.join('\n'));
}

/** What is wrong with the name of a part, rather than that something is. */
function messageOf(issue: z.core.$ZodIssue): string {
  const [inner] = issue.code === 'invalid_key' ? issue.issues : [];
  return (inner ?? issue).message;
}

/** Where in a setting that has parts: `tenancy."team-a".subnetIds[0] in file`. */
function placeOf(written: string, path: readonly string[]): string {
  const within = path.map((part) => {
    if (/^\d+$/.test(part)) return `[${part}]`;
    return /^\w+$/.test(part) ? `.${part}` : `."${part}"`;
  });
  const [setting = '', ...rest] = written.split(' in ');
  return [`${setting}${within.join('')}`, ...rest].join(' in ');
}

/** One line per setting, from the schema's own descriptions. */
export function describeSettings(schema: Shape): string {
  const rows = Object.entries(schema.shape).map(([name, field]) => {
    const fallback = field.safeParse(undefined);
    const shown =
      fallback.success && fallback.data !== undefined
        ? ` (default ${JSON.stringify(fallback.data)})`
        : '';
    return [`  --${flagName(name)}`, `${field.description ?? ''}${shown}`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `${left.padEnd(width)}${right}`).join('\n');
}

function readFlags(schema: Shape, argv: readonly string[]): Record<string, unknown> {
  const options: Record<string, { type: 'string' | 'boolean' }> = { config: { type: 'string' } };
  const switches = new Set<string>();
  for (const [name, field] of Object.entries(schema.shape)) {
    const isSwitch = field.safeParse('true').data === true;
    if (isSwitch) switches.add(`--${flagName(name)}`);
    options[flagName(name)] = { type: 'string' };
  }
  // A bare switch means true; `--switch=false` stays possible, which node's boolean options refuse.
  const args = argv.map((argument) => (switches.has(argument) ? `${argument}=true` : argument));
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new SettingsError(`${(error as Error).message.split('. ')[0]}; see --help`);
  }
}

function readFileSettings(
  schema: Shape,
  path: string,
  readFile: (path: string) => string,
): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(readFile(path)) ?? {};
  } catch (error) {
    throw new SettingsError(`configuration file ${path}: ${(error as Error).message}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new SettingsError(`configuration file ${path}: expected a map of settings`);
  }
  const unknown = Object.keys(content).filter((name) => !(name in schema.shape));
  if (unknown.length > 0) {
    throw new SettingsError(`configuration file ${path}: unknown setting ${unknown.join(', ')}`);
  }
  return content as Record<string, unknown>;
}

function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function environmentName(name: string): string {
  return `POOLKEEPER_${flagName(name).replaceAll('-', '_').toUpperCase()}`;
}
