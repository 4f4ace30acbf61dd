import { z } from 'zod';
import { isHostName } from '../../lambdas/domain/host-name.ts';

// The texts that a configuration may hold: hosts, origins, addresses.

const EMAIL = /^[^@\s]+@([^@\s]+)$/;
const LOCAL_HOSTS = ['localhost', '127.0.0.1'];

export const EVENT_BUS = /^(arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[A-Za-z0-9._/-]{1,256}$/;

/** Destination of exported CloudWatch log lines. */
export const LOG_DESTINATION =
  /^arn:aws[a-z-]*:(firehose:[a-z0-9-]+:\d{12}:deliverystream\/[A-Za-z0-9_.-]{1,64}|logs:[a-z0-9-]+:\d{12}:destination:[^:*]{1,512})$/;

/** The characters that every service of the stack takes in tags. */
export const TAG_KEY = /^(?!aws:)[\p{L}\p{N} +\-=._:/@]{1,128}$/iu;
export const TAG_VALUE = /^[\p{L}\p{N} +\-=._:/@]{0,256}$/u;

export const hostName = () => z.string().toLowerCase().refine(isHostName);

export function isAlarmAddress(text: string): boolean {
  const host = EMAIL.exec(text)?.[1];
  if (host !== undefined) return isHostName(host.toLowerCase());
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

const isSecure = ({ protocol, hostname }: URL) =>
  protocol === 'https:' || (protocol === 'http:' && LOCAL_HOSTS.includes(hostname));

export function isExactOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return isSecure(url) && url.origin === text && !text.includes('*');
}

export function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return isSecure(url) && !url.search && !url.hash && !url.username && text.length <= 500;
}

export function isPlainOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, origin } = new URL(text);
  return /^https?:$/.test(protocol) && origin === text.replace(/\/$/, '');
}
