import { h, replace, type Child } from '../dom';
import { input, problemBox, type Scene } from '../parts';

/** Asks who decides and why, and sends it; a refusal is shown where it was asked, and nothing of what was typed is lost. */
export function decide(scene: Scene, title: string, what: string, send: (by: string, reason: string) => Promise<void>, tone = '', ...also: Child[]): void {
  const proven = scene.rights.peer;
  const name = input('In whose name', { name: 'by', value: scene.operator(), required: true, maxlength: 128, autocomplete: 'off', spellcheck: 'false', readonly: proven !== undefined && proven !== null });
  const reason = h('textarea', { name: 'reason', rows: 3, required: true, maxlength: 1000, 'aria-describedby': 'decide-kept' });
  const answer = h('div', { 'aria-live': 'assertive' });
  const confirm = h('button', { type: 'submit', class: tone }, title);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const by = name.querySelector('input')!.value.trim();
    scene.setOperator(by);
    confirm.disabled = true;
    try {
      await send(by, reason.value.trim());
      dialog.close();
    } catch (failure) {
      replace(answer, problemBox(failure));
    } finally {
      confirm.disabled = false;
    }
  };
  const dialog = h('dialog', { class: 'decide', 'aria-labelledby': 'decide-title', close: () => dialog.remove() },
    h('form', { submit },
      h('h2', { id: 'decide-title' }, title), h('p', {}, what), also, name,
      h('label', { class: 'field' }, h('span', {}, 'Reason'), reason),
      h('p', { class: 'note', id: 'decide-kept' }, proven ? 'Your certificate proves the name; name and reason are kept in the ledger.' : 'Name and reason are kept in the ledger. This server authenticates nobody: give your own name.'),
      answer,
      h('div', { class: 'row end' }, h('button', { type: 'button', class: 'quiet', click: () => dialog.close() }, 'Do nothing'), confirm)));
  document.body.append(dialog);
  dialog.showModal();
  (scene.operator() ? reason : name.querySelector('input')!).focus();
}
