// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, createElement as h, type ReactElement, useState } from 'react';

/** The way in: by name at the issuer, or, where there is none and in emergencies, with the administrator's token. */
export function SignIn(props: {
  readonly hasIssuer: boolean;
  readonly fault?: string;
  readonly onToken: (token: string) => void;
}): ReactElement {
  const { hasIssuer, fault } = props;
  const [token, setToken] = useState('');
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (token.trim() !== '') props.onToken(token.trim());
    setToken('');
  }
  return h(
    'main',
    { className: 'sign-in' },
    h(
      'form',
      { className: 'card', onSubmit: submit },
      h('h1', {}, 'Outrider'),
      h('p', { className: 'hint' }, 'What the fleet is doing, and the brake.'),
      hasIssuer ? h('a', { className: 'primary sign-in-link', href: '/sign-in' }, 'Sign in') : null,
      hasIssuer ? h('p', { className: 'hint' }, 'In an emergency, or on the first day:') : null,
      h('label', { htmlFor: 'token' }, 'Administrator token'),
      h('input', {
        id: 'token',
        type: 'password',
        autoComplete: 'off',
        spellCheck: false,
        autoFocus: !hasIssuer,
        value: token,
        'aria-describedby': 'token-hint',
        'aria-invalid': fault !== undefined,
        onChange: (event: { readonly currentTarget: HTMLInputElement }) => setToken(event.currentTarget.value),
      }),
      h(
        'p',
        { id: 'token-hint', className: 'hint' },
        'The text of the file ',
        h('code', {}, 'admin-token'),
        ' of the server. It opens a session of an hour, and all that is done in it is recorded as such.',
      ),
      fault === undefined ? null : h('p', { className: 'refused', role: 'alert' }, fault),
      h('button', { type: 'submit', className: hasIssuer ? 'plain' : 'primary' }, 'Look'),
    ),
  );
}
