import { api, Problem, type IssuerKey, type PublicKey } from '../api';
import { empty, h, replace, table, time } from '../dom';
import { input, link, loading, type Scene } from '../parts';
import { decide } from './decide';
import { MAY_NOT } from './issuers';

const MARKS = { active: ['✓', 'good'], retired: ['▲', 'wait'], revoked: ['⊘', 'calm'] } as const;
const OVERLAP_MINUTES = 60;

/** The keys that issuers sign with. No private key ever comes here: who signs makes it, and an operator gives the public half. */
export async function keysView(scene: Scene, main: HTMLElement): Promise<void> {
  replace(main, loading('Reading keys.'));
  const { items } = await api.keys(scene.tenant);
  const may = scene.rights.may.includes('administer');
  replace(main,
    h('div', { class: 'head' }, h('h1', {}, 'Keys'), h('p', { class: 'sub' }, 'What ', link([scene.tenant, 'issuers'], 'issuers'), ' sign their signals with; a change counts at once, and stands in the ledger')),
    items.length > 0
      ? h('div', { class: 'list' }, table('Keys', [
        { title: 'Issuer', cell: (item) => item.issuer },
        { title: 'Key', cell: (item) => h('code', { title: item.key.kid }, item.key.kid.slice(0, 16)) },
        { title: 'Status', cell: status },
        { title: 'Verifies until (UTC)', cell: (item) => time(item.until) },
        { title: 'Decide', cell: (item) => [
          item.status === 'active' && h('button', { type: 'button', disabled: !may, click: () => rotate(scene, main, item) }, 'Rotate'), ' ',
          item.status !== 'revoked' && h('button', { type: 'button', class: 'danger', disabled: !may, click: () => revoke(scene, main, item) }, 'Revoke')] },
      ], items, (item) => item.key.kid), !may && h('p', { class: 'note' }, MAY_NOT))
      : empty('No issuer has a key.', ['Give one with ', h('code', {}, 'recovery keys generate'), ' (docs/security.md): from then on its unsigned signals are refused.']));
}

function revoke(scene: Scene, main: HTMLElement, { issuer, key }: IssuerKey): void {
  decide(scene, 'Revoke the key', `From now on nothing counts that ${issuer} signed with ${key.kid.slice(0, 16)}, and it never can again. To replace a key that nobody stole, rotate it.`, async (by, reason) => {
    await api.revokeKey(scene.tenant, key.kid, by, reason);
    await keysView(scene, main);
  }, 'danger');
}

// Two requests: each may be repeated, so what was cut off in between goes on when it is confirmed again.
function rotate(scene: Scene, main: HTMLElement, { issuer, key }: IssuerKey): void {
  const jwk = h('textarea', { name: 'jwk', rows: 5, required: true, maxlength: 1000, spellcheck: 'false', autocomplete: 'off' });
  const minutes = input('Minutes for which the old key still verifies', { name: 'minutes', type: 'number', min: 0, max: 525_600, value: OVERLAP_MINUTES, required: true });
  decide(scene, 'Rotate the key', `${issuer} signs with a new key from now on; the old one, ${key.kid.slice(0, 16)}, verifies for a while what is under way.`, async (by, reason) => {
    const next = publicKey(jwk.value);
    await api.giveKey(scene.tenant, issuer, next, by, reason);
    await api.retireKey(scene.tenant, key.kid, Date.now() + Number(minutes.querySelector('input')!.value) * 60_000, by, reason);
    await keysView(scene, main);
  }, '', h('label', { class: 'field' }, h('span', {}, 'The new public key, as the issuer gave it (JWK)'), jwk), minutes);
}

function publicKey(text: string): PublicKey {
  try {
    const { crv, kid, kty, x, y, ...rest } = JSON.parse(text) as PublicKey & { d?: string };
    if ([crv, kid, kty, x, y].every((member) => typeof member === 'string') && Object.keys(rest).length === 0) return { crv, kid, kty, x, y };
  } catch {
    // As below.
  }
  throw new Problem({
    title: 'NoPublicKey', status: 0, detail: 'This is no public key: a JWK has the members crv, kid, kty, x and y, and no others.', impact: 'Nothing was sent and nothing was changed.',
    next_step: 'Let the issuer send its public key. A private key, with a member d, belongs nowhere but into the issuer’s own file.',
  });
}

function status({ status: now }: IssuerKey): HTMLElement {
  const [mark, tone] = MARKS[now];
  return h('span', { class: `badge ${tone}`, 'data-status': now }, h('span', { class: 'mark', 'aria-hidden': 'true' }, mark), now);
}
