import { api, type LedgerRecord } from '../api';
import { count, empty, facts, h, replace, table, time, words, type Child } from '../dom';
import { link, loading, problemBox, type Scene } from '../parts';

const PAGE = 50;

export async function ledgerView(scene: Scene, main: HTMLElement): Promise<void> {
  const { tenant } = scene;
  const from = Number(scene.query.get('from') ?? 0) || 0;
  replace(main, loading('Reading the ledger.'));
  const { items, next } = await api.ledger(tenant, from, PAGE);
  const records = items.map((item) => item.record);
  const list = h('div', { class: 'list' });
  const search = h('input', { type: 'search', name: 'search', placeholder: 'kind, execution, actor or text', input: draw, 'aria-label': 'Search in this page of the ledger', spellcheck: 'false' });
  const verdict = h('section', { class: 'verdict', 'aria-live': 'polite' }, loading('The server verifies the whole chain.'));
  const go = (position: number) => { scene.setQuery({ from: position > 0 ? String(position) : null }); void ledgerView(scene, main); };

  function draw(): void {
    const wanted = search.value.trim().toLowerCase();
    const shown = records.filter((record) => JSON.stringify(record).toLowerCase().includes(wanted) || words(record.kind).includes(wanted));
    replace(list, shown.length > 0
      ? table('Ledger', [
        { title: 'No.', cell: (record) => record.position, number: true },
        { title: 'Time (UTC)', cell: (record) => time(record.at) },
        { title: 'Record', cell: (record) => words(record.kind), kind: true },
        { title: 'Execution', cell: (record) => record.execution ? link([tenant, 'execution', record.execution], record.execution) : '' },
        { title: 'Actor', cell: (record) => record.actor ?? '' },
        { title: 'Particulars', cell: particulars },
        { title: 'Hash', cell: (record) => h('code', { title: `${record.hash}, follows ${record.previous}` }, record.hash.slice(0, 10)) },
      ], shown, (record) => String(record.position))
      : records.length === 0 ? empty(`The ledger of ${tenant} is empty${from > 0 ? ' from here on' : ''}.`, 'It gets its first record with the first signal or key.')
        : empty('No record on this page is so.', 'Search for less, or turn the page.'));
  }

  replace(main,
    h('div', { class: 'head' }, h('h1', {}, 'Ledger'), h('p', { class: 'sub' }, 'What was signalled, decided and done, in a hash-chained, signed order')),
    verdict,
    h('div', { class: 'row filters' }, h('label', { class: 'field' }, h('span', {}, 'Search in this page'), search),
      h('span', { class: 'pager' },
        h('button', { type: 'button', disabled: from === 0, click: () => go(Math.max(0, from - PAGE)) }, 'Earlier'),
        h('span', {}, records.length > 0 ? `${from} – ${from + records.length - 1}` : '–'),
        h('button', { type: 'button', disabled: next === null || next === undefined, click: () => go(from + PAGE) }, 'Later'))),
    list);
  scene.keys([{ key: 'n', what: 'Later records', act: () => { if (next) go(from + PAGE); } }, { key: 'p', what: 'Earlier records', act: () => { if (from > 0) go(Math.max(0, from - PAGE)); } }]);
  draw();
  await verify(tenant, verdict);
}

async function verify(tenant: string, verdict: HTMLElement): Promise<void> {
  try {
    const found = await api.verification(tenant);
    const sound = found.fault === undefined;
    verdict.className = `verdict ${sound ? 'good' : 'alarm'}`;
    replace(verdict,
      h('h2', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }, sound ? '✓ ' : '! '), sound ? `The chain is sound: ${count(found.sound, 'record')}` : `Record ${found.fault!.line} is not sound: ${found.fault!.what}`),
      h('p', {}, 'Verified by the server, from the first record on: form, places, hashes, signatures, order. It cannot show that the end is missing, or that all was written anew with the ledger’s own key: compare the last hash and the fingerprint with ones that you kept elsewhere, or run ',
        h('code', {}, 'recovery ledger verify'), ' on a copy.'),
      facts(['Not signed yet', count(found.unsigned, 'record')], ['Open recoveries', found.open.length], ['Fingerprint of the first key', h('code', {}, found.fingerprint ?? '–')], ['Last hash', h('code', {}, found.head)]));
  } catch (failure) {
    replace(verdict, problemBox(failure));
  }
}

function particulars(record: LedgerRecord): HTMLElement {
  const body = record.kind === 'head' || record.kind === 'key_introduced' ? Object.fromEntries(Object.entries(record.body).filter(([name]) => name === 'key')) : record.body;
  return h('span', { class: 'particulars' }, Object.entries(body).map(([name, value], index) =>
    [index > 0 && ' · ', h('span', { class: 'name' }, `${words(name)} `), said(name, value)]));
}

/** A value of a record: a time as one, everything else as the text that it is. */
export function said(name: string, value: unknown): Child {
  return name.endsWith('_at') && typeof value === 'number' ? time(value) : text(value);
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? value.map(text).join(', ') : 'none';
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([name, inner]) => `${name} ${text(inner)}`).join(', ');
  return String(value);
}
