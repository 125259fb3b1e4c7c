import './style.css';
import { api, type Rights } from './api';
import { h, replace } from './dom';
import { hash, input, link, loading, problemBox, type Key, type Scene } from './parts';
import { executionView } from './views/execution';
import { executionsView } from './views/executions';
import { issuersView } from './views/issuers';
import { keysView } from './views/keys';
import { ledgerView } from './views/ledger';
import { recoveriesView } from './views/recoveries';
import { recoveryView } from './views/recovery';

type View = (scene: Scene, main: HTMLElement) => Promise<void>;

const main = document.getElementById('main')!;
const bar = document.getElementById('bar')!;
const PAGES: readonly [name: string, title: string, key: string, view: View][] = [
  ['executions', 'Executions', 'e', executionsView],
  ['recoveries', 'Recoveries', 'v', recoveriesView],
  ['ledger', 'Ledger', 'l', ledgerView],
  ['issuers', 'Issuers', 'i', issuersView],
  ['keys', 'Keys', 'k', keysView],
];

const remembered = (name: string) => localStorage.getItem(`console.${name}`) ?? '';
const remember = (name: string, value: string) => localStorage.setItem(`console.${name}`, value);

let leaving = new AbortController();
let viewKeys: readonly Key[] = [];
let rights: { tenant: string; rights: Rights } | null = null;

function where(): { path: string[]; query: URLSearchParams } {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

async function show(): Promise<void> {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  viewKeys = [];
  const { path, query } = where();
  const tenant = path[0];
  if (!tenant) {
    drawBar(null, '', null);
    welcome();
    return;
  }
  remember('tenant', tenant);
  const page = path[1] ?? 'executions';
  replace(main, loading('Asking the server.'));
  try {
    if (rights?.tenant !== tenant) rights = { tenant, rights: await api.rights(tenant) };
    if (signal.aborted) return;
    drawBar(tenant, page, rights.rights);
    const view: View | undefined = page === 'execution' ? (path[3] === 'recovery' ? recoveryView : executionView) : PAGES.find(([name]) => name === page)?.[3];
    if (!view) {
      location.hash = hash([tenant, 'executions']);
      return;
    }
    document.title = `${[path[4] ?? path[2] ?? page, tenant].join(' · ')} · Recovery console`;
    await view(sceneOf(tenant, rights.rights, path, query, signal), main);
  } catch (failure) {
    if (!signal.aborted) replace(main, problemBox(failure));
  }
}

function sceneOf(tenant: string, may: Rights, path: readonly string[], query: URLSearchParams, signal: AbortSignal): Scene {
  return {
    tenant, rights: may, path, query, signal,
    operator: () => may.peer ?? remembered('operator'),
    setOperator: (name) => remember('operator', name),
    keys: (keys) => { viewKeys = keys; },
    setQuery: (changes) => {
      for (const [name, value] of Object.entries(changes)) {
        if (value) query.set(name, value);
        else query.delete(name);
      }
      history.replaceState(null, '', hash(path, Object.fromEntries(query)));
    },
  };
}

function drawBar(tenant: string | null, page: string, may: Rights | null): void {
  replace(bar,
    h('a', { class: 'brand', href: tenant ? hash([tenant, 'executions']) : '#/' }, h('span', { class: 'sign', 'aria-hidden': 'true' }, '↺'), 'Recovery console'),
    tenant && h('nav', { 'aria-label': 'Views' }, PAGES.map(([name, title]) =>
      link([tenant, name], title, name === page || (name === 'executions' && page === 'execution') ? { 'aria-current': 'page' } : {}))),
    h('div', { class: 'who' },
      tenant && h('a', { href: '#/', title: 'Choose another tenant' }, 'tenant ', h('b', {}, tenant)),
      may && h('span', { title: may.may.length > 0 ? `May: ${may.may.join(', ')}` : 'May do nothing here' }, may.peer ?? 'not authenticated'),
      h('button', { type: 'button', class: 'quiet', click: help, 'aria-keyshortcuts': '?' }, 'Keys ', h('kbd', {}, '?'))));
}

function welcome(): void {
  const field = input('Tenant', { name: 'tenant', value: remembered('tenant'), required: true, autocomplete: 'off', spellcheck: 'false', maxlength: 128 });
  const open = (event: SubmitEvent) => {
    event.preventDefault();
    const tenant = field.querySelector('input')!.value.trim();
    if (tenant) location.hash = hash([tenant, 'executions']);
  };
  replace(main, h('section', { class: 'welcome' },
    h('h1', {}, 'Whose executions?'),
    h('p', {}, 'Executions, recoveries and the ledger belong to a tenant; the API gives no list of tenants. It is the part before the slash: ', h('code', {}, 'acme'), ' in ', h('code', {}, 'acme/trip'), '.'),
    h('form', { class: 'row', submit: open }, field, h('button', { type: 'submit' }, 'Open'))));
  field.querySelector('input')!.focus();
}

const everywhere = (): Key[] => {
  const { path } = where();
  const tenant = path[0] ?? remembered('tenant');
  return [
    { key: '?', what: 'This help', act: help },
    { key: '/', what: 'Search in what is shown', act: () => main.querySelector<HTMLInputElement>('input[type=search]')?.focus() },
    ...PAGES.map(([name, title, key]) => ({ key, what: title, act: () => { if (tenant) location.hash = hash([tenant, name]); } })),
  ];
};

function help(): void {
  if (document.querySelector('dialog[open]')) return;
  const rows = (keys: readonly Key[]) => keys.map((key) => h('div', {}, h('dt', {}, h('kbd', {}, key.key)), h('dd', {}, key.what)));
  const dialog = h('dialog', { class: 'help', 'aria-labelledby': 'help-title', close: () => dialog.remove() },
    h('h2', { id: 'help-title' }, 'Keys'),
    h('dl', { class: 'keys' }, rows(everywhere()), viewKeys.length > 0 && h('div', { class: 'part' }, 'On this page'), rows(viewKeys),
      h('div', {}, h('dt', {}, h('kbd', {}, 'Tab')), h('dd', {}, 'To the next thing that can be used; Enter uses it')),
      h('div', {}, h('dt', {}, h('kbd', {}, 'Esc')), h('dd', {}, 'Closes a dialog; nothing is sent'))),
    h('form', { method: 'dialog' }, h('button', {}, 'Close')));
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener('keydown', (event) => {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') || target.closest('input:not([type=checkbox]), textarea, select')) return;
  const key = [...everywhere(), ...viewKeys].find((known) => known.key === event.key);
  if (key) {
    event.preventDefault();
    key.act();
  }
});

window.addEventListener('hashchange', () => { void show(); });
void show();
