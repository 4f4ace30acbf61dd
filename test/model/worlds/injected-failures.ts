import { CRASH_MOMENTS, type InjectedFailure } from '../../support/doubles/crashable-invocation.ts';
import fc from '../../support/property.ts';

/** Returns failures at one of the first calls, up to this one counted from 0, or none. */
export const injectedFailure = (lastCall: number) =>
  fc.option(
    fc.record<InjectedFailure>({
      call: fc.nat(lastCall),
      moment: fc.constantFrom(...CRASH_MOMENTS),
      kind: fc.constantFrom('crash', 'fault'),
    }),
    { nil: undefined },
  );
