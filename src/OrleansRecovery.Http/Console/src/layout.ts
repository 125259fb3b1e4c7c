import { graphlib, layout } from '@dagrejs/dagre';
import type { Edge } from './past';

export interface Point { x: number; y: number }

/** Up to so many agents are laid out by dagre, which crosses few edges and takes long; more of them in columns by their distance from the outside. */
const DAGRE_MOST = 200;
const COLUMN = 210;
const ROW = 46;

export function place(names: readonly string[], edges: readonly Edge[], widthOf: (name: string) => number): Map<string, Point> {
  return names.length <= DAGRE_MOST ? layered(names, edges, widthOf) : columns(names, edges);
}

function layered(names: readonly string[], edges: readonly Edge[], widthOf: (name: string) => number): Map<string, Point> {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 22, ranksep: 70, marginx: 10, marginy: 10 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of names) graph.setNode(name, { width: widthOf(name), height: 34 });
  for (const edge of edges) graph.setEdge(edge.from, edge.to);
  layout(graph);
  return new Map(names.map((name) => {
    const node = graph.node(name) as unknown as Point;
    return [name, { x: node.x, y: node.y }];
  }));
}

function columns(names: readonly string[], edges: readonly Edge[]): Map<string, Point> {
  const next = new Map<string, string[]>();
  const entered = new Set<string>();
  for (const { from, to } of edges) {
    (next.get(from) ?? next.set(from, []).get(from)!).push(to);
    entered.add(to);
  }
  const depth = new Map<string, number>();
  const order: string[] = [];
  const visit = (start: string) => {
    if (depth.has(start)) return;
    depth.set(start, 0);
    order.push(start);
    for (let i = order.length - 1; i < order.length; i++) {
      for (const to of next.get(order[i]!) ?? []) {
        if (!depth.has(to)) {
          depth.set(to, depth.get(order[i]!)! + 1);
          order.push(to);
        }
      }
    }
  };
  names.filter((name) => next.has(name) && !entered.has(name)).forEach(visit);
  names.filter((name) => next.has(name)).forEach(visit);
  names.forEach(visit);

  // Those of one depth stand in one column, or in several beside each other where they are many; in the order in which they were reached, so that neighbours are near.
  const rows = Math.max(20, Math.ceil(Math.sqrt(names.length * 3)));
  const layers: string[][] = [];
  for (const name of order) (layers[depth.get(name)!] ??= []).push(name);
  const points = new Map<string, Point>();
  let column = 0;
  for (const layer of layers) {
    layer.forEach((name, i) => {
      const height = Math.min(rows, layer.length - Math.floor(i / rows) * rows);
      points.set(name, { x: (column + Math.floor(i / rows)) * COLUMN, y: ((i % rows) - height / 2) * ROW });
    });
    column += Math.ceil(layer.length / rows) + 0.4;
  }
  return points;
}
