// Tells the runner which tests passed and failed, one JSON line each, instead of pictures of them.

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly skip?: unknown;
    readonly details: { readonly error?: { readonly cause?: unknown } };
  };
}

export interface Verdict {
  readonly name: string;
  readonly passed: boolean;
  /** Why not, for a person. */
  readonly because?: string;
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.skip !== undefined) continue;
    const passed = type === 'test:pass';
    const cause = data.details.error?.cause;
    // Suites fail because of their tests: those say why.
    const says = cause instanceof Error ? { because: cause.message.slice(0, 2000) } : {};
    const verdict: Verdict = { name: data.name, passed, ...says };
    yield `${JSON.stringify(verdict)}\n`;
  }
}
