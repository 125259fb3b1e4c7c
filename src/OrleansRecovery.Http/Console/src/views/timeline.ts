import type { AgentPast } from '../api';
import { arrange, type Moment } from '../columns';
import { empty, h, replace, s, update, words } from '../dom';
import type { Scene } from '../parts';
import { FATES } from '../past';
import { fallChoice, type Shown } from './execution';

const LANES_MOST = 40;
const ROW = 58;
const STEP = 26;
const LEFT = 16;
const TOP = 30;

/** Intervals, messages and checkpoints of the agents, with the recovery line across them, as textbooks draw it. From left to right stands what came about, not the clock. */
export function timelineTab(scene: Scene, first: Shown, content: HTMLElement): (shown: Shown) => void {
  let shown = first;
  const search = h('input', { type: 'search', name: 'search', value: scene.query.get('lanes') ?? '', placeholder: 'agents, by a part of their names', input: draw, 'aria-label': 'Agents to show', spellcheck: 'false' });
  const choice = h('div', {});
  const note = h('p', { class: 'note' });
  const detail = h('p', { class: 'moment', 'aria-live': 'polite' });
  const names = h('div', { class: 'names' });
  const scroll = h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Timeline: Tab goes through what happened' });
  const nothing = h('div', {});

  function lanes(): AgentPast[] {
    const wanted = search.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const fates = shown.past.fates(shown.fall);
    const near = new Set(shown.past.edges(shown.past.falling(shown.fall)).filter((edge) => edge.falls || fates.get(edge.from) !== 'kept' || fates.get(edge.to) !== 'kept').flatMap((edge) => [edge.from, edge.to]));
    const rank = (agent: AgentPast) => (fates.get(agent.agent) === 'outside' ? -1 : fates.get(agent.agent) !== 'kept' ? 0 : near.has(agent.agent) ? 1 : 2);
    const all = [...shown.past.agents.values()].filter((agent) => agent.next > 0 && (wanted.length === 0 || wanted.some((part) => agent.agent.toLowerCase().includes(part))));
    const picked = all.map((agent) => ({ agent, rank: rank(agent) })).sort((a, b) => a.rank - b.rank || a.agent.agent.localeCompare(b.agent.agent)).slice(0, LANES_MOST).map(({ agent }) => agent);
    const cut = picked.filter((agent) => agent.from > 0).length;
    replace(note, all.length > picked.length && `${picked.length} of ${all.length.toLocaleString('en')} agents: first those that fell, then those they dealt with. Search for others. `, cut > 0 && `Of ${cut} of them only the last records are shown.`);
    return inOrder(picked);
  }

  // Who sends stands above who receives, as far as there is such an order.
  function inOrder(agents: AgentPast[]): AgentPast[] {
    const first = (agent: AgentPast) => (agent.agent === '@outside' ? -1 : agent.intervals.find((interval) => interval.cause !== 'start')?.at ?? Infinity);
    return [...agents].sort((a, b) => first(a) - first(b) || a.agent.localeCompare(b.agent));
  }

  function draw(): void {
    scene.setQuery({ lanes: search.value || null });
    update(choice, [scene.query.get('suspect'), shown.fall?.recovery, shown.status.recoveries.map((known) => [known.recovery, known.phase])], () => [fallChoice(scene, shown)]);
    const agents = lanes();
    replace(nothing, agents.length === 0 && empty('Nothing has happened here yet.', 'Once an agent consumes something, its first interval stands here.'));
    const fates = shown.past.fates(shown.fall);
    replace(names, agents.map((agent) => {
      const fate = fates.get(agent.agent) ?? 'kept';
      return h('div', { class: `lane ${fate}`, title: FATES[fate].text }, h('span', { class: 'mark', 'aria-hidden': 'true' }, FATES[fate].mark), h('span', { class: 'name' }, agent.agent === '@outside' ? 'outside' : agent.agent));
    }));
    update(scroll, [agents, shown.fall], () => [agents.length > 0 && picture(agents)]);
  }

  function picture(agents: AgentPast[]): SVGSVGElement {
    const { lanes, width } = arrange(agents);
    const x = (column: number) => LEFT + column * STEP;
    const y = new Map(agents.map((agent, i) => [agent.agent, TOP + i * ROW + ROW / 2]));
    const end = x(width);
    const falling = shown.past.falling(shown.fall);
    const behind = s('g', {});
    const messages = s('g', {});
    const points = s('g', {});
    const sent = new Map<string, { x: number; y: number; undone: boolean; type: string }>();

    for (const agent of agents) {
      const row = y.get(agent.agent)!;
      behind.append(s('line', { class: 'life', x1: LEFT, y1: row, x2: end, y2: row }));
      const opened = lanes.get(agent.agent)!.filter((moment) => moment.interval);
      opened.forEach((moment, i) => {
        const interval = moment.interval!;
        const to = opened[i + 1] ? x(opened[i + 1]!.column) : end;
        const falls = falling.has(`${agent.agent}/${interval.number}`);
        const kind = interval.undone || falls ? 'undone' : interval.sealed ? 'sealed' : 'live';
        behind.append(s('rect', { class: `interval ${kind}`, x: x(moment.column), y: row - 11, width: Math.max(2, to - x(moment.column)), height: 22 }));
        if (kind === 'undone') behind.append(s('rect', { class: 'hatch', x: x(moment.column), y: row - 11, width: Math.max(2, to - x(moment.column)), height: 22, fill: 'url(#hatch)' }));
        points.append(spot(`Checkpoint and interval ${agent.agent}/${interval.number}, ${words(interval.cause)}, incarnation ${interval.incarnation}${interval.undone ? `; undone by ${interval.undone}` : falls ? '; falls' : ''}${interval.sealed ? '; validated' : ''}`,
          s('line', { class: 'checkpoint', x1: x(moment.column), y1: row - 15, x2: x(moment.column), y2: row + 15 }),
          s('text', { class: 'number', x: x(moment.column) + 4, y: row - 15 }, `${interval.number}${interval.cause === 'restore' ? '′' : ''}`)));
      });
      for (const moment of lanes.get(agent.agent)!) {
        if (moment.send) sent.set(`${agent.agent} ${moment.sequence}`, { x: x(moment.column), y: row, undone: isUndone(agent, moment.send.interval, falling), type: moment.send.type });
        if (moment.action) points.append(actionMark(agent, moment, x(moment.column), row));
      }
    }

    for (const agent of agents) {
      for (const moment of lanes.get(agent.agent)!) {
        const { dependency } = moment;
        if (!dependency) continue;
        const from = dependency.message === undefined || dependency.message === null ? declaredAt(lanes, y, dependency.producer, x) : sent.get(`${dependency.producer.agent} ${dependency.message}`);
        if (!from) continue;
        const to = { x: x(moment.column), y: y.get(agent.agent)! };
        const side = Math.sign(to.y - from.y) * 11;
        const undone = from.undone && isUndone(agent, dependency.interval, falling);
        messages.append(spot(`${from.type} from ${dependency.producer.agent}/${dependency.producer.number} to ${agent.agent}/${dependency.interval}, ${words(dependency.kind)}, ${dependency.strength}${undone ? '; undone' : ''}`,
          s('line', { class: 'wide', x1: from.x, y1: from.y + side, x2: to.x, y2: to.y - side }),
          s('line', { class: `message ${undone ? 'undone' : ''} ${dependency.strength}`, x1: from.x, y1: from.y + side, x2: to.x, y2: to.y - side, 'marker-end': undone ? 'url(#arrow-undone)' : 'url(#arrow)' })));
      }
    }

    const height = TOP + agents.length * ROW + 10;
    return s('svg', { width: end + 20, height, viewBox: `0 0 ${end + 20} ${height}`, 'data-lanes': agents.length }, definitions(), behind, messages, points, recoveryLine(agents, lanes, y, x, width));
  }

  function recoveryLine(agents: AgentPast[], lanes: Map<string, Moment[]>, y: Map<string, number>, x: (column: number) => number, width: number): SVGElement | null {
    const { fall } = shown;
    if (!fall || Object.keys(fall.targets).length === 0) return null;
    const at = Math.max(0, ...agents.flatMap((agent) => agent.restores.filter((restore) => restore.recovery === fall.recovery).map((restore) => restore.at)));
    const corners = agents.filter((agent) => agent.agent !== '@outside').map((agent): [number, number] => {
      const moments = lanes.get(agent.agent)!;
      const target = fall.targets[agent.agent];
      const checkpoint = moments.find((moment) => target !== undefined && moment.interval?.number === target);
      const later = at > 0 ? moments.find((moment) => moment.interval && moment.interval.at > at) : undefined;
      return [checkpoint ? x(checkpoint.column) : later ? x(later.column) - STEP / 2 : x(width) - 8, y.get(agent.agent)!];
    });
    if (corners.length === 0) return null;
    const path = corners.flatMap(([cx, cy]) => [[cx, cy - ROW / 2 + 6], [cx, cy + ROW / 2 - 6]]).map(([cx, cy]) => `${cx},${cy}`).join(' ');
    return s('g', { class: 'line', role: 'img', 'aria-label': 'The recovery line' }, s('polyline', { class: 'halo', points: path }), s('polyline', { class: 'recovery-line', points: path }),
      s('text', { class: 'line-name', x: Math.max(LEFT + 80, corners[0]![0] + 4), y: 16 }, 'recovery line'));
  }

  function actionMark(agent: AgentPast, moment: Moment, cx: number, cy: number): SVGElement {
    const action = moment.action!;
    const mark = { done: '■', compensated: '↶', residue: '▲', failed: '✕', in_doubt: '?' }[action.progress] ?? '■';
    return spot(`Action ${action.name} of ${agent.agent}/${action.interval}, ${words(action.class)}: ${words(action.progress)}`,
      s('rect', { class: `action ${action.progress}`, x: cx - 9, y: cy - 9, width: 18, height: 18, rx: 3 }), s('text', { class: `action-mark ${action.progress}`, x: cx, y: cy + 4.5 }, mark));
  }

  function spot(text: string, ...children: SVGElement[]): SVGElement {
    const tell = () => { detail.textContent = text; };
    return s('g', { class: 'spot', tabindex: 0, role: 'img', 'aria-label': text, focus: tell, mouseenter: tell }, s('title', {}, text), children);
  }

  replace(content,
    h('div', { class: 'row filters' }, choice, h('label', { class: 'field wide' }, h('span', {}, 'Agents'), search)),
    note, h('div', { class: 'timeline' }, names, scroll), detail, legend(), nothing);
  draw();
  return (next) => { shown = next; draw(); };
}

function isUndone(agent: AgentPast, number: number, falling: ReadonlySet<string>): boolean {
  return falling.has(`${agent.agent}/${number}`) || agent.intervals.some((interval) => interval.number === number && interval.undone);
}

function declaredAt(lanes: Map<string, Moment[]>, y: Map<string, number>, producer: { agent: string; number: number }, x: (column: number) => number): { x: number; y: number; undone: boolean; type: string } | undefined {
  const opened = lanes.get(producer.agent)?.find((moment) => moment.interval?.number === producer.number);
  return opened && { x: x(opened.column) + 10, y: y.get(producer.agent)!, undone: Boolean(opened.interval?.undone), type: 'What was declared' };
}

function definitions(): SVGElement {
  const arrow = (id: string) => s('marker', { id, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: 'auto', markerUnits: 'userSpaceOnUse' }, s('path', { class: id, d: 'M0,0 L8,4 L0,8 z' }));
  return s('defs', {}, arrow('arrow'), arrow('arrow-undone'),
    s('pattern', { id: 'hatch', width: 7, height: 7, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' }, s('line', { class: 'hatch-line', x1: 0, y1: 0, x2: 0, y2: 7 })));
}

function legend(): HTMLElement {
  const items: [string, string][] = [['|', 'checkpoint, which opens the interval with its number'], ['▨', 'undone'], ['n′', 'goes on after a recovery'], ['■', 'action'], ['↶', 'action undone'], ['▲', 'residue: an action that stays'], ['┆', 'recovery line: what is right of it falls']];
  return h('ul', { class: 'legend' }, items.map(([mark, text]) => h('li', {}, h('span', { class: 'swatch', 'aria-hidden': 'true' }, mark), text)));
}
