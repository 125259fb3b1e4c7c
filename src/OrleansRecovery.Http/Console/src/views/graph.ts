import cytoscape, { type Core, type StylesheetJson } from 'cytoscape';
import { count, empty, h, replace, update, words } from '../dom';
import { place } from '../layout';
import { hash, link, type Scene } from '../parts';
import { FATES, type Edge, type Fate } from '../past';
import { fallChoice, type Shown } from './execution';

const LISTED = 200;
const PLAIN_FROM = 400;

/** The agents and who relied on whom. The list beside it says the same, for the keyboard and for those who do not see the picture. */
export function graphTab(scene: Scene, first: Shown, content: HTMLElement): (shown: Shown) => void {
  let shown = first;
  let core: Core | null = null;
  let drawn = '';
  let fates = new Map<string, Fate>();
  let why: (agent: string) => string[] = () => [];
  const canvas = h('div', { class: 'canvas', role: 'img', 'aria-label': 'Agents, and who relied on whom. The list beside it says the same.' });
  const detail = h('section', { class: 'detail', 'aria-live': 'polite' });
  const list = h('ul', { class: 'agents' });
  const summary = h('p', { class: 'sub' });
  const search = h('input', { type: 'search', name: 'search', placeholder: 'agent', input: drawList, 'aria-label': 'Search agents', spellcheck: 'false' });
  const choice = h('div', {});
  let chosen = '';

  function names(): string[] {
    return [...shown.past.agents.keys()].filter((name) => name !== '@outside' || shown.past.agents.get(name)!.sends.length > 0);
  }

  const label = (name: string) => {
    const fate = fates.get(name) ?? 'kept';
    const target = shown.fall?.targets[name];
    return `${FATES[fate].mark ? `${FATES[fate].mark} ` : ''}${name === '@outside' ? 'outside' : name}${target === undefined ? '' : `  ⟲ ${target}`}`;
  };

  const widthOf = (name: string) => Math.max(64, 16 + label(name).length * 7.4);
  const classOf = (edge: Edge) => `${edge.falls ? 'falls' : ''} ${edge.required ? '' : 'advisory'}`;

  function draw(): void {
    const all = names();
    const falling = shown.past.falling(shown.fall);
    fates = shown.past.fates(shown.fall);
    why = shown.fall ? shown.past.reasons(shown.fall, shown.entries) : () => [];
    const edges = shown.past.edges(falling);
    const fell = all.filter((name) => (fates.get(name) ?? 'kept') !== 'kept' && name !== '@outside').length;
    update(choice, [scene.query.get('suspect'), shown.fall?.recovery, shown.status.recoveries.map((known) => [known.recovery, known.phase])], () => [fallChoice(scene, shown)]);
    replace(summary, shown.fall ? `${fell.toLocaleString('en')} of ${count(shown.status.agents.length, 'agent')} fall: ${shown.fallText}` : 'Nothing fell: this is how it stands.');

    const signature = JSON.stringify([all, edges.map((edge) => [edge.from, edge.to])]);
    if (signature !== drawn) {
      drawn = signature;
      picture(all, edges);
    } else {
      mark(edges);
    }
    drawList();
    tell(chosen);
  }

  function picture(all: string[], edges: Edge[]): void {
    core?.destroy();
    canvas.removeAttribute('data-drawn');
    const points = place(all, edges, widthOf);
    const plain = all.length > PLAIN_FROM;
    core = cytoscape({
      container: canvas,
      elements: [
        ...all.map((name) => ({ group: 'nodes' as const, data: { id: name, label: label(name), width: widthOf(name) }, position: points.get(name)!, classes: fates.get(name) ?? 'kept' })),
        ...edges.map((edge) => ({ group: 'edges' as const, data: { id: `${edge.from} ${edge.to}`, source: edge.from, target: edge.to }, classes: classOf(edge) })),
      ],
      layout: { name: 'preset', fit: true, padding: 24 },
      style: styles(plain),
      minZoom: 0.02, maxZoom: 3, autoungrabify: true, boxSelectionEnabled: false,
      hideEdgesOnViewport: plain, textureOnViewport: plain, pixelRatio: plain ? 1 : 'auto',
    });
    if (core.zoom() > 1.15) {
      core.zoom(1.15);
      core.center();
    }
    core.on('mouseover tap', 'node', (event) => tell(event.target.id() as string));
    core.one('render', () => {
      canvas.dataset['nodes'] = String(core!.nodes().length);
      canvas.dataset['edges'] = String(core!.edges().length);
      canvas.dataset['drawn'] = 'yes';
    });
  }

  // The same agents and dependencies: what became of them is shown, and nothing moves.
  function mark(edges: Edge[]): void {
    core?.batch(() => {
      core!.nodes().forEach((node) => {
        const text = label(node.id());
        if (node.data('label') !== text) node.data({ label: text, width: widthOf(node.id()) });
        node.classes(fates.get(node.id()) ?? 'kept');
      });
      for (const edge of edges) core!.getElementById(`${edge.from} ${edge.to}`).classes(classOf(edge));
    });
  }

  function drawList(): void {
    const wanted = search.value.trim().toLowerCase();
    const rank: Record<Fate, number> = { suspect: 0, residue: 1, fell: 2, kept: 3, outside: 4 };
    const matching = names().filter((name) => name.toLowerCase().includes(wanted)).sort((a, b) => rank[fates.get(a) ?? 'kept'] - rank[fates.get(b) ?? 'kept'] || a.localeCompare(b));
    const listed = matching.slice(0, LISTED);
    update(list, [listed, listed.map((name) => [fates.get(name), shown.fall?.targets[name]]), matching.length], () => [listed.map((name) => {
      const fate = fates.get(name) ?? 'kept';
      return h('li', {}, h('button', { type: 'button', class: `agent ${fate}`, 'data-agent': name, focus: () => tell(name), mouseenter: () => tell(name), click: () => go(name) },
        h('span', { class: 'mark', 'aria-hidden': 'true' }, FATES[fate].mark || '·'), h('span', { class: 'name' }, name === '@outside' ? 'outside' : name),
        shown.fall && fate !== 'kept' && fate !== 'outside' ? h('span', { class: 'to' }, `back to ${shown.fall.targets[name]}`) : null));
    }), matching.length > LISTED && h('li', { class: 'note' }, `and ${(matching.length - LISTED).toLocaleString('en')} more: search for them`), matching.length === 0 && h('li', { class: 'note' }, 'No agent is called so.')]);
  }

  function go(name: string): void {
    tell(name);
    core?.animate({ center: { eles: core.getElementById(name) }, zoom: Math.max(core.zoom(), 0.9), duration: 200 });
  }

  function tell(name: string): void {
    chosen = name;
    core?.elements().removeClass('chosen');
    const past = shown.past.agents.get(name);
    if (!past) {
      update(detail, ['', shown.fall !== null], () => [h('p', { class: 'hint' }, shown.fall ? 'Point at an agent, or go through the list: here stands why it fell, and what is left of it.' : 'Point at an agent, or go through the list: here stands what it did.')]);
      return;
    }
    const node = core?.getElementById(name);
    node?.addClass('chosen');
    node?.connectedEdges().addClass('chosen');
    const fate = fates.get(name) ?? 'kept';
    const status = shown.status.agents.find((agent) => agent.agent === name);
    const left = shown.fall?.residue.filter((residue) => residue.agent === name) ?? [];
    const steps = why(name);
    update(detail, [name, fate, steps, left, status, past.actions], () => [
      h('h2', {}, name === '@outside' ? 'outside' : name, ' ', h('small', {}, past.class)),
      h('p', { class: `fate ${fate}` }, FATES[fate].mark && h('span', { class: 'mark', 'aria-hidden': 'true' }, `${FATES[fate].mark} `), FATES[fate].text, status?.quarantined && '; out of service'),
      steps.length > 0 && [h('h3', {}, 'Why'), h('ol', { class: 'why' }, steps.map((step) => h('li', {}, step)))],
      left.length > 0 && [h('h3', {}, 'Residue'), h('ul', {}, left.map((residue) => h('li', {}, `${residue.name ?? 'the agent’s state'}: ${words(residue.reason)}`)))],
      past.actions.length > 0 && [h('h3', {}, 'Actions'), h('ul', { class: 'actions' }, past.actions.slice(-8).map((action) => h('li', {}, h('b', {}, action.name), ` in ${action.interval}, ${words(action.class)}: ${words(action.progress)}`)))],
      status && h('p', { class: 'sub' }, `In interval ${status.current}, incarnation ${status.incarnation}; ${count(status.pending_messages, 'message')} waiting.`),
      status && link([], 'What would fall if its current interval failed?', { href: hash([scene.tenant, 'execution', shown.execution, 'plan'], { suspect: `${name}/${status.current}` }) })]);
  }

  if (names().length === 0) {
    replace(content, empty('This execution has no agents.', 'It was started without any; start another one.'));
    return () => undefined;
  }

  const theme = matchMedia('(prefers-color-scheme: dark)');
  theme.addEventListener('change', () => core?.style(styles(names().length > PLAIN_FROM)), { signal: scene.signal });
  scene.signal.addEventListener('abort', () => core?.destroy());
  replace(content,
    h('div', { class: 'row filters' }, choice, h('label', { class: 'field' }, h('span', {}, 'Search'), search),
      h('span', { class: 'zoom' }, h('button', { type: 'button', class: 'quiet', click: () => core?.fit(undefined, 24) }, 'Whole graph'),
        h('button', { type: 'button', class: 'quiet', click: () => { const fell = core?.nodes('.fell, .suspect, .residue'); if (fell?.nonempty()) core?.fit(fell, 40); } }, 'What fell'),
        h('button', { type: 'button', class: 'quiet', 'aria-label': 'Larger', click: () => zoom(1.4) }, '+'), h('button', { type: 'button', class: 'quiet', 'aria-label': 'Smaller', click: () => zoom(1 / 1.4) }, '−'))),
    summary,
    h('div', { class: 'split' }, h('div', { class: 'picture' }, canvas, legend()), h('aside', {}, detail, list)));
  draw();
  return (next) => { shown = next; draw(); };

  function zoom(by: number): void {
    core?.zoom({ level: core.zoom() * by, renderedPosition: { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 } });
  }
}

function legend(): HTMLElement {
  return h('ul', { class: 'legend' }, (['suspect', 'fell', 'residue', 'kept'] as const).map((fate) =>
    h('li', {}, h('span', { class: `swatch ${fate}`, 'aria-hidden': 'true' }, FATES[fate].mark), FATES[fate].text)),
  h('li', {}, h('span', { class: 'swatch line', 'aria-hidden': 'true' }), 'dashed: advisory, nothing follows it'), h('li', {}, h('span', { class: 'swatch to', 'aria-hidden': 'true' }, '⟲ n'), 'back to checkpoint n'));
}

function styles(plain: boolean): StylesheetJson {
  const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [
    { selector: 'node', style: {
      label: 'data(label)', width: 'data(width)', height: 30, shape: 'round-rectangle', 'text-valign': 'center', 'text-halign': 'center', 'font-size': 12.5, 'font-family': 'system-ui, sans-serif',
      color: color('ink'), 'background-color': color('paper'), 'border-color': color('edge'), 'border-width': 1.2, 'min-zoomed-font-size': 7 } },
    { selector: 'node.outside', style: { shape: 'ellipse', 'border-style': 'dotted', color: color('soft') } },
    { selector: 'node.fell', style: { shape: 'cut-rectangle', 'background-color': color('fell-back'), 'border-color': color('fell'), 'border-width': 2, 'border-style': 'dashed' } },
    { selector: 'node.suspect', style: { shape: 'hexagon', 'background-color': color('fell'), 'border-color': color('fell'), 'border-width': 3, color: color('on-fell'), 'font-weight': 'bold' } },
    { selector: 'node.residue', style: { shape: 'octagon', 'background-color': color('residue-back'), 'border-color': color('residue'), 'border-width': 3 } },
    { selector: 'node.chosen', style: { 'outline-width': 3, 'outline-color': color('focus'), 'outline-offset': 2 } },
    { selector: 'edge', style: { width: 1.2, 'line-color': color('edge'), 'curve-style': plain ? 'haystack' : 'bezier', 'target-arrow-shape': plain ? 'none' : 'triangle', 'target-arrow-color': color('edge'), 'arrow-scale': 0.9, opacity: plain ? 0.45 : 1 } },
    { selector: 'edge.advisory', style: { 'line-style': 'dashed' } },
    { selector: 'edge.falls', style: { width: 2.6, 'line-color': color('fell'), 'target-arrow-color': color('fell'), opacity: 1, 'z-index': 2 } },
    { selector: 'edge.chosen', style: { 'line-color': color('focus'), 'target-arrow-color': color('focus'), opacity: 1 } },
  ] as StylesheetJson;
}
