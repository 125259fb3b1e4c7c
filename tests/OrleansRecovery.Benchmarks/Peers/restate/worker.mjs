// The saga on Restate: a service whose handler runs each step and each compensation in ctx.run, as its guide to sagas writes one. Server and service on this machine.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http2';
import { fileURLToPath } from 'node:url';
import * as restate from '@restatedev/restate-sdk';
import { act, failed, orders, say, serve } from './saga.mjs';

const [ingress, admin, node, service] = orders.ports;
const sagas = restate.service({
  name: 'Saga',
  handlers: {
    run: async (ctx, { id, steps }) => {
      const done = [];
      try {
        for (let step = 0; step < steps; step++) {
          done.push(step);
          await ctx.run(`do ${step}`, () => act('do', id, step));
        }
        failed(id);
        throw new restate.TerminalError('what the first step said was wrong');
      } catch (error) {
        if (!(error instanceof restate.TerminalError)) throw error;
        for (const step of done.reverse()) {
          await ctx.run(`undo ${step}`, () => act('undo', id, step));
        }
        return 'compensated';
      }
    },
  },
});

createServer(restate.createEndpointHandler({ services: [sagas] })).listen(service, '127.0.0.1');
const binary = fileURLToPath(new URL(`node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`, import.meta.url));
const settings = {
  RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
  RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
  RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
  RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}/`,
  RESTATE_LISTEN_MODE: 'tcp',
  RESTATE_NODE_NAME: 'one',
  RESTATE_DISABLE_TELEMETRY: 'true',
  RESTATE_LOG_FILTER: 'error',
};
const server = spawn(binary, ['--no-logo', '--base-dir', `${orders.folder}/restate`], { env: { ...process.env, ...settings }, stdio: ['ignore', 'ignore', 'inherit'] });
server.on('exit', (code) => process.exit(code ?? 1));
process.on('exit', () => server.kill());

async function ask(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response;
}

async function until(what) {
  for (const deadline = Date.now() + 120_000; ;) {
    try {
      return await what();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const json = (body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
await until(() => ask(`http://127.0.0.1:${admin}/health`));
if (orders.mode !== 'resume') {
  await until(() => ask(`http://127.0.0.1:${admin}/deployments`, json({ uri: `http://127.0.0.1:${service}` })));
}
await until(() => ask(`http://127.0.0.1:${ingress}/restate/health`));
say('config', `Node ${process.version}; one node with the standard settings: 24 partitions, replicated log with one copy, log-server rocksdb-disable-wal-fsync = false; ports, names and telemetry set`);
await serve(async (id) => {
  const order = { id, steps: orders.steps };
  if (orders.mode === 'measure') {
    await (await ask(`http://127.0.0.1:${ingress}/Saga/run`, json(order))).text();
    return;
  }
  const { invocationId } = await (await ask(`http://127.0.0.1:${ingress}/Saga/run/send`, json(order))).json();
  say('accepted', id);
  await (await ask(`http://127.0.0.1:${ingress}/restate/invocation/${invocationId}/attach`)).text();
});
