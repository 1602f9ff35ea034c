// Secrets are removed from whatever leaves the agent, by their values: a tool may print a password
// in any place, under any name.

export const MASK = '<redacted>';
/** Shorter values would blot out half of every text. */
const SECRET_LENGTH_MIN = 4;
const OUTPUT_LENGTH_MAX = 4096;

export function redact(text: string, secrets: readonly string[]): string {
  const long = secrets.flatMap(formsOf).filter(({ length }) => length >= SECRET_LENGTH_MIN);
  // Longest first, so that a secret inside another one doesn't leave the other's rest behind.
  const ordered = [...long].sort((left, right) => right.length - left.length);
  return ordered.reduce((result, secret) => result.replaceAll(secret, MASK), text);
}

/** A value as it is, and as tools write it into Secrets, addresses, JSON and hexadecimal dumps. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  const addressed = encodeURIComponent(secret);
  return [
    ...[secret, base64, bytes.toString('base64url'), bytes.toString('hex')],
    ...[addressed, addressed.replaceAll('%20', '+'), JSON.stringify(secret).slice(1, -1)],
  ];
}

/** Colours and the like. */
const terminalCodes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');

/** Progress counters that overwrite themselves, as they would look on a screen in the end. */
export function renderTerminal(text: string): string {
  const lines = text
    .replaceAll(terminalCodes, '')
    .split('\n')
    .map((line) => {
      const screen: string[] = [];
      let column = 0;
      for (const character of line) {
        if (character === '\b') column = Math.max(0, column - 1);
        else if (character === '\r') column = 0;
        else screen[column++] = character;
      }
      return screen.join('').trimEnd();
    });
  // Other control characters have no business in YAML or on a terminal.
  return lines.join('\n').replaceAll(/[^\P{Cc}\n\t]/gu, '');
}

/** The end of an output, where errors are. */
export function tailOf(text: string): { output: string; truncated: boolean } {
  if (text.length <= OUTPUT_LENGTH_MAX) return { output: text, truncated: false };
  return { output: text.slice(-OUTPUT_LENGTH_MAX), truncated: true };
}
