import { type ConfigurationChoice, configOverlay } from '../../../../tools/local-ledger/config-overlay.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import { PLACEHOLDERS } from '../../../../tools/local-ledger/options/run-values.ts';

const overlaid = (more: Partial<ConfigurationChoice> = {}) =>
  configOverlay({ domains: ['mg.example.com'], reconcile: USUAL_RECONCILE, metricPeriodSeconds: 60, ...more }, [
    'http://localhost:5173',
  ]);

test('an override of the overlay is merged, with lists replaced', () => {
  const { reconcile, origins, processing } = overlaid({
    overlay: { reconcile: { source: 'logs' }, origins: ['http://localhost:1'], throttle: { read: { burst: 1 } } },
  });

  expect(reconcile).toMatchObject({
    source: 'logs',
    sliceSeconds: USUAL_RECONCILE.sliceSeconds,
    mailgunUrl: PLACEHOLDERS.twinUrl,
  });
  expect(origins).toEqual(['http://localhost:1']);
  expect(processing).toEqual(overlaid().processing);
});

test('publishing is set only by its own option', () => {
  const overlay = { publish: { enabled: false, retrySeconds: 1 } };

  expect(overlaid({ overlay, publish: { recipients: true } }).publish).toEqual({ enabled: true, recipients: true });
  expect(overlaid({ overlay }).publish).toEqual(overlay.publish);
  expect(overlaid()).not.toHaveProperty('publish');
});

test('two runs that choose the same have the same overlay, whatever their ports and times', () => {
  expect(overlaid()).toEqual(overlaid());
  expect(overlaid().origins).toEqual(['http://localhost:5173', PLACEHOLDERS.dashboardUrl]);
});
