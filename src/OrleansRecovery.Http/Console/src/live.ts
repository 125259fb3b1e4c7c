import { api, type Progress } from './api';
import { h, replace, words } from './dom';
import type { Scene } from './parts';

/** Listens to steps of recoveries until the view is left. The browser connects again by itself, and goes on behind the last step that it has. */
export function listen(scene: Scene, execution: string, state: HTMLElement, step: (progress: Progress) => void): void {
  const source = api.events(scene.tenant, execution);
  const show = (mark: string, text: string, name: string) => {
    state.dataset['live'] = name;
    replace(state, h('span', { class: 'mark', 'aria-hidden': 'true' }, mark), text);
  };
  show('○', 'connecting', 'connecting');
  source.addEventListener('heartbeat', () => show('●', 'live', 'live'));
  source.addEventListener('error', () => show('◌', 'cut off; trying again', 'lost'));
  source.addEventListener('progress', (event) => {
    show('●', 'live', 'live');
    step(JSON.parse((event as MessageEvent<string>).data) as Progress);
  });
  scene.signal.addEventListener('abort', () => source.close());
}

/** Runs something soon, and once for many reasons; while it runs it is not run again, but once more afterwards. What takes long is run the less often. */
export function soon(run: () => Promise<void>, signal: AbortSignal): () => void {
  let [waits, runs] = [false, false];
  let took = 0;
  const start = () => {
    if (waits || signal.aborted) return;
    waits = true;
    setTimeout(async () => {
      if (runs) {
        waits = false;
        start();
        return;
      }
      [waits, runs] = [false, true];
      const began = performance.now();
      try {
        if (!signal.aborted) await run();
      } catch (failure) {
        if (!signal.aborted) console.warn(failure);
      } finally {
        runs = false;
        took = performance.now() - began;
      }
    }, Math.max(250, took * 2));
  };
  return start;
}

/** How a recovery proceeds, and how long it takes from here if it goes on so. */
export class Pace {
  private phase = '';
  private began = 0;
  private doneThen = 0;

  line(progress: Progress, now: number): { text: string; left: string } {
    if (progress.phase !== this.phase) [this.phase, this.began, this.doneThen] = [progress.phase, now, progress.done];
    const what = { preparing: 'promises', compensating: 'actions undone', restoring: 'agents back' }[progress.phase] ?? 'agents';
    const made = progress.done - this.doneThen;
    const seconds = made > 0 ? Math.ceil(((now - this.began) / made) * (progress.total - progress.done) / 1000) : null;
    return {
      text: `${words(progress.phase)}: ${progress.done} of ${progress.total} ${what}`,
      left: progress.total === progress.done ? '' : seconds === null ? 'time left: not known yet' : seconds < 90 ? `time left: about ${seconds} s` : `time left: about ${Math.ceil(seconds / 60)} min`,
    };
  }
}
