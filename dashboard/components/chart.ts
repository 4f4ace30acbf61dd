import { numberText, scaleOf } from '../values/numbers.ts';
import { type Child, h, svg } from './dom.ts';

/** One column of a chart. */
interface Bar {
  /** The tooltip. */
  readonly label: string;
  /** From the bottom up: the class that colours a part, and its height. */
  readonly parts: readonly (readonly [kind: string, value: number])[];
  /** The class of its cell in the strip below, for what would be too thin to see. */
  readonly mark?: string | undefined;
}

interface ChartOptions {
  /** The chart in one sentence, for screen readers. */
  readonly label: string;
  readonly bars: readonly Bar[];
  /** The labels under the left and the right end. */
  readonly ends: readonly [Child, Child];
}

const WIDTH = 10;
const HEIGHT = 120;
const STRIP = 8;

/** Returns stacked bars. A table beside them holds the numbers, because a chart alone is not accessible. */
export function stackedBars({ label, bars, ends }: ChartOptions): HTMLElement {
  const sums = bars.map(({ parts }) => parts.reduce((sum, [, value]) => sum + value, 0));
  const most = scaleOf(sums);
  const isCut = sums.some((sum) => sum > most);
  const withStrip = bars.some(({ mark }) => mark !== undefined);
  const groups = bars.map(({ label: text, parts, mark }, at) => {
    let y = HEIGHT;
    const rects = parts
      .filter(([, value]) => value > 0)
      .map(([kind, value]) => {
        const height = Math.min(y, (value / most) * HEIGHT);
        y -= height;
        return svg('rect', { class: kind, x: at * WIDTH + 1, y, width: WIDTH - 2, height });
      });
    const cut =
      (sums[at] ?? 0) > most && svg('rect', { class: 'cut', x: at * WIDTH + 1, y: 4, width: WIDTH - 2, height: 3 });
    const cell =
      mark && svg('rect', { class: mark, x: at * WIDTH + 1, y: HEIGHT + 4, width: WIDTH - 2, height: STRIP });
    const touch = svg('rect', { class: 'touch', x: at * WIDTH, y: 0, width: WIDTH, height: HEIGHT });
    return svg('g', {}, svg('title', {}, text), ...rects, cut, cell, touch);
  });
  const height = HEIGHT + (withStrip ? STRIP + 4 : 0);
  const picture = svg(
    'svg',
    {
      viewBox: `0 0 ${Math.max(1, bars.length) * WIDTH} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    },
    ...groups,
  );
  return h(
    'div',
    { class: 'chart' },
    h(
      'div',
      { class: 'scale', 'aria-hidden': 'true' },
      h('span', {}, `${numberText(most)}${isCut ? ' and more' : ''}`),
      h('span', {}, '0'),
    ),
    picture,
    h('div', { class: 'ends' }, h('span', {}, ends[0]), h('span', {}, ends[1])),
  );
}

/** Returns a bar for a table cell, beside the numbers it shows; its full width is `most`. */
export function inlineBar(parts: Bar['parts'], most: number): SVGElement {
  let x = 0;
  const rects = parts.map(([kind, value]) => {
    const width = (value / Math.max(1, most)) * 100;
    x += width;
    return svg('rect', { class: kind, x: x - width, y: 0, width, height: 10 });
  });
  return svg(
    'svg',
    { class: 'inline', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    ...rects,
  );
}

/** Factor above its limit up to which a bar is drawn. */
const ROOM = 1.5;

/** Returns a share as a bar for a table cell, with labelled limit lines; cuts it off above `most` plus room. */
export function limitBar(
  share: number,
  { lines, most, label }: { lines: readonly number[]; most: number; label: string },
  kind: string,
): HTMLElement {
  const at = (value: number) => Math.min(100, (value / (ROOM * most)) * 100);
  return h(
    'div',
    { class: 'limits' },
    svg(
      'svg',
      { class: 'inline', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('rect', { class: 'room', x: 0, y: 0, width: 100, height: 10 }),
      svg('rect', { class: kind, x: 0, y: 2, width: at(share), height: 6 }),
      ...lines.map((line) => svg('rect', { class: 'limit', x: at(line), y: 0, width: 1, height: 10 })),
    ),
    h('small', {}, label),
  );
}

interface LegendEntry {
  readonly kind: string;
  readonly name: string;
  readonly value: string;
}

/** Returns the legend: the colours by name, each with its number. */
export function legend(entries: readonly LegendEntry[]): HTMLElement {
  return h(
    'dl',
    { class: 'legend' },
    ...entries.map(({ kind, name, value }) =>
      h('div', {}, h('dt', {}, h('span', { class: `swatch ${kind}` }), name), h('dd', {}, value)),
    ),
  );
}
