/** A curve; undefined x values are not drawn. */
interface Curve {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM] = [720, 260, 70, 40, 12, 36];
const TICKS = 4;

/** Returns curves over one time axis as SVG, each in the unit of the title. */
export function graph(title: string, xName: string, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const mostX = Math.max(...points.map(([x]) => x));
  const mostY = niceAbove(Math.max(...points.map(([, y]) => y)));
  const x = (value: number) => (LEFT + (value / mostX) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number) => (HEIGHT - BOTTOM - (value / mostY) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const ticks = Array.from({ length: TICKS + 1 }, (_, nth) => nth / TICKS);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...ticks.map((tick) => {
      const at = y(tick * mostY);
      const label = Math.round(tick * mostY).toLocaleString('en-US');
      return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${at}" text-anchor="end">${label}</text>`;
    }),
    ...ticks.map(
      (tick) =>
        `<text x="${x(tick * mostX)}" y="${HEIGHT - 18}" text-anchor="middle">${Number((tick * mostX).toFixed(1))}</text>`,
    ),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 3}" text-anchor="middle">${xName}</text>`,
    ...curves.map(({ points: own, colour }) => {
      const path = own.map(([px, py], nth) => `${nth === 0 ? 'M' : 'L'}${x(px)} ${y(py)}`).join('');
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    }),
    ...curves.map(({ name, colour }, nth) => `<text x="${LEFT + nth * 210}" y="20" fill="${colour}">${name}</text>`),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

/** Returns a round number above a value. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return ([1, 2, 4, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
