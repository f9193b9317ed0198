// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, createElement as h, type ReactElement, useState } from 'react';

/** Asks for the administrator's token once a tab. */
export function SignIn(props: {
  readonly isRefused: boolean;
  readonly onToken: (token: string) => void;
}): ReactElement {
  const [token, setToken] = useState('');
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (token.trim() !== '') props.onToken(token.trim());
  }
  return h(
    'main',
    { className: 'sign-in' },
    h(
      'form',
      { className: 'card', onSubmit: submit },
      h('h1', {}, 'Outrider'),
      h('p', { className: 'hint' }, 'What the fleet is doing, and the brake.'),
      h('label', { htmlFor: 'token' }, 'Administrator token'),
      h('input', {
        id: 'token',
        type: 'password',
        autoComplete: 'off',
        spellCheck: false,
        autoFocus: true,
        value: token,
        'aria-describedby': 'token-hint',
        'aria-invalid': props.isRefused,
        onChange: (event: { readonly currentTarget: HTMLInputElement }) => setToken(event.currentTarget.value),
      }),
      h(
        'p',
        { id: 'token-hint', className: 'hint' },
        'The text of the file ',
        h('code', {}, 'admin-token'),
        ' in the data folder of the server. It stays in this tab and is forgotten with it.',
      ),
      props.isRefused ? h('p', { className: 'refused', role: 'alert' }, 'The server does not know this token') : null,
      h('button', { type: 'submit', className: 'primary' }, 'Look'),
    ),
  );
}
