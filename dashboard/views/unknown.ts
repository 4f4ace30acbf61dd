import { h } from '../components/dom.ts';
import { panel } from '../components/parts.ts';
import { linkTo, NAVIGATION } from '../route.ts';
import type { View } from '../view.ts';

/** Shows that an address has no view, and lists the views. */
export const unknownView: View = async () => ({
  title: 'There is no such page',
  content: [
    panel('There are these', ...NAVIGATION.map(([view, name]) => h('p', {}, h('a', { href: linkTo(view) }, name)))),
  ],
});
