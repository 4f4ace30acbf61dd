import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { createPostedKinds } from '../../../../../lambdas/reconcile/passes/posted-kinds.ts';
import { InMemoryBook } from '../../../../support/doubles/in-memory-reconcile.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

const KIND = 'routed-delivered';
const EVENT = parseEvent({ event: 'delivered' });

test.each([[[200, 100]], [[100, 200]]])(
  'of parts that note a kind at once, %p, the earliest time holds',
  async (times) => {
    const book = new InMemoryBook();
    const waiting: (() => void)[] = [];
    const kinds = createPostedKinds(
      {
        ledger: {
          readPostedKinds: (domain) => book.readPostedKinds(domain),
          async notePostedKind(...noted) {
            await new Promise<void>((resolve) => {
              waiting.push(resolve);
              if (waiting.length === times.length) for (const release of waiting) release();
            });
            await book.notePostedKind(...noted);
          },
        },
      },
      DOMAIN,
      undefined,
    );
    await Promise.all(times.map((atMs) => kinds.note(KIND, atMs)));
    expect(await Promise.all([99, 100].map((atMs) => kinds.isExpected(KIND, EVENT, atMs)))).toEqual([false, true]);
    expect(book.postedKinds.get(DOMAIN)?.get(KIND)).toEqual({ first: 100, last: 200 });
  },
);
