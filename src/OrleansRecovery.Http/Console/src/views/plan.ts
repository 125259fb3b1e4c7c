import { api, type Interval } from '../api';
import { count, empty, facts, h, replace, table, words } from '../dom';
import { hash, input, link, loading, problemBox, type Scene } from '../parts';
import { parseInterval, type Shown } from './execution';

/** The dry run: what would fall if an interval failed. It changes nothing. */
export function planTab(scene: Scene, shown: Shown, content: HTMLElement): (shown: Shown) => void {
  const asked = parseInterval(scene.query.get('suspect'));
  const { agents } = shown.status;
  const answer = h('section', { 'aria-live': 'polite' });
  const agent = input('Agent', { name: 'agent', list: 'agents', required: true, value: asked?.agent ?? '', autocomplete: 'off', spellcheck: 'false', input: suggest });
  const number = input('Interval', { name: 'interval', type: 'number', min: 0, required: true, value: asked?.number ?? '', focus: (event: Event) => (event.target as HTMLInputElement).select() });
  const field = (of: HTMLElement) => of.querySelector('input')!;

  function suggest(): void {
    const known = agents.find((item) => item.agent === field(agent).value);
    if (known) field(number).value = String(known.current);
  }

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const suspect = { agent: field(agent).value.trim(), number: Number(field(number).value) };
    scene.setQuery({ suspect: `${suspect.agent}/${suspect.number}` });
    void ask(suspect);
  };

  async function ask(suspect: Interval): Promise<void> {
    replace(answer, loading('Asking. Nothing is changed.'));
    try {
      const plan = await api.plan(scene.tenant, shown.execution, suspect);
      if (scene.signal.aborted) return;
      const targets = Object.entries(plan.targets);
      const name = `${suspect.agent}/${suspect.number}`;
      const picture = (tab: string, text: string) => link([], text, { href: hash([scene.tenant, 'execution', shown.execution, tab], { suspect: name }) });
      replace(answer,
        h('h2', {}, `If ${name} failed, ${count(plan.interval_count, 'interval')} of ${count(targets.length, 'agent')} would fall`),
        h('p', { class: 'sub' }, 'A forecast: nothing was changed. A signal now would start from what is there then. ', picture('graph', 'Show it in the graph'), ' · ', picture('timeline', 'in the timeline')),
        facts(['Agents that keep everything', plan.untouched.length.toLocaleString('en')], ['Messages that come back', plan.redelivered.length], ['Messages that vanish', plan.dead.length],
          ['Actions to undo', plan.compensations.flat().length], ['Residue', plan.residue.length]),
        plan.residue.length > 0 && h('div', { class: 'callout residue' }, h('h3', {}, '▲ What could not be undone'), h('ul', {}, plan.residue.map((left) => h('li', {}, `${left.agent}: ${left.name ?? 'its state'}, ${words(left.reason)}`)))),
        h('div', { class: 'pair' },
          h('div', {}, h('h3', {}, 'Who would go back'), table('Agents that would fall', [{ title: 'Agent', cell: ([who]) => who }, { title: 'To checkpoint', cell: ([, to]) => to, number: true }], targets.slice(0, 500), ([who]) => who), targets.length > 500 && h('p', { class: 'note' }, `and ${targets.length - 500} more`)),
          h('div', {}, h('h3', {}, 'In which order actions would be undone'), plan.compensations.length > 0
            ? h('ol', { class: 'rounds' }, plan.compensations.map((round) => h('li', {}, round.map((action) => h('div', {}, h('b', {}, action.name), ` of ${action.action.agent}, ${words(action.class)}, ${words(action.progress)}`)))))
            : h('p', { class: 'sub' }, 'None: nothing was done to the world.'))));
    } catch (failure) {
      if (!scene.signal.aborted) replace(answer, problemBox(failure));
    }
  }

  replace(content,
    h('p', { class: 'sub' }, 'Name an interval that may be wrong: here stands what would be undone with it. Nothing is changed.'),
    h('form', { class: 'row filters', submit }, agent, number, h('button', { type: 'submit' }, 'What would fall?'),
      h('datalist', { id: 'agents' }, agents.slice(0, 2_000).map((item) => h('option', { value: item.agent }, `in interval ${item.current}`)))),
    answer);
  if (asked) void ask(asked);
  else replace(answer, empty('Nothing is asked yet.', 'Choose an agent: the interval that it is in is filled in.'));
  return () => undefined;
}
