// What the scripts of all peers have in common: their orders, the world outside, what they say to the harness, and sagas in lanes.
import { appendFileSync } from 'node:fs';

export const orders = JSON.parse(process.env.SAGA);

// A call of a participant: a line in a file that outlives the process, as the world outside does.
export const act = (verb, saga, step) => appendFileSync(orders.world, `${verb}\t${saga}\t${step}\n`);

export const say = (...words) => process.stdout.write(`${words.join('\t')}\n`);

// When a saga found out that it failed: the first time, also where its code is run again.
const failures = new Map();
export const failed = (saga) => failures.has(saga) || failures.set(saga, performance.now());

async function inLanes(prefix, count, run) {
  let next = 0;
  await Promise.all(Array.from({ length: orders.lanes }, async () => {
    for (let number = next++; number < count; number = next++) {
      const saga = `${prefix}${number}`;
      await run(saga);
      say('done', saga, performance.now() - failures.get(saga));
    }
  }));
}

// Runs what was ordered, and stays until the harness closes the input. `run` starts a saga, says that it was accepted, and waits for its end.
export async function serve(run) {
  say('ready');
  if (orders.mode !== 'resume') {
    await inLanes('w', orders.warm, run);
    say('begin');
    const began = performance.now();
    await inLanes('s', orders.sagas, run);
    say('end', (performance.now() - began) / 1000);
  }
  await new Promise((resolve) => process.stdin.on('end', resolve).resume());
  process.exit(0);
}
