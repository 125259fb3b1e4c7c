import { api, type ExecutionStatus, type Interval, type LedgerEntry } from '../api';
import { count, empty, facts, h, replace, table, update, words } from '../dom';
import { listen, soon } from '../live';
import { badge, hash, interval, link, loading, OVER, problemBox, select, type Scene } from '../parts';
import { Past, fallOf, fallOfPlan, type Fall } from '../past';
import { decide } from './decide';
import { graphTab } from './graph';
import { planTab } from './plan';
import { timelineTab } from './timeline';

/** What the tabs of an execution share. */
export interface Shown {
  readonly execution: string;
  readonly status: ExecutionStatus;
  readonly past: Past;
  readonly entries: readonly LedgerEntry[];
  readonly fall: Fall | null;
  /** What the fall is: a recovery's phase, or a question. */
  readonly fallText: string;
}

const TABS = [['graph', 'Graph', 'g'], ['timeline', 'Timeline', 't'], ['plan', 'What would fall?', 'w'], ['recoveries', 'Recoveries', 'r']] as const;

export async function executionView(scene: Scene, main: HTMLElement): Promise<void> {
  const { tenant, query } = scene;
  const execution = scene.path[2]!;
  const tab = TABS.find(([name]) => name === scene.path[3])?.[0] ?? 'graph';
  const wait = loading('Reading the execution.');
  replace(main, wait);

  let shown = await load();
  const head = h('div', { class: 'head' });
  const content = h('div', { class: 'content' });
  const live = h('span', { class: 'live', role: 'status' });
  let redraw: ((shown: Shown) => void) | null = null;

  async function load(): Promise<Shown> {
    const status = await api.status(tenant, execution, scene.signal);
    const [history, entries] = tab === 'recoveries' || tab === 'plan' ? [[], { items: [] as LedgerEntry[] }] : await Promise.all([
      api.history(tenant, execution, scene.signal, (seen) => { wait.textContent = `Reading the execution: ${count(seen, 'agent')} of ${status.agents.length}.`; }).then((read) => read.items),
      api.entries(tenant, execution, scene.signal),
    ]);
    const asked = tab === 'graph' || tab === 'timeline' ? parseInterval(query.get('suspect')) : null;
    const chosen = query.get('recovery');
    if (asked) {
      return { execution, status, past: new Past(history), entries: entries.items, fall: fallOfPlan(asked, await api.plan(tenant, execution, asked)), fallText: `what would fall if ${interval(asked)} failed` };
    }
    const recovery = chosen === 'none' ? undefined : status.recoveries.find((known) => known.recovery === chosen) ?? status.recoveries.at(-1);
    return { execution, status, past: new Past(history), entries: entries.items, fall: recovery ? fallOf(recovery) : null, fallText: recovery ? `recovery ${words(recovery.phase)}` : '' };
  }

  function drawHead(): void {
    const { status } = shown;
    const open = status.recoveries.filter((recovery) => !OVER.has(recovery.phase));
    const paused = status.phase === 'paused';
    update(head, [status.phase, status.pending_messages, status.recoveries.map((known) => [known.recovery, known.phase, known.waits_for]), status.agents.map((agent) => agent.incarnation), query.toString()], () => [
      h('p', { class: 'crumbs' }, link([tenant, 'executions'], 'Executions'), ' / '),
      h('h1', {}, execution, ' ', badge(status.phase), ' ', live),
      facts(['Agents', status.agents.length.toLocaleString('en')], ['Messages waiting', status.pending_messages.toLocaleString('en')],
        ['Recoveries', status.recoveries.length], ['Rolled back agents', status.agents.filter((agent) => agent.incarnation > 0).length.toLocaleString('en')],
        ['Out of service', status.agents.filter((agent) => agent.quarantined).length.toLocaleString('en')]),
      open.length > 0 && h('p', { class: 'open' }, open.map((recovery) => [badge(recovery.phase), ' ',
        link([tenant, 'execution', execution, 'recovery', recovery.recovery], recovery.waits_for ? `A recovery waits for you: ${words(recovery.waits_for)}` : 'A recovery is under way'), ' '])),
      h('nav', { class: 'tabs', 'aria-label': 'Of this execution' }, TABS.map(([name, title]) =>
        h('a', { href: hash([tenant, 'execution', execution, name], { recovery: query.get('recovery'), suspect: name === 'plan' || name === 'graph' || name === 'timeline' ? query.get('suspect') : null }), 'aria-current': name === tab ? 'page' : null }, title)),
        scene.rights.may.includes('decide') && (paused || status.phase === 'running') && h('button', { type: 'button', class: 'quiet', click: () => pause(!paused) }, paused ? 'Let the agents go on' : 'Pause the agents'))]);
  }

  function pause(value: boolean): void {
    decide(scene, value ? 'Pause the agents' : 'Let the agents go on',
      value ? 'Agents finish what they are at and consume nothing more. Recoveries go on.' : 'Agents consume again.',
      async (by, reason) => { await api.pause(tenant, execution, value, by, reason); refresh(); });
  }

  const refresh = soon(async () => {
    shown = await load();
    drawHead();
    if (redraw) redraw(shown);
    else draw();
  }, scene.signal);

  function draw(): void {
    try {
      redraw = tab === 'graph' ? graphTab(scene, shown, content) : tab === 'timeline' ? timelineTab(scene, shown, content)
        : tab === 'plan' ? planTab(scene, shown, content) : recoveriesTab();
    } catch (failure) {
      replace(content, problemBox(failure));
    }
  }

  function recoveriesTab(): null {
    const { recoveries } = shown.status;
    replace(content, recoveries.length > 0
      ? h('div', { class: 'list' }, table('Recoveries of this execution', [
        { title: 'Recovery', cell: (item) => link([tenant, 'execution', execution, 'recovery', item.recovery], h('code', {}, item.recovery)) },
        { title: 'Phase', cell: (item) => badge(item.phase) },
        { title: 'Found wrong', cell: (item) => item.suspects.map(interval).join(', ') },
        { title: 'Agents that fell', cell: (item) => Object.keys(item.targets).length, number: true },
        { title: 'Actions', cell: (item) => `${item.compensations_done}/${item.compensations_total}`, number: true },
        { title: 'Residue', cell: (item) => item.residue.length, number: true },
        { title: '', cell: (item) => [link([tenant, 'execution', execution, 'graph'], 'graph', { href: hash([tenant, 'execution', execution, 'graph'], { recovery: item.recovery }) }), ' · ',
          link([], 'timeline', { href: hash([tenant, 'execution', execution, 'timeline'], { recovery: item.recovery }) })] },
      ], [...recoveries].reverse(), (item) => item.recovery))
      : empty('Nothing of this execution was ever rolled back.', ['To see what would fall, ask under ', link([tenant, 'execution', execution, 'plan'], 'What would fall?')]));
    return null;
  }

  replace(main, head, content);
  scene.keys([
    ...TABS.map(([name, title, key]) => ({ key, what: title, act: () => { location.hash = hash([tenant, 'execution', execution, name], { recovery: query.get('recovery') }); } })),
    { key: 'o', what: 'The open recovery', act: () => { const open = shown.status.recoveries.find((known) => !OVER.has(known.phase)); if (open) location.hash = hash([tenant, 'execution', execution, 'recovery', open.recovery]); } },
  ]);
  drawHead();
  draw();
  listen(scene, execution, live, refresh);
}

/** Which fall a picture shows: that of a recovery, of the question, or none. */
export function fallChoice(scene: Scene, shown: Shown): HTMLElement {
  const asked = scene.query.get('suspect');
  const options: [string, string][] = [
    ...(asked ? [[`?${asked}`, `if ${asked} failed`] as [string, string]] : []),
    ...[...shown.status.recoveries].reverse().map((recovery): [string, string] =>
      [recovery.recovery, `${recovery.suspects.map(interval).join(', ')}: ${words(recovery.phase)}`]),
    ['none', 'nothing: as it is'],
  ];
  const go = (value: string) => { location.hash = hash(scene.path, value.startsWith('?') ? { suspect: value.slice(1) } : { recovery: value }); };
  return select('Show what fell with', options, asked ? `?${asked}` : shown.fall?.recovery ?? 'none', go);
}

export function parseInterval(text: string | null): Interval | null {
  const found = /^(.+)\/(\d+)$/.exec(text ?? '');
  return found ? { agent: found[1]!, number: Number(found[2]) } : null;
}
