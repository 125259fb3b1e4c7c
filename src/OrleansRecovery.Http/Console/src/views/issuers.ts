import { api, type IssuerStatus } from '../api';
import { empty, h, replace, table, time } from '../dom';
import { link, loading, type Scene } from '../parts';
import { decide } from './decide';

export async function issuersView(scene: Scene, main: HTMLElement): Promise<void> {
  replace(main, loading('Reading keys and ledger.'));
  const { items } = await api.issuers(scene.tenant);
  const may = scene.rights.may.includes('administer');
  const reinstate = ({ issuer }: IssuerStatus) => decide(scene, `Reinstate ${issuer}`, 'Its false signals count no more: it is not suspended, and its next signal costs as much as anybody’s. First make sure that what made it wrong is mended.',
    async (by, reason) => {
      await api.reinstate(scene.tenant, issuer, by, reason);
      await issuersView(scene, main);
    });
  replace(main,
    h('div', { class: 'head' }, h('h1', {}, 'Issuers'), h('p', { class: 'sub' }, 'Who signals failures, and what became of it, as keys and ledger say')),
    items.length > 0
      ? h('div', { class: 'list' }, table('Issuers', [
        { title: 'Issuer', cell: (item) => item.issuer },
        { title: 'Health', cell: health },
        { title: 'Signals admitted', cell: (item) => item.admitted, number: true },
        { title: 'refused', cell: (item) => item.refused, number: true },
        { title: 'Found true', cell: (item) => item.true, number: true },
        { title: 'false', cell: (item) => item.false, number: true },
        { title: 'Next one costs', cell: (item) => item.price, number: true },
        { title: 'Quota left', cell: (item) => item.quota_left, number: true },
        { title: 'Keys', cell: (item) => link([scene.tenant, 'keys'], item.keys), number: true },
        { title: 'gone', cell: (item) => item.keys_gone, number: true },
        { title: 'Suspended until (UTC)', cell: (item) => time(item.suspended_until) },
        { title: 'Decide', cell: (item) => (item.phase !== 'closed' || item.price > 1) && h('button', { type: 'button', disabled: !may, click: () => reinstate(item) }, 'Reinstate') },
      ], items, (item) => item.issuer), !may && h('p', { class: 'note' }, MAY_NOT))
      : empty('Nobody has signalled, and nobody has a key.', ['Give an issuer a key with ', h('code', {}, 'recovery keys generate'), ' (docs/security.md); its signals stand here once they come.']));
}

export const MAY_NOT = 'You may look and change nothing here: ask for the right “administer” (docs/security.md).';

function health(item: IssuerStatus): HTMLElement {
  const [mark, tone, text] = item.phase === 'open' ? ['!', 'alarm', 'suspended']
    : item.phase === 'half_open' ? ['▲', 'wait', 'one on trial']
      : item.price > 1 ? ['▲', 'wait', 'costs more']
        : item.keys === 0 && item.keys_gone > 0 ? ['⊘', 'calm', 'no key left']
          : ['✓', 'good', item.keys === 0 ? 'unsigned' : 'fine'];
  return h('span', { class: `badge ${tone}` }, h('span', { class: 'mark', 'aria-hidden': 'true' }, mark), text);
}
