import { type Attributes, type Child, h } from './dom.ts';

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

/** Returns options that read like their values. */
export const sameText = (values: readonly string[]) => values.map((value) => [value, value] as const);

export function dateInput(name: string, value: string, more: Attributes = {}): HTMLInputElement {
  return h('input', { type: 'date', name, value, ...more });
}

/** Returns a form that leads to an address and sends nothing. */
export function goForm(label: string, address: (values: FormData) => string, ...children: Child[]): HTMLFormElement {
  const form: HTMLFormElement = h(
    'form',
    {
      class: 'go',
      submit: (event) => {
        event.preventDefault();
        const shown = window.location.hash;
        window.location.hash = address(new FormData(form));
        // The browser fires no event for an unchanged address, which whoever submits it again wants to be read again.
        if (window.location.hash === shown) window.dispatchEvent(new HashChangeEvent('hashchange'));
      },
    },
    ...children,
    h('button', { type: 'submit' }, label),
  );
  return form;
}

/** Returns the trimmed value of a form's field. */
export const textIn = (values: FormData, name: string): string => String(values.get(name) ?? '').trim();

/** Returns the trimmed values of several fields by name. */
export const textsIn = <Name extends string>(values: FormData, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, textIn(values, name)])) as Record<Name, string>;
