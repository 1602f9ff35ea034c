// Asks mounted filesystems whether they are alive, in a child process that can be left behind: one whose
// server is gone blocks whoever asks. While one question is unanswered no second one is asked.
import type { Answer, Capacity } from '../plan/node-mount-facts.ts';
import { type Clock, formatTime } from '../runtime/clock.ts';
import { parseCapacity } from './filesystems.ts';
import type { CommandResult, HostPort } from './host-port.ts';

/** A server that is up answers within moments; a busy one may take seconds. */
const ANSWER_MILLISECONDS = 10_000;
/** A child in uninterruptible sleep outlives its own deadline; nobody waits for it longer. */
const GIVE_UP_MILLISECONDS = 12_000;

export type Asked =
  | { readonly type: 'answered'; readonly result: CommandResult }
  | { readonly type: 'silent'; readonly since: string };

interface Question {
  readonly askedAtMilliseconds: number;
  readonly answer: Promise<CommandResult | undefined>;
}

export class MountProber {
  readonly #clock: Clock;
  readonly #pending = new Map<string, Question>();
  readonly #silentSince = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs a command that may never end. `key` names what is asked, so that it is asked once. */
  async ask(host: HostPort, key: string, argv: readonly string[]): Promise<Asked> {
    const askedAt = formatTime(this.#clock.now());
    const result = await this.#answerTo(host, key, argv);
    if (result === undefined || result.timedOut) return this.#silence(key, askedAt);
    this.#silentSince.delete(key);
    return { type: 'answered', result };
  }

  /** How a mounted filesystem is, by asking for its size. */
  async askFilesystem(host: HostPort, path: string): Promise<Answer> {
    const asked = await this.ask(host, path, ['stat', '-f', '-c', '%S %b %f %a %c %d', path]);
    if (asked.type === 'silent') return asked;
    const { exitCode, stdout, stderr } = asked.result;
    const capacity: Capacity | undefined = parseCapacity(stdout);
    if (exitCode === 0) return { type: 'answers', capacity };
    if (/stale/i.test(stderr)) return { type: 'stale' };
    return { type: 'failed', message: stderr.trim().slice(-400) || `exit code ${exitCode}` };
  }

  /** Whoever asks the same meanwhile hears the same answer; of one that is overdue nobody waits. */
  #answerTo(
    host: HostPort,
    key: string,
    argv: readonly string[],
  ): Promise<CommandResult | undefined> {
    const now = this.#clock.monotonic();
    const pending = this.#pending.get(key);
    if (pending && now - pending.askedAtMilliseconds >= ANSWER_MILLISECONDS)
      return Promise.resolve(undefined);
    if (pending) return pending.answer;
    const running = host.run({ argv, timeoutMilliseconds: ANSWER_MILLISECONDS });
    const answer = this.#within(running);
    this.#pending.set(key, { askedAtMilliseconds: now, answer });
    void running.finally(() => this.#pending.delete(key));
    return answer;
  }

  #silence(key: string, askedAt: string): Asked {
    const since = this.#silentSince.get(key) ?? askedAt;
    this.#silentSince.set(key, since);
    return { type: 'silent', since };
  }

  #within(running: Promise<CommandResult>): Promise<CommandResult | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(GIVE_UP_MILLISECONDS, () => resolve(undefined));
      void running.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }
}
