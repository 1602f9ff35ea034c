// Reads Kubernetes' protobuf envelope into the same JSON that other clients send. Answers are
// always JSON, which every client accepts.
import { formatTime } from '../../../runtime/clock.ts';
import type { JsonObject } from '../objects/json.ts';
import { badRequest, unsupportedMediaType } from '../objects/status-error.ts';
import { type Field, MESSAGES, type Message } from './protobuf-messages.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The envelope: type first, then the message itself. */
const ENVELOPE: Message = {
  1: { name: 'typeMeta', type: { 1: stringField('apiVersion'), 2: stringField('kind') } },
  2: { name: 'raw', type: 'bytes' },
};

function stringField(name: string): Field {
  return { name, type: 'string' };
}

export function decodeProtobuf(body: Uint8Array): JsonObject {
  const bytes = Buffer.from(body);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest('the body is not in Kubernetes protobuf');
  }
  const envelope = readMessage(bytes.subarray(MAGIC.length), ENVELOPE);
  const { apiVersion, kind } = envelope['typeMeta'] as { apiVersion: string; kind: string };
  const message = MESSAGES[kind];
  if (!message) throw unsupportedMediaType(['application/json', 'application/yaml']);
  const raw = Buffer.from(String(envelope['raw'] ?? ''), 'base64');
  return { apiVersion, kind, ...readMessage(raw, message) };
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Exact up to 2^53, which is more than any field here holds. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw badRequest('the protobuf body ends early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  chunk(length: number): Buffer {
    const chunk = this.#bytes.subarray(this.#at, this.#at + length);
    if (chunk.length < length) throw badRequest('the protobuf body ends early');
    this.#at += length;
    return chunk;
  }

  /** The value of a field by wire type: a number, or bytes. */
  value(wireType: number): number | Buffer {
    if (wireType === 0) return this.varint();
    if (wireType === 1) return this.chunk(8);
    if (wireType === 5) return this.chunk(4);
    if (wireType === 2) return this.chunk(this.varint());
    throw badRequest(`the protobuf body has an unknown wire type ${wireType}`);
  }
}

function readMessage(bytes: Buffer, message: Message): JsonObject {
  const reader = new Reader(bytes);
  const result: JsonObject = {};
  while (!reader.done) {
    const key = reader.varint();
    const raw = reader.value(key % 8);
    const field = message[Math.floor(key / 8)];
    if (field) put(result, field, raw);
  }
  return result;
}

function put(result: JsonObject, field: Field, raw: number | Buffer): void {
  const { name, type } = field;
  if (type === 'string-map' || type === 'bytes-map') {
    const valueType = type === 'string-map' ? 'string' : 'bytes';
    const entry = readMessage(raw as Buffer, {
      1: stringField('key'),
      2: { name: 'value', type: valueType },
    });
    const map = (result[name] ?? {}) as JsonObject;
    map[String(entry['key'] ?? '')] = entry['value'] ?? '';
    result[name] = map;
    return;
  }
  const value = convert(type, raw);
  if (field.repeated) {
    result[name] = [...((result[name] ?? []) as unknown[]), value];
  } else if (value !== '' && value !== undefined) {
    // Go writes unset strings as empty ones.
    result[name] = value;
  }
}

function convert(type: Exclude<Field['type'], `${string}-map`>, raw: number | Buffer): unknown {
  if (typeof raw === 'number') return type === 'boolean' ? raw === 1 : raw;
  if (type === 'string') return raw.toString('utf8');
  if (type === 'bytes') return raw.toString('base64');
  if (type === 'time') return time(raw);
  if (type === 'integer-or-string') return integerOrString(raw);
  return typeof type === 'object' ? readMessage(raw, type) : undefined;
}

function integerOrString(raw: Buffer): unknown {
  const { isText, number, text } = readMessage(raw, {
    1: { name: 'isText', type: 'integer' },
    2: { name: 'number', type: 'integer' },
    3: stringField('text'),
  });
  return isText ? (text ?? '') : (number ?? 0);
}

function time(raw: Buffer): string | undefined {
  const { seconds } = readMessage(raw, { 1: { name: 'seconds', type: 'integer' } });
  return typeof seconds === 'number' && seconds > 0 ? formatTime(seconds * 1000) : undefined;
}
