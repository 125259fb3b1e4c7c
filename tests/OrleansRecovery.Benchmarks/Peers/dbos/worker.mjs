// The saga on DBOS Transact: a workflow of steps, with compensations in its catch, as its documentation writes one; state in PostgreSQL.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { act, failed, orders, say, serve } from './saga.mjs';

async function saga(id, steps) {
  const done = [];
  try {
    for (let step = 0; step < steps; step++) {
      done.push(step);
      await DBOS.runStep(async () => act('do', id, step), { name: `do ${step}` });
    }
    failed(id);
    throw new Error('what the first step said was wrong');
  } catch {
    while (done.length > 0) {
      const step = done.pop();
      await DBOS.runStep(async () => act('undo', id, step), { name: `undo ${step}` });
    }
  }
}

const workflow = DBOS.registerWorkflow(saga, { name: 'saga' });
const config = { name: 'peer-saga', systemDatabaseUrl: orders.postgres, applicationVersion: '1', logLevel: 'error' };
DBOS.setConfig(config);
await DBOS.launch(); // goes on with the workflows of a process that ended
say('config', `Node ${process.version}; name, applicationVersion and logLevel set, all else as it comes (systemDatabasePoolSize 10)`);
await serve(async (id) => {
  const handle = await DBOS.startWorkflow(workflow, { workflowID: id })(id, orders.steps);
  say('accepted', id);
  await handle.getResult();
});
