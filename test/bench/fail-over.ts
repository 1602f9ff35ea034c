// How long nobody leads: two operators, the leading one told to end and then another killed without a word.
//
//   node test/bench/fail-over.ts
//
// Budgets: 2 s after SIGTERM, 20 s after kill -9.
import { startStage } from './stage.ts';

const stage = await startStage({ speed: 100 });
const { clock } = stage.runtime;
const first = await stage.startOperator();
await first.line(/"leading"/);
const second = await stage.startOperator();

let since = clock.monotonic();
void first.end('SIGTERM');
await second.line(/"leading"/);
console.log(`after SIGTERM the next leads in ${((clock.monotonic() - since) / 1000).toFixed(1)} s`);

const third = await stage.startOperator();
since = clock.monotonic();
void second.end('SIGKILL');
await third.line(/"leading"/);
console.log(`after kill -9 the next leads in ${((clock.monotonic() - since) / 1000).toFixed(1)} s`);
await stage.close();
process.exit(0);
