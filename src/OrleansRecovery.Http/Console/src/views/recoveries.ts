import { api, LISTED_MOST } from '../api';
import { count, empty, h, replace, table, words } from '../dom';
import { badge, interval, link, loading, OVER, select, type Scene } from '../parts';

export async function recoveriesView(scene: Scene, main: HTMLElement): Promise<void> {
  const { tenant } = scene;
  replace(main, loading('Asking for the recoveries.'));
  const { items, more } = await api.recoveries(tenant, scene.signal);
  const list = h('div', { class: 'list' });
  const search = h('input', { type: 'search', name: 'search', value: scene.query.get('search') ?? '', placeholder: 'execution, recovery or suspect', input: draw, 'aria-label': 'Search recoveries', spellcheck: 'false' });
  let phase = scene.query.get('phase') ?? '';

  function draw(): void {
    scene.setQuery({ search: search.value, phase });
    const wanted = search.value.trim().toLowerCase();
    const shown = items.filter(({ execution, recovery }) =>
      (phase === '' || (phase === 'open' ? !OVER.has(recovery.phase) : recovery.phase === phase))
      && [execution, recovery.recovery, ...recovery.suspects.map(interval)].some((text) => text.toLowerCase().includes(wanted)))
      // A recovery's name begins with its time; open ones come first, then the latest.
      .sort((a, b) => Number(OVER.has(a.recovery.phase)) - Number(OVER.has(b.recovery.phase)) || (a.recovery.recovery < b.recovery.recovery ? 1 : -1));
    replace(list, shown.length > 0
      ? table('Recoveries', [
        { title: 'Recovery', cell: (item) => link([tenant, 'execution', item.execution, 'recovery', item.recovery.recovery], h('code', {}, item.recovery.recovery)) },
        { title: 'Execution', cell: (item) => link([tenant, 'execution', item.execution], item.execution) },
        { title: 'Phase', cell: (item) => [badge(item.recovery.phase), item.recovery.waits_for && h('small', {}, ` waits for you: ${words(item.recovery.waits_for)}`)] },
        { title: 'Found wrong', cell: (item) => item.recovery.suspects.map(interval).join(', ') },
        { title: 'Agents that fell', cell: (item) => Object.keys(item.recovery.targets).length.toLocaleString('en'), number: true },
        { title: 'Actions', cell: (item) => `${item.recovery.compensations_done}/${item.recovery.compensations_total}`, number: true },
        { title: 'Residue', cell: (item) => item.recovery.residue.length, number: true },
      ], shown, (item) => item.recovery.recovery)
      : items.length === 0
        ? empty('Nothing was ever rolled back here.', 'A recovery begins when somebody signals that an interval cannot be trusted. To see what would fall, open an execution and ask.')
        : empty('No recovery is so.', 'Search for less, or choose another phase.'));
  }

  const phases = ['preparing', 'compensating', 'restoring', 'escalated', 'completed', 'completed_with_residue', 'aborted'];
  replace(main,
    h('div', { class: 'head' }, h('h1', {}, 'Recoveries'), h('p', { class: 'sub' }, `${count(items.filter(({ recovery }) => !OVER.has(recovery.phase)).length, 'open recovery', 'open recoveries')} of ${items.length}`)),
    h('div', { class: 'row filters' }, h('label', { class: 'field' }, h('span', {}, 'Search'), search),
      select('Phase', [['', 'every phase'], ['open', 'open ones'], ...phases.map((name) => [name, words(name)] as const)], phase, (value) => { phase = value; draw(); })),
    more && h('p', { class: 'note' }, `Only the first ${count(LISTED_MOST, 'recovery', 'recoveries')} by execution are shown.`),
    list);
  draw();
}
