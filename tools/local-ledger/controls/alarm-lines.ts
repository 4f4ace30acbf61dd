import { parseAlarmDescription } from '../../../lambdas/domain/alarm-description.ts';
import type { AlarmNews } from '../../local-stack/alarms/start-alarms.ts';

/** Returns the console lines for an alarm's state change. */
export function alarmLines({ name, description, to, atMs, fromSinceMs }: AlarmNews): string[] {
  const at = new Date(atMs).toISOString().slice(11, 19);
  const text = parseAlarmDescription(description);
  if (to !== 'ALARM') {
    const after = fromSinceMs === undefined ? '' : ` after ${duration(atMs - fromSinceMs)}`;
    return [`  ✔  ${at}  ${name} is ${to}${after}${text === undefined ? '' : `: ${text.recovered}`}`];
  }
  if (text === undefined) return [`  ✖  ${at}  ${name} is ${to}`];
  const explains = text.explains.length === 0 ? [] : [detail('explains', text.explains.join(', '))];
  return [
    `  ✖  ${at}  ${name} is ${to}: ${text.happened}`,
    detail('impact', text.impact),
    ...explains,
    detail('runbook', text.runbook),
    detail('first', text.first),
  ];
}

const detail = (label: string, text: string) => `     ${label.padEnd(8)}  ${text}`;

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
