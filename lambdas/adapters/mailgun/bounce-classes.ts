import type { JsonObject } from '../../domain/json.ts';
import { ListingError, type MailgunClasses } from '../../reconcile/ports.ts';
import { rfc2822 } from './mailgun-apis.ts';
import { baseUrlOf, type MailgunAccess, requestMailgun } from './mailgun-client.ts';
import { CLASSIFIED_FAILURES, type ListedClass, readClassesPage } from './replies.ts';

export const CLASSES_PATH = '/v2/bounce-classification/metrics';
/** Mailgun's maximum per page. */
const CLASSES_PER_PAGE = 50;
const MAX_PAGES = 5;

export interface ClassesQuery {
  /** Epoch seconds; `to` is excluded. */
  from: number;
  to: number;
  dimensions: readonly string[];
  /** Fields that every failure has, by attribute. */
  of: Readonly<Record<string, string>>;
  skip?: number;
}

/** Returns the body of a request for a page of classes. */
export function classesRequest({ from, to, dimensions, of, skip = 0 }: ClassesQuery) {
  return {
    start: rfc2822(from),
    end: rfc2822(to - 1),
    resolution: 'day',
    dimensions,
    metrics: [CLASSIFIED_FAILURES],
    filter: {
      AND: Object.entries(of).map(([attribute, value]) => ({
        ...{ attribute, comparator: '=' },
        values: [{ label: value, value }],
      })),
    },
    include_subaccounts: false,
    pagination: { sort: 'entity-name:asc', skip, limit: CLASSES_PER_PAGE },
  };
}

/**
 * Creates a client of Mailgun's Bounce Classification (`POST /v2/bounce-classification/metrics`), which not every plan
 * includes.
 */
export function createMailgunClasses(access: MailgunAccess): MailgunClasses {
  return {
    async ofDomain({ name, region }, { from, to }, deadlineMs) {
      const url = baseUrlOf(access, region) + CLASSES_PATH;
      const rows: ListedClass[] = [];
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const query = { from, to, dimensions: ['entity-name', 'category', 'severity'], of: { 'domain.name': name } };
        const absent: JsonObject = {};
        const body = await requestMailgun(
          access,
          url,
          {
            method: 'POST',
            body: JSON.stringify(classesRequest({ ...query, skip: page * CLASSES_PER_PAGE })),
            headers: { 'content-type': 'application/json' },
          },
          // The next day makes up for a call that failed.
          { deadlineMs, maxAttempts: 1, absent },
        );
        if (body === absent) return undefined;
        const found = readClassesPage(body);
        if (found === undefined) throw new ListingError('malformed');
        rows.push(...found.classes);
        const isLast = found.total === undefined ? found.classes.length < CLASSES_PER_PAGE : rows.length >= found.total;
        if (isLast) return { rows, isWhole: true };
        if (found.classes.length === 0) break;
      }
      return { rows, isWhole: false };
    },
  };
}
