// Tables as kubectl prints them: columns as wide as their widest cell, three blanks between.

export type Row = readonly (string | number | undefined)[];

export function formatTable(header: readonly string[], rows: readonly Row[]): string {
  const cells = [header, ...rows].map((row) => header.map((_, column) => cell(row[column])));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** One line: a table's cell must not break it. */
function cell(value: string | number | undefined): string {
  const text = String(value ?? '').replaceAll(/\s+/g, ' ');
  return text === '' ? '-' : text;
}

/** Cut to `length` with an ellipsis. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

/** Age as kubectl prints it: `45s`, `12m`, `3h`, `5d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** Paragraphs broken between words; lines that begin with a blank are left as they are. */
export function wrap(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => (line.startsWith(' ') ? line : wrapLine(line, columns)))
    .join('\n');
}

function wrapLine(line: string, columns: number): string {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].join('\n');
}
