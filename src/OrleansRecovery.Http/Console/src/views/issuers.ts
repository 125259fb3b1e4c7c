import { api } from '../api';
import { empty, h, replace, table, time } from '../dom';
import { loading, type Scene } from '../parts';

export async function issuersView(scene: Scene, main: HTMLElement): Promise<void> {
  replace(main, loading('Reading keys and ledger.'));
  const { items } = await api.issuers(scene.tenant);
  replace(main,
    h('div', { class: 'head' }, h('h1', {}, 'Issuers'), h('p', { class: 'sub' }, 'Who signals failures, and what became of it, as keys and ledger say')),
    items.length > 0
      ? h('div', { class: 'list' }, table('Issuers', [
        { title: 'Issuer', cell: (item) => item.issuer },
        { title: 'Health', cell: health },
        { title: 'Signals accepted', cell: (item) => item.accepted, number: true },
        { title: 'refused', cell: (item) => item.refused, number: true },
        { title: 'Recoveries', cell: (item) => item.recoveries, number: true },
        { title: 'aborted', cell: (item) => item.aborted, number: true },
        { title: 'Keys', cell: (item) => item.keys, number: true },
        { title: 'gone', cell: (item) => item.keys_gone, number: true },
        { title: 'Last signal (UTC)', cell: (item) => time(item.last_at) },
      ], items, (item) => item.issuer))
      : empty('Nobody has signalled, and nobody has a key.', ['Give an issuer a key with ', h('code', {}, 'recovery keys generate'), ' (docs/security.md); its signals stand here once they come.']));
}

function health(item: { keys: number; keys_gone: number; accepted: number; refused: number; recoveries: number; aborted: number }): HTMLElement {
  const [mark, tone, text] = item.refused > item.accepted ? ['!', 'alarm', 'mostly refused']
    : item.recoveries > 1 && item.aborted * 2 > item.recoveries ? ['▲', 'wait', 'mostly aborted']
      : item.keys === 0 && item.keys_gone > 0 ? ['⊘', 'calm', 'no key left']
        : ['✓', 'good', item.keys === 0 ? 'unsigned' : 'fine'];
  return h('span', { class: `badge ${tone}` }, h('span', { class: 'mark', 'aria-hidden': 'true' }, mark), text);
}
