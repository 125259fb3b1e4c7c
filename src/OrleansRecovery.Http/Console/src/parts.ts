import { Problem, type Rights } from './api';
import { h, words, type Child } from './dom';

// A mark for each phase, so that no phase is told by its colour alone.
const MARKS: Record<string, [string, string]> = {
  running: ['●', 'good'], paused: ['‖', 'wait'], recovering: ['↺', 'busy'], stopped: ['■', 'bad'],
  signalled: ['◔', 'busy'], preparing: ['◑', 'busy'], committed: ['◆', 'busy'], compensating: ['↶', 'busy'], restoring: ['⟲', 'busy'],
  escalated: ['!', 'alarm'], completed: ['✓', 'good'], completed_with_residue: ['▲', 'wait'], aborted: ['⊘', 'calm'],
};

export const OVER = new Set(['completed', 'completed_with_residue', 'aborted']);

export function badge(phase: string): HTMLElement {
  const [mark, tone] = MARKS[phase] ?? ['?', 'calm'];
  return h('span', { class: `badge ${tone}`, 'data-phase': phase }, h('span', { class: 'mark', 'aria-hidden': 'true' }, mark), words(phase));
}

export function problemBox(failure: unknown): HTMLElement {
  if (!(failure instanceof Problem)) {
    console.error(failure);
    return h('div', { class: 'problem', role: 'alert' }, h('h2', {}, 'The console failed'),
      h('p', {}, failure instanceof Error ? failure.message : String(failure)), h('p', {}, 'Nothing was changed. Load the page again; the recovery command shows the same.'));
  }
  const { title, detail, impact, next_step, code, status } = failure.document;
  return h('div', { class: 'problem', role: 'alert' },
    h('h2', {}, words(title.replace(/(?<=[a-z])(?=[A-Z])/g, ' ')), h('small', {}, [code, status || null].filter(Boolean).join(' · '))),
    h('dl', {}, h('dt', {}, 'Cause'), h('dd', {}, detail), h('dt', {}, 'Impact'), h('dd', {}, impact), h('dt', {}, 'Next step'), h('dd', {}, next_step)));
}

export function link(path: readonly string[], text: Child, attributes: Record<string, string> = {}): HTMLAnchorElement {
  return h('a', { href: hash(path), ...attributes }, text);
}

export function hash(path: readonly string[], query: Record<string, string | null | undefined> = {}): string {
  const set = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  return `#/${path.map(encodeURIComponent).join('/')}${set.length > 0 ? `?${new URLSearchParams(set)}` : ''}`;
}

export const interval = (of: { agent: string; number: number }) => `${of.agent}/${of.number}`;

/** What every view is given. */
export interface Scene {
  readonly tenant: string;
  readonly rights: Rights;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** Ends when the view is left. */
  readonly signal: AbortSignal;
  /** The name in which an operator decides: the certificate's, or the one that was given. */
  operator(): string;
  setOperator(name: string): void;
  /** Keys of this view, beside those of every view; told in the help dialog. */
  keys(keys: readonly Key[]): void;
  /** Changes the query in the address, without a new entry in the browser's history. */
  setQuery(changes: Record<string, string | null>): void;
}

export interface Key { readonly key: string; readonly what: string; readonly act: () => void }

export function input(label: string, attributes: Record<string, string | number | boolean | ((event: never) => void)>): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), h('input', attributes));
}

export function select(label: string, options: readonly (readonly [string, string])[], chosen: string, change: (value: string) => void): HTMLElement {
  const list = h('select', { change: (event: Event) => change((event.target as HTMLSelectElement).value) },
    options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)));
  return h('label', { class: 'field' }, h('span', {}, label), list);
}

export function loading(what: string): HTMLElement {
  return h('p', { class: 'loading', role: 'status' }, what);
}
