import { api, LISTED_MOST, type ListedExecution } from '../api';
import { count, empty, h, replace, table, words } from '../dom';
import { badge, link, loading, select, type Scene } from '../parts';

const PHASES = ['running', 'paused', 'recovering', 'escalated', 'stopped'];

export async function executionsView(scene: Scene, main: HTMLElement): Promise<void> {
  const { tenant } = scene;
  replace(main, loading('Asking for the executions.'));
  const { items, more } = await api.executions(tenant, scene.signal);
  const list = h('div', { class: 'list' });
  const search = h('input', { type: 'search', name: 'search', value: scene.query.get('search') ?? '', placeholder: 'name', input: draw, 'aria-label': 'Search executions by name', spellcheck: 'false' });
  let phase = scene.query.get('phase') ?? '';

  function draw(): void {
    scene.setQuery({ search: search.value, phase });
    const shown = items.filter((item) => (!phase || item.phase === phase) && item.execution.toLowerCase().includes(search.value.trim().toLowerCase()))
      .sort((a, b) => urgency(a) - urgency(b) || a.execution.localeCompare(b.execution));
    replace(list, shown.length > 0
      ? table('Executions', [
        { title: 'Execution', cell: (item) => link([tenant, 'execution', item.execution], item.execution) },
        { title: 'Phase', cell: (item) => [badge(item.phase), item.waits_for && [' ', badge('escalated'), h('small', {}, ` waits for you: ${words(item.waits_for)}`)]] },
        { title: 'Agents', cell: (item) => item.agents.toLocaleString('en'), number: true },
        { title: 'Recoveries', cell: (item) => item.recoveries.toLocaleString('en'), number: true },
        { title: 'Messages waiting', cell: (item) => item.pending_messages.toLocaleString('en'), number: true },
      ], shown, (item) => item.execution)
      : items.length === 0
        ? empty(`Tenant ${tenant} has no executions here.`, ['Check the spelling of the tenant, or start one: ', h('code', {}, `curl -X PUT ${location.origin}/v1/tenants/${tenant}/executions/first …`), ' (docs/http.md).'])
        : empty('No execution is so.', 'Search for less, or choose another phase.'));
  }

  replace(main,
    h('div', { class: 'head' }, h('h1', {}, 'Executions'), h('p', { class: 'sub' }, `${count(items.length, 'execution')}, what waits for you first`)),
    h('div', { class: 'row filters' }, h('label', { class: 'field' }, h('span', {}, 'Search'), search),
      select('Phase', [['', 'every phase'], ...PHASES.map((name) => [name, name] as const)], phase, (value) => { phase = value; draw(); })),
    more && h('p', { class: 'note' }, `Only the first ${count(LISTED_MOST, 'execution')} by name are shown.`),
    list);
  draw();
}

// What waits for a person comes first, then what moves.
function urgency(item: ListedExecution): number {
  return item.waits_for ? -1 : ['escalated', 'recovering', 'paused', 'stopped', 'running'].indexOf(item.phase);
}
