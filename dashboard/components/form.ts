import { type Child, h } from './dom.ts';

/** Returns a label over its field. */
export function field(label: string, input: HTMLElement): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}

export function select(name: string, options: readonly (readonly [value: string, text: string])[], chosen: string) {
  return h(
    'select',
    { name },
    ...options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  );
}

/** Returns a form that leads to an address and sends nothing. */
export function goForm(label: string, address: (values: FormData) => string, ...children: Child[]): HTMLFormElement {
  const form: HTMLFormElement = h(
    'form',
    {
      class: 'go',
      submit: (event) => {
        event.preventDefault();
        window.location.hash = address(new FormData(form));
      },
    },
    ...children,
    h('button', { type: 'submit' }, label),
  );
  return form;
}

/** Returns the trimmed value of a form's field. */
export const textIn = (values: FormData, name: string): string => String(values.get(name) ?? '').trim();
