import { EVENTS_PER_MESSAGE, ordinaryMail } from '../../../../tools/bench/traffic-mix.ts';

const COUNT = 20_000;
const mail = () => [...ordinaryMail(COUNT, 'mg.example.com', 1, () => 1_770_000_000_000)];

test('a seed reproduces the mail, with each event once', () => {
  const events = mail();
  expect(mail()).toEqual(events);
  expect(new Set(events.map(({ id }) => id)).size).toBe(COUNT);
});

test('the shares are those of the page', () => {
  const events = mail();
  const share = (type: string) => (events.filter(({ event }) => event === type).length / COUNT) * EVENTS_PER_MESSAGE;
  for (const [type, wanted] of [
    ['accepted', 1],
    ['delivered', 0.98],
    ['opened', 0.55],
    ['clicked', 0.06],
  ] as const) {
    expect(Math.abs(share(type) - wanted)).toBeLessThan(0.03);
  }
});
