import { h } from './components/dom.ts';
import { field, goForm, textIn } from './components/form.ts';
import type { Session, Settings } from './session.ts';

/** Returns the form for the token, and for the API's address if the page does not know it. */
export function signIn(settings: Settings, onSignedIn: (session: Session) => void, apiUrl = ''): HTMLElement {
  const input = (name: string, type: string, value = '') =>
    h('input', { name, type, value, required: true, autocomplete: 'off', spellcheck: 'false' });
  const form = goForm(
    'Read the ledger',
    (values) => {
      onSignedIn({
        apiUrl: settings.apiUrl ?? textIn(values, 'api').replace(/\/$/, ''),
        token: textIn(values, 'token'),
      });
      return window.location.hash;
    },
    settings.apiUrl === undefined && field('Address of the read API', input('api', 'url', apiUrl)),
    field('Token', input('token', 'password')),
  );
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, 'Token of the read API'),
    form,
    h(
      'p',
      { class: 'note' },
      'It is kept until this tab is closed, and never appears in a link. The stack’s output ',
      h('code', {}, 'ApiTokenSecretArn'),
      ' names the secret that holds it.',
    ),
  );
}
