// Functions on strings that go beyond the standard: replacing, finding, URLs.
import type { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';

export function registerStringFunctions(environment: Environment): void {
  environment
    .registerFunction('string.replace(string, string): string', (text, from, to) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction('string.replace(string, string, int): string', replaceSome)
    .registerFunction('string.charAt(int): string', (text: string, index: bigint) => {
      const characters = [...text];
      if (index < 0n || index > BigInt(characters.length)) {
        throw new Error(`index out of range: ${index}`);
      }
      return characters[Number(index)] ?? '';
    })
    .registerFunction('string.find(string): string', (text: string, pattern: string) => {
      const matcher = RE2JS.compile(pattern).matcher(text);
      return matcher.find() ? (matcher.group() ?? '') : '';
    })
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) => {
      const matcher = RE2JS.compile(pattern).matcher(text);
      const found: string[] = [];
      while (matcher.find()) found.push(matcher.group() ?? '');
      return found;
    })
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
    .registerType('Url', { ctor: URL as never, fields: {} })
    .registerFunction('url(string): Url', (text: string) => new URL(text))
    .registerFunction('Url.getScheme(): string', (url: URL) => url.protocol.replace(/:$/, ''))
    .registerFunction('Url.getHost(): string', (url: URL) => url.host)
    .registerFunction('Url.getHostname(): string', (url: URL) => url.hostname)
    .registerFunction('Url.getPort(): string', (url: URL) => url.port)
    .registerFunction('Url.getEscapedPath(): string', (url: URL) => url.pathname);
}

function replaceSome(text: string, from: string, to: string, limit: bigint): string {
  if (limit < 0n) return text.replaceAll(from, () => to);
  let result = text;
  let start = 0;
  for (let left = limit; left > 0n; left--) {
    const at = result.indexOf(from, start);
    if (at < 0) break;
    result = result.slice(0, at) + to + result.slice(at + from.length);
    start = at + to.length;
  }
  return result;
}
