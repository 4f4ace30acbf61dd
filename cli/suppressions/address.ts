import { WrongInput } from '../wrong-input.ts';

/** The address as it was typed, if it is one. */
export function checkAddress(address: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(address)) return address;
  throw new WrongInput(`"${address}" is no address like ada@example.org`);
}
