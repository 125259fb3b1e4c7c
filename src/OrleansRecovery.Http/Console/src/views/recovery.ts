import { api, type LedgerEntry, type Preview, type Progress, type RecoveryStatus, type Ruling } from '../api';
import { count, empty, facts, h, replace, table, update, words } from '../dom';
import { listen, Pace, soon } from '../live';
import { badge, hash, interval, link, loading, OVER, type Scene } from '../parts';
import { decide } from './decide';
import { said } from './ledger';

const STEPS = ['signalled', 'preparing', 'committed', 'compensating', 'restoring'];

const RULINGS: readonly { ruling: Ruling; key: string; title: string; what: string; tone: string }[] = [
  { ruling: 'approve', key: 'a', title: 'Approve', what: 'The set may fall as it stands, although policy asks a person first.', tone: 'primary' },
  { ruling: 'retry', key: 'y', title: 'Try again', what: 'What failed, or was not answered, is tried again.', tone: '' },
  { ruling: 'force', key: 'f', title: 'Force', what: 'It goes on without what cannot be done. What cannot be undone is named as residue and stays in the world: this is not taken back.', tone: 'danger' },
  { ruling: 'reject', key: 'x', title: 'Reject and abort', what: 'The recovery ends and nothing is changed: what was found wrong stays, and what relies on it goes on. Possible before the decision only.', tone: 'danger' },
];

const ASKED: Record<string, { what: string; fits: readonly Ruling[] }> = {
  approval_needed: { what: 'More agents would fall than policy allows without a person. Look at the set, then approve or reject it.', fits: ['approve', 'reject'] },
  refused: { what: 'An agent says that it cannot go back cleanly: its objection stands below. Force accepts residue; reject changes nothing.', fits: ['force', 'reject'] },
  unreachable: { what: 'An agent does not answer. Try again when it is back; force goes on without it, and its actions become residue.', fits: ['retry', 'force', 'reject'] },
  compensation_failed: { what: 'Every try to undo an action failed. Repair the cause and try again; force names it as residue.', fits: ['retry', 'force'] },
  recurrent_failure: { what: 'The same agent failed more often than policy allows. Approve lets it be rolled back once more.', fits: ['approve', 'reject'] },
};

/** One recovery: where it stands, as it proceeds; what it waits for; what was said and done. */
export async function recoveryView(scene: Scene, main: HTMLElement): Promise<void> {
  const { tenant } = scene;
  const [execution, id] = [scene.path[2]!, scene.path[4]!];
  replace(main, loading('Reading the recovery.'));
  let { recovery, entries } = await load();
  const live = h('span', { class: 'live', role: 'status' });
  const head = h('div', { class: 'head' });
  const progress = h('section', { class: 'progress', 'aria-live': 'polite' });
  const asks = h('section', {});
  const rest = h('section', {});
  const pace = new Pace();
  let step: Progress | null = null;
  let forecast: Preview | null = null; // what the decision would do, which the recovery itself says only once it is taken

  async function load(): Promise<{ recovery: RecoveryStatus; entries: LedgerEntry[] }> {
    const [status, read] = await Promise.all([api.status(tenant, execution, scene.signal), api.entries(tenant, execution, scene.signal)]);
    const found = status.recoveries.find((known) => known.recovery === id);
    if (!found) return { recovery: await api.recovery(tenant, execution, id), entries: read.items };
    return { recovery: found, entries: read.items };
  }

  function drawProgress(): void {
    const phase = step?.phase ?? recovery.phase;
    const over = OVER.has(phase);
    const at = STEPS.indexOf(phase);
    const steps = h('ol', { class: 'steps' }, STEPS.map((name, i) => {
      const state = phase === 'aborted' || phase === 'escalated' ? '' : over || i < at ? 'past' : i === at ? 'now' : '';
      return h('li', { class: state, 'aria-current': state === 'now' ? 'step' : null }, state === 'past' ? '✓ ' : state === 'now' ? '▸ ' : '', words(name));
    }), h('li', { class: over ? `now ${phase}` : phase === 'escalated' ? 'now escalated' : '' }, over || phase === 'escalated' ? badge(phase) : 'over'));
    const line = step && !over ? pace.line(step, performance.now()) : null;
    const [done, total] = step && !over ? [step.done, step.total] : [recovery.compensations_done, recovery.compensations_total];
    replace(progress, steps,
      !over && phase !== 'escalated' && [h('p', { class: 'pace' }, h('progress', { value: done, max: Math.max(1, total), 'aria-label': 'How far it has come' }), h('span', { class: 'count' }, line?.text ?? `${words(phase)}: ${done} of ${total} actions undone`), line?.left && h('span', { class: 'left' }, line.left)),
        step?.subject && h('p', { class: 'subject' }, 'Now: ', h('b', {}, step.subject))]);
  }

  function drawAsk(): void {
    const may = scene.rights.may.includes('decide');
    const waits = recovery.waits_for ? ASKED[recovery.waits_for] : undefined;
    const falling = Object.keys(recovery.targets).length;
    const over = OVER.has(recovery.phase);
    const buttons = RULINGS.map((choice) => h('button', { type: 'button', 'data-ruling': choice.ruling, class: `${choice.tone} ${waits && !waits.fits.includes(choice.ruling) ? 'quiet' : ''}`, 'aria-keyshortcuts': choice.key, disabled: !may, click: () => rule(choice) },
      choice.title, ' ', h('kbd', {}, choice.key)));
    update(asks, [over, recovery.waits_for, recovery.plan, falling, may, forecast], () => over ? [] : [h('div', { class: `callout ${waits ? 'alarm' : ''}` },
      h('h2', {}, waits ? `! It waits for you: ${words(recovery.waits_for!)}` : 'It goes on by itself'),
      h('p', {}, waits?.what ?? 'You need not do anything. Until the decision is taken you can still abort it.'),
      h('p', { class: 'sub' }, `${count(falling, 'agent')} would fall as far as is known (version ${recovery.plan} of the set). A ruling counts for this version only: if the set has changed, it is refused and you look again.`),
      forecast && h('p', {}, `If it goes on: ${forecastText(forecast)}, as far as can be foreseen.`),
      h('p', { class: 'row' }, buttons),
      !may && h('p', { class: 'note' }, 'You may look and not decide here: ask for the right “decide” (docs/security.md).'))]);
  }

  function rule(choice: (typeof RULINGS)[number]): void {
    const plan = recovery.plan;
    decide(scene, choice.title, `${choice.what} ${count(Object.keys(recovery.targets).length, 'agent')}${forecast ? `, ${forecastText(forecast)}` : ''}; version ${plan} of the set.`, async (by, reason) => {
      recovery = await api.rule(tenant, execution, id, choice.ruling, plan, by, reason);
      step = null;
      draw();
      refresh();
    }, choice.tone);
  }

  function draw(): void {
    const picture = (tab: string, title: string) => link([], title, { href: hash([tenant, 'execution', execution, tab], { recovery: id }) });
    update(head, [recovery.phase, recovery.suspects], () => [
      h('p', { class: 'crumbs' }, link([tenant, 'executions'], 'Executions'), ' / ', link([tenant, 'execution', execution], execution), ' / ', link([tenant, 'execution', execution, 'recoveries'], 'recoveries'), ' / '),
      h('h1', {}, recovery.suspects.map(interval).join(', '), ' was found wrong ', badge(recovery.phase), ' ', live),
      h('p', { class: 'sub' }, h('code', {}, id), ' · ', picture('graph', 'what fell, in the graph'), ' · ', picture('timeline', 'in the timeline'))]);
    drawProgress();
    drawAsk();
    const mine = entries.filter((entry) => entry.recovery === id);
    const names = new Set(mine.filter((entry) => entry.kind === 'recovery_opened').flatMap((entry) => entry.body['signals'] as string[]).concat(mine.flatMap((entry) => (entry.body['joined'] ? [String(entry.body['joined'])] : []))));
    const signals = entries.filter((entry) => entry.kind === 'signal_accepted' && names.has(String(entry.body['signal'])));
    const targets = Object.entries(recovery.targets);
    update(rest, [recovery, entries.length], () => [
      h('h2', {}, 'Why'),
      signals.length > 0 ? h('ul', { class: 'signals' }, signals.map(({ actor, body }) => h('li', {}, h('b', {}, String(actor)), ` says that ${String(body['suspect'])} is wrong: ${words(String(body['reason']))}`, body['detail'] ? [' – ', h('q', {}, String(body['detail']))] : null)))
        : h('p', { class: 'sub' }, 'Its signals are not in the log any more.'),
      facts(['Agents that fall', targets.length.toLocaleString('en')], ['Actions undone', isDecided() ? `${recovery.compensations_done} of ${recovery.compensations_total}` : 'none: nothing is decided'], ['Residue', recovery.residue.length]),
      recovery.residue.length > 0 && h('div', { class: 'callout residue' }, h('h3', {}, '▲ Residue: what is not undone'), h('ul', {}, recovery.residue.map((left) => h('li', {}, h('b', {}, left.name ?? 'its state'), ` of ${left.agent}: ${words(left.reason)}`)))),
      h('div', { class: 'pair' },
        h('div', {}, h('h2', {}, 'Who falls'), targets.length > 0
          ? [table('Agents that fall', [{ title: 'Agent', cell: ([who]) => who }, { title: 'Back to checkpoint', cell: ([, to]) => to, number: true }], targets.slice(0, 300), ([who]) => who), targets.length > 300 && h('p', { class: 'note' }, `and ${targets.length - 300} more`)]
          : empty('Not known yet.', 'The agents are asked; their promises make the set.')),
        h('div', {}, h('h2', {}, 'What was said and done'), table('Entries', [
          { title: 'Record', cell: (entry) => words(entry.kind), kind: true },
          { title: 'Actor', cell: (entry) => entry.actor ?? '' },
          { title: 'Particulars', cell: (entry) => h('span', { class: 'particulars' }, Object.entries(entry.body).map(([name, value], i) => [i > 0 && ' · ', h('span', { class: 'name' }, `${words(name)} `), said(name, value)])) },
        ], [...signals, ...mine].slice(-500))))]);
  }

  const isDecided = () => entries.some((entry) => entry.recovery === id && entry.kind === 'decided');

  async function foresee(): Promise<void> {
    const suspect = recovery.suspects[0];
    try {
      forecast = suspect && !OVER.has(recovery.phase) && !isDecided() ? await api.plan(tenant, execution, suspect) : null;
    } catch {
      forecast = null; // it is gone, or the server is busy: the decision is possible without a forecast
    }
    if (!scene.signal.aborted) drawAsk();
  }

  const refresh = soon(async () => {
    ({ recovery, entries } = await load());
    draw();
    await foresee();
  }, scene.signal);

  replace(main, head, progress, asks, rest);
  scene.keys([
    { key: 'g', what: 'What fell, in the graph', act: () => { location.hash = hash([tenant, 'execution', execution, 'graph'], { recovery: id }); } },
    { key: 't', what: 'What fell, in the timeline', act: () => { location.hash = hash([tenant, 'execution', execution, 'timeline'], { recovery: id }); } },
    ...RULINGS.map((choice) => ({ key: choice.key, what: `${choice.title} (asks for a reason first)`, act: () => { if (!OVER.has(recovery.phase) && scene.rights.may.includes('decide')) rule(choice); } })),
  ]);
  draw();
  void foresee();
  listen(scene, execution, live, (next) => {
    if (next.recovery === id) {
      step = next;
      drawProgress();
    }
    refresh();
  });
}

function forecastText(plan: Preview): string {
  const residue = plan.residue.map((left) => `${left.name ?? 'the state'} of ${left.agent}`);
  return `${count(plan.compensations.flat().length, 'action')} to undo, ${residue.length === 0 ? 'no residue' : `residue: ${residue.slice(0, 5).join(', ')}${residue.length > 5 ? ` and ${residue.length - 5} more` : ''}`}`;
}
