// The part of the browser's document that the dashboard's views use, so that a unit test can read their text.

class TextNode {
  parts: (TextNode | string)[] = [];
  readonly attributes: Record<string, string> = {};

  append(...parts: (TextNode | string)[]) {
    this.parts.push(...parts);
  }
  replaceChildren(...parts: (TextNode | string)[]) {
    this.parts = parts;
  }
  setAttribute(name: string, value: string) {
    this.attributes[name] = value;
  }
  addEventListener() {}
  set textContent(text: string) {
    this.parts = [text];
  }
  get textContent(): string {
    const labels = ['aria-label', 'placeholder', 'title'].map((name) => this.attributes[name] ?? '');
    return [...labels, ...this.parts.map((part) => (typeof part === 'string' ? part : part.textContent))].join(' ');
  }
}

/** Installs the document; returns a function that removes it. */
export function installTextDom(): () => void {
  const globals = { Node: TextNode, document: { createElement, createElementNS: createElement } };
  const earlier = Object.keys(globals).map((name) => [name, Reflect.get(globalThis, name)] as const);
  Object.assign(globalThis, globals);
  return () => Object.assign(globalThis, Object.fromEntries(earlier));
}

const createElement = () => new TextNode();

/** Returns a view's text, labels for screen readers included. */
export function textOf(shown: unknown): string {
  if (shown === null || shown === undefined || shown === false) return '';
  if (Array.isArray(shown)) return shown.map(textOf).join(' ');
  return shown instanceof TextNode ? shown.textContent : String(shown);
}
