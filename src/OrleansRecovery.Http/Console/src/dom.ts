// Elements are made here and nowhere else: text becomes text, never markup, and no attribute is taken from data but those that are named.

export type Child = Node | string | number | null | undefined | false | Child[];

type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

const SVG = 'http://www.w3.org/2000/svg';

function fill(element: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value as unknown as EventListener);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
}

export function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child instanceof Node) element.append(child);
    else if (child !== null && child !== undefined && child !== false) element.append(document.createTextNode(String(child)));
  }
}

/** An HTML element: attributes, listeners (functions), children. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/** An SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  fill(element, attributes, children);
  return element;
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

const drawn = new WeakMap<Element, string>();

/** Fills an element anew where what it shows has changed; otherwise it is left alone, and with it the focus of whoever is in it. */
export function update(element: Element, shows: unknown, make: () => Child[]): void {
  const text = JSON.stringify(shows);
  if (drawn.get(element) === text) return;
  drawn.set(element, text);
  replace(element, make());
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => Child;
  readonly number?: boolean;
  readonly kind?: boolean;
}

/** A table with a caption for those who do not see it; numbers stand in columns. */
export function table<T>(caption: string, columns: readonly Column<T>[], items: readonly T[], key?: (item: T) => string): HTMLTableElement {
  return h('table', { 'data-of': caption.toLowerCase() },
    h('caption', { class: 'unseen' }, caption),
    h('thead', {}, h('tr', {}, columns.map((column) => h('th', { scope: 'col', class: column.number ? 'number' : null }, column.title)))),
    h('tbody', {}, items.map((item) => h('tr', { 'data-key': key?.(item) },
      columns.map((column) => h('td', { class: column.number ? 'number' : column.kind ? 'kind' : null }, column.cell(item)))))));
}

export function empty(what: string, next: Child): HTMLElement {
  return h('div', { class: 'empty' }, h('p', { class: 'what' }, what), h('p', {}, next));
}

export function facts(...pairs: readonly (readonly [string, Child])[]): HTMLElement {
  return h('dl', { class: 'facts' }, pairs.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

export function time(at: number | null | undefined): HTMLElement | string {
  if (!at) return '–';
  const date = new Date(at);
  return h('time', { datetime: date.toISOString(), title: date.toISOString() }, `${date.toISOString().slice(0, 10)} ${date.toISOString().slice(11, 19)}`);
}

/** Words of the wire for people: completed_with_residue is "completed with residue". */
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}
