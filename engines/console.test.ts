// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startChromium } from './browser/chromium.ts';
import { type Demonstration, startDemonstration } from './browser/demonstration.ts';
import { ENGINES_FOLDER } from './engines-folder.ts';
import { fromNpm } from './from-npm.ts';

/** The page as a person sees it: a real Chromium before a real server with a fleet. The tests go on where the one before ended. */
const SCREENS = join(ENGINES_FOLDER, 'screens');
const DESKTOP = { viewport: { width: 1280, height: 900 }, locale: 'en-GB', timezoneId: 'UTC' } as const;
const PHONE = { viewport: { width: 390, height: 844 }, locale: 'en-GB', timezoneId: 'UTC', isMobile: true } as const;
/** What a stranger might write where a person writes a reason. */
const HOSTILE = `<script>document.title='stolen'</script><img src=x onerror="document.title='stolen'">`;
/** A good release reaches its fleet and a bad one is halted in one to three minutes of two busy cores. */
const STORY_MS_MAX = 420_000;
const LOOK_MS_MAX = 30_000;

let browser: Browser;
let demonstration: Demonstration;
let page: Page;
/** Faults that the browser told, and requests to anybody but our server. */
const complaints: string[] = [];

before(async () => {
  mkdirSync(SCREENS, { recursive: true });
  browser = await startChromium();
  demonstration = await startDemonstration();
  page = await open(DESKTOP);
});

after(async () => {
  await browser?.close();
  await demonstration?.stop();
});

async function open(options: BrowserContextOptions): Promise<Page> {
  const opened = await (await browser.newContext(options)).newPage();
  opened.setDefaultTimeout(LOOK_MS_MAX);
  opened.on('pageerror', (cause) => complaints.push(cause.message));
  opened.on('console', (message) => {
    // A server that is away and a token that is refused are no faults of the page, though the browser notes each.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  opened.on('request', (request) => {
    if (!request.url().startsWith(`${demonstration.url}/`)) complaints.push(`asked ${request.url()}`);
    if (request.url().includes(demonstration.token)) complaints.push('the token stands in an address');
  });
  await opened.goto(`${demonstration.url}/`);
  return opened;
}

async function signIn(opened: Page, token: string): Promise<void> {
  await opened.getByLabel('Administrator token').fill(token);
  await opened.keyboard.press('Enter');
}

async function api(path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${demonstration.token}` };
  return (await fetch(`${demonstration.url}/api/v1${path}`, { headers })).json();
}

/** Permits given so far, over all rollouts, as the ledger has it. */
async function grantedNow(): Promise<number> {
  const overview = await api('/overview');
  assert.ok(isOverview(overview));
  return overview.rollouts.reduce((sum, one) => sum + (one.exposure?.granted ?? 0), 0);
}

interface SeenOverview {
  readonly pausedScopes: readonly string[];
  readonly rollouts: readonly { readonly exposure?: { readonly granted: number } }[];
}

function isOverview(value: unknown): value is SeenOverview {
  return typeof value === 'object' && value !== null && 'rollouts' in value && 'pausedScopes' in value;
}

const rollout = (version: string) => page.locator('.rollout', { hasText: `to-${version}` });
const screen = (opened: Page, name: string, fullPage = false) =>
  opened.screenshot({ path: join(SCREENS, `${name}.png`), fullPage });

test('a wrong token is refused in words, the right one opens the page, and it stays out of every address', async () => {
  await signIn(page, 'a-wrong-token');
  await page.getByText('The server does not know this token').waitFor();
  await screen(page, 'sign-in');
  await signIn(page, demonstration.token);
  await page.getByText('Live', { exact: true }).waitFor();
});

test('a person signs in by name at the development issuer, without a script or a frame, and signs out again', async () => {
  const opened = await open(DESKTOP);
  await opened.getByRole('link', { name: 'Sign in' }).click();
  await opened.getByLabel('Who you are').selectOption('grace');
  await screen(opened, 'development-issuer');
  await opened.getByLabel('Password').fill(demonstration.developmentPassword);
  await opened.keyboard.press('Enter');
  await opened.getByText('Live', { exact: true }).waitFor();
  const cookies = await opened.context().cookies();
  const session = cookies.find((one) => one.name === 'outrider-session');
  assert.deepEqual([session?.httpOnly, session?.sameSite], [true, 'Strict']);
  assert.equal(await opened.evaluate('document.cookie + JSON.stringify(sessionStorage)'), '{}');
  await opened.getByTitle('You are grace').click();
  await opened.getByRole('link', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await breachesOn(opened), []);
  await opened.context().close();
});

test('the page may load nothing from elsewhere, run nothing inline, and stand in no frame', async () => {
  const { headers } = await fetch(`${demonstration.url}/`);
  const policy = headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|data:|\*/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('referrer-policy'), 'no-referrer');
});

test('a rollout goes on before the eyes of who watches, without a reload', { timeout: STORY_MS_MAX }, async () => {
  await rollout('1.1.0').getByText('Running').waitFor({ timeout: STORY_MS_MAX });
  const verified = rollout('1.1.0').locator('.count', { hasText: 'verified' }).locator('dd');
  while (Number.parseInt((await verified.textContent()) ?? '0', 10) < 5) await elapse(200);
});

test('a pause from the page stops permits for good, and hostile words in its reason stay words', async () => {
  await page.getByRole('button', { name: 'Pause everything' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason, for the record').fill(HOSTILE);
  await dialog.getByRole('button', { name: 'Pause everything' }).click();
  await dialog.getByText(/No device holds a permit|may still install until/).waitFor();
  const granted = await grantedNow();
  await screen(page, 'receipt');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('heading', { name: 'Everything is paused' }).waitFor();
  await page.getByText(HOSTILE).waitFor();
  await screen(page, 'paused');
  await elapse(4_000);
  assert.equal(await grantedNow(), granted, 'permits came into being after the pause had returned');
  assert.equal(await page.title(), 'Outrider');
});

test('who resumes says why, and permits come again', { timeout: STORY_MS_MAX }, async () => {
  const granted = await grantedNow();
  await page.getByRole('button', { name: 'Resume everything' }).click();
  const dialog = page.getByRole('dialog');
  assert.equal(await dialog.getByRole('button', { name: 'Resume' }).isDisabled(), true);
  await dialog.getByLabel('Reason, for the record').fill('It was a drill');
  await dialog.getByRole('button', { name: 'Resume' }).click();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Pause everything' }).waitFor();
  while ((await grantedNow()) <= granted) await elapse(200);
});

test('a bad release is seen to halt, with the reason in plain words and its evidence over the threshold', {
  timeout: STORY_MS_MAX,
}, async () => {
  await rollout('1.2.0')
    .getByText(/Halted|Rolling back|Rolled back/)
    .waitFor({ timeout: STORY_MS_MAX });
  await screen(page, 'halted', true);
  await rollout('1.2.0').getByRole('link').first().click();
  await page.locator('.over').first().waitFor();
  await page.locator('.chart canvas').first().waitFor();
  await elapse(500);
  await screen(page, 'rollout', true);
  await page.getByRole('button', { name: 'Where is every device, and why?' }).click();
  await page.getByRole('group', { name: 'Devices by cause' }).waitFor();
});

test('the page fits a phone, and is dark where the person wants it so', async () => {
  const phone = await open(PHONE);
  await signIn(phone, demonstration.token);
  await phone.locator('.glance').waitFor();
  await screen(phone, 'phone', true);
  const dark = await open({ ...DESKTOP, colorScheme: 'dark' });
  await signIn(dark, demonstration.token);
  await dark.locator('.rollout').first().waitFor();
  await screen(dark, 'dark', true);
  for (const opened of [phone, dark]) {
    for (const place of ['/', `/rollouts/camera-r1-to-1.2.0`]) {
      await opened.evaluate(`location.hash = ${JSON.stringify(place)}`);
      await elapse(1_500);
      const excess: unknown = await opened.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok(typeof excess === 'number' && excess <= 0, `${place} is ${excess} pixels too wide`);
    }
    await screen(opened, opened === phone ? 'phone-rollout' : 'dark-rollout', true);
  }
  assert.deepEqual([...(await breachesOn(phone)), ...(await breachesOn(dark))], []);
  await phone.context().close();
  await dark.context().close();
});

test('nothing on the page keeps anybody out: names, contrast and order as axe finds them', async () => {
  assert.deepEqual(await breachesOn(page), []);
  await page.getByRole('link', { name: 'Outrider' }).click();
  await page.locator('.glance').waitFor();
  assert.deepEqual(await breachesOn(page), []);
});

/** Breaches of WCAG 2.2 A and AA. */
async function breachesOn(opened: Page): Promise<readonly string[]> {
  const axe = readFileSync(join(await fromNpm('axe-core', '4.14.1'), 'axe.min.js'), 'utf8');
  await opened.evaluate(axe);
  const run = `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    .then(({ violations }) => violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html).slice(0, 3).join(' | ')))`;
  const found: unknown = await opened.evaluate(run);
  assert.ok(Array.isArray(found));
  return found.map(String);
}

test('when the server dies the page says since when it is stale, and recovers by itself', {
  timeout: 240_000,
}, async () => {
  demonstration.killServer();
  await page
    .getByRole('alert')
    .filter({ hasText: /Stale since \d\d:\d\d:\d\d UTC/ })
    .waitFor();
  assert.equal(await page.getByText('Live', { exact: true }).count(), 0);
  await screen(page, 'stale');
  await demonstration.startServerAgain();
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
  await page.locator('.rollout').first().waitFor();
});

test('all the while the browser had nothing to complain of, and nobody else was asked for anything', () => {
  assert.deepEqual(complaints, []);
});
