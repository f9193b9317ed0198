// SPDX-License-Identifier: Apache-2.0
import type { Overview } from '@outrider/protocol/decision/overview';
import { Fragment, createElement as h, type ReactElement, useEffect, useMemo, useState } from 'react';
import { timeText, type Zone, zoneText } from '../figures/format.ts';
import { type Freshness, freshnessOf } from '../live/contact.ts';
import { type Management, management } from '../live/management.ts';
import { parseExclusions, parseFreezes } from '../live/rollout-answer.ts';
import { breakGlass, loadSession, type Session } from '../live/session.ts';
import { useAsked } from '../live/use-asked.ts';
import { useOverview } from '../live/use-overview.ts';
import { usePauseNote } from '../live/use-pause-note.ts';
import { Settings, useNow, usePlace, type World } from '../world.ts';
import { type BrakeAction, BrakeDialog } from './brake.ts';
import { FreshnessBadge, FreshnessBanner } from './freshness-banner.ts';
import { OverviewPage } from './overview-page.ts';
import { Empty, Instant } from './pieces.ts';
import { RolloutPage } from './rollout-page.ts';
import { SignIn } from './sign-in.ts';
import { StandingOrderList } from './standing-orders.ts';

/** The page: sign in once, then watch, and brake. */
export function App({ world }: { readonly world: World }): ReactElement {
  const [session, setSession] = useState<Session>({ kind: 'asking' });
  const csrfToken = session.kind === 'present' ? session.csrfToken : undefined;
  const own = useMemo(
    () => (csrfToken === undefined ? undefined : management(csrfToken, world.fetch)),
    [csrfToken, world],
  );
  const watched = useOverview(world, own);
  const { contact } = watched;

  useEffect(() => void loadSession(world.fetch).then(setSession), [world]);

  // A session that never worked is asked for again; one that has ended leaves its page standing, marked as stale.
  useEffect(() => {
    if (contact.fault !== 'token-refused' || contact.heardAtMs !== undefined) return;
    void loadSession(world.fetch).then(setSession);
  }, [world, contact]);

  async function signIn(token: string): Promise<void> {
    const fault = await breakGlass(world.fetch, token);
    const next = await loadSession(world.fetch);
    setSession(next.kind === 'none' && fault !== undefined ? { ...next, fault } : next);
  }

  async function signOut(): Promise<void> {
    await own?.post('/session/end', {});
    setSession(await loadSession(world.fetch));
  }

  if (session.kind === 'asking') return h(Empty, {}, 'Looking who you are.');
  if (session.kind === 'none' || own === undefined) {
    const shown = session.kind === 'none' ? session : { hasIssuer: false };
    return h(SignIn, { ...shown, onToken: (token: string) => void signIn(token) });
  }
  return h(Watching, {
    world,
    management: own,
    personId: session.personId,
    onSignOut: () => void signOut(),
    contact,
    ...(watched.overview === undefined ? {} : { overview: watched.overview }),
  });
}

interface WatchingProps {
  readonly world: World;
  readonly management: Management;
  readonly personId: string;
  readonly overview?: Overview;
  readonly contact: Parameters<typeof freshnessOf>[0];
  readonly onSignOut: () => void;
}

function Watching({ world, management: own, personId, overview, contact, onSignOut }: WatchingProps): ReactElement {
  const nowMs = useNow(world);
  const [zone, setZone] = useState<Zone>(world.zone.load() === 'local' ? 'local' : 'utc');
  const [brake, setBrake] = useState<BrakeAction>();
  const freshness = freshnessOf(contact, overview, nowMs);

  function toggleZone(): void {
    const next = zone === 'utc' ? 'local' : 'utc';
    world.zone.store(next);
    setZone(next);
  }

  return h(
    Settings.Provider,
    { value: { zone } },
    h(Header, {
      freshness,
      zone,
      nowMs,
      personId,
      toggleZone,
      onSignOut,
      onBrake: setBrake,
      ...(overview === undefined ? {} : { overview }),
    }),
    h(FreshnessBanner, { freshness, nowMs }),
    h(
      'main',
      { className: freshness.kind === 'live' ? '' : 'is-stale' },
      overview === undefined
        ? h(Empty, {}, 'Waiting for the first figures.')
        : h(Place, { world, management: own, overview, onBrake: setBrake }),
    ),
    brake === undefined ? null : h(BrakeDialog, { action: brake, management: own, onClose: () => setBrake(undefined) }),
  );
}

interface HeaderProps {
  readonly overview?: Overview;
  readonly freshness: Freshness;
  readonly zone: Zone;
  readonly nowMs: number;
  readonly personId: string;
  readonly toggleZone: () => void;
  readonly onSignOut: () => void;
  readonly onBrake: (action: BrakeAction) => void;
}

function Header({
  overview,
  freshness,
  zone,
  nowMs,
  personId,
  toggleZone,
  onSignOut,
  onBrake,
}: HeaderProps): ReactElement {
  const isPaused = overview?.pausedScopes.includes('global') ?? false;
  const target = { kind: 'scope', scope: 'global' } as const;
  return h(
    'header',
    { className: 'top' },
    h('a', { className: 'brand', href: '#/' }, 'Outrider'),
    h(FreshnessBadge, { freshness }),
    overview === undefined
      ? null
      : h(
          'span',
          { className: 'clock' },
          h('span', { className: 'quiet' }, overview.isConducted ? 'fleet time, stepped ' : 'fleet time '),
          h(Instant, { at: overview.at }),
        ),
    h('span', { className: 'spacer' }),
    h(
      'button',
      {
        type: 'button',
        className: 'plain',
        onClick: toggleZone,
        title: `It is ${timeText(nowMs, zone)} on this machine`,
      },
      `Times in ${zoneText(nowMs, zone)}`,
    ),
    h('button', { type: 'button', className: 'plain', onClick: onSignOut, title: `You are ${personId}` }, 'Sign out'),
    isPaused
      ? h(
          'button',
          { type: 'button', className: 'primary', onClick: () => onBrake({ target, verb: 'resume' }) },
          'Resume everything',
        )
      : h(
          'button',
          { type: 'button', className: 'danger', onClick: () => onBrake({ target, verb: 'pause' }) },
          'Pause everything',
        ),
  );
}

interface PlaceProps {
  readonly world: World;
  readonly management: Management;
  readonly overview: Overview;
  readonly onBrake: (action: BrakeAction) => void;
}

/** Orders over all rollouts change a few times a week. */
const ASK_ORDERS_MS = 10_000;

/** One page for all, and one for each rollout. */
function Place(props: PlaceProps): ReactElement {
  const { world, management: own, overview } = props;
  const place = usePlace(world);
  const pause = usePauseNote(own, overview);
  const rolloutId = rolloutIn(place);
  const how = { world, management: own, everyMs: ASK_ORDERS_MS };
  const freezes = useAsked({ ...how, path: '/freezes', parse: parseFreezes }).value?.items ?? [];
  const exclusions = useAsked({ ...how, path: '/exclusions', parse: parseExclusions }).value?.items ?? [];
  const orders = h(StandingOrderList, { freezes, exclusions, now: overview.at });
  if (rolloutId === undefined) {
    const page = h(OverviewPage, { overview, ...(pause === undefined ? {} : { pause }) });
    return h(Fragment, {}, page, h('div', { className: 'page' }, orders));
  }
  const rollout = overview.rollouts.find((one) => one.rolloutId === rolloutId);
  if (rollout === undefined) {
    return h(
      Empty,
      {},
      'This rollout is not among those that are shown here. ',
      h('a', { href: '#/' }, 'All rollouts'),
      ' or ',
      h('code', {}, 'outrider rollout show'),
    );
  }
  return h(
    Fragment,
    {},
    h(RolloutPage, { ...props, rollout, key: rolloutId }),
    h('div', { className: 'page' }, orders),
  );
}

/** `/rollouts/<id>`, percent-encoded; anything else is the first page. */
export function rolloutIn(place: string): string | undefined {
  const text = /^\/rollouts\/([^/]+)$/.exec(place)?.[1];
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) return undefined;
    throw cause;
  }
}
