import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A throttled call is tried again before Azure’s time: every early try costs more budget.',
  edits: [
    {
      file: 'src/azure/throttle.ts',
      find: 'readRetryAfter(answer, this.#clock.now()) ?? DEFAULT_CLOSED_MILLISECONDS',
      replace: 'DEFAULT_CLOSED_MILLISECONDS',
    },
  ],
  test: 'src/azure/throttle.test.ts',
  killedBy: ['closes one VM only, when that is what Azure says'],
};
