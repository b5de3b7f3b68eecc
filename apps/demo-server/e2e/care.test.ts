import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answered,
  launch,
  missing,
  open,
  type RunningServer,
  seriousFindings,
  startServer,
  tokensOf,
} from './harness.js';

const why = missing === undefined ? '' : ` (skipped: ${missing})`;
const views = Object.keys(answered);

describe.skipIf(missing !== undefined)(`the page for everybody${why}`, () => {
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer({ withModels: true }), launch()]);
    const folder = join(server.watch, 'run');
    mkdirSync(folder);
    const lines = Array.from({ length: 30 }, (_, i) => ({
      step: i + 1,
      loss: 3 - i / 20,
      learning_rate: 1e-4,
    }));
    const evaluation = { step: 30, eval_loss: 1.7 };
    const text = [...lines, evaluation].map((line) => JSON.stringify(line)).join('\n');
    writeFileSync(join(folder, 'train.jsonl'), `${text}\n`);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it.each(views)(
    '%s: axe finds nothing serious, light and dark, wide and on a phone, which it fits',
    async (view) => {
      const { page, close } = await open(browser, server.address, view, { colorScheme: 'light' });
      await page.getByRole('combobox').waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await answered[view]!(page);
      const option = tokensOf(page).nth(2);
      if ((await option.count()) > 0) await option.click();
      expect(await seriousFindings(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      for (const link of await page.getByRole('navigation').getByRole('link').all()) {
        const box = (await link.boundingBox())!;
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(360);
        expect(box.height).toBeGreaterThanOrEqual(44); // large enough for a thumb
      }
      expect(await seriousFindings(page)).toEqual([]);
      await close();
    },
  );

  it('fits a screen that shrinks before its charts are drawn anew', async () => {
    const { page, close } = await open(browser, server.address, 'training');
    // Sizes are told once, and then no more: what is on the page between a change and its drawing stays.
    await page.addInitScript(`ResizeObserver = class extends ResizeObserver {
      constructor(tell) { super((entries, self) => { tell(entries, self); self.disconnect(); }); }
    }`);
    await page.reload();
    await answered.training!(page);
    await page.locator('.chart-plot svg').first().waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    expect(Number(await page.locator('.chart-plot svg').first().getAttribute('width'))).toBeGreaterThan(360);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await close();
  });

  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

  it('opens the alternatives of a token that is tapped, over the foot of the page', async () => {
    const { page, close } = await open(browser, server.address, 'generate', phone);
    await page.getByRole('slider', { name: 'Temperature' }).fill('0');
    // By touch alone: a mouse that rests on a token would go on pointing at it.
    await page.getByRole('button', { name: 'Write' }).tap();
    await page.getByText('Answered by').waitFor();
    await tokensOf(page).nth(4).tap();
    await page.locator('#written-4[aria-selected=true]').waitFor(); // a tap becomes a click a moment later
    const drawer = page.getByRole('complementary', { name: 'Alternatives' });
    const { y, height } = (await drawer.boundingBox())!;
    const nav = (await page.getByRole('navigation').boundingBox())!;
    expect(y).toBeGreaterThan(0);
    expect(y + height).toBeLessThanOrEqual(nav.y + 1);
    await drawer.getByRole('button', { name: 'Close' }).tap();
    await drawer.getByRole('button', { name: 'Close' }).waitFor({ state: 'detached' });
    await close();
  });

  it('takes the theme that is chosen, and keeps it', async () => {
    const { page, close } = await open(browser, server.address, 'tokens', { colorScheme: 'light' });
    const paper = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await paper();
    await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await paper()).toBe(dark);
    await page.getByRole('radio', { name: 'Auto' }).check({ force: true });
    expect(await paper()).toBe(light);
    await close();
  });

  it('goes from the address line to an answer by keyboard alone', async () => {
    const { page, close } = await open(browser, server.address, 'attention');
    await page.getByRole('combobox', { name: 'Model' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab'); // the model
    await page.keyboard.press('Tab'); // the text
    await page.keyboard.press('Tab'); // the button
    await page.keyboard.press('Enter');
    await page.getByText('Answered by').waitFor();
    await close();
  });
});

describe.skipIf(missing !== undefined)(`the page when something is amiss${why}`, () => {
  const apiKeys = ['a-key-for-this-test'];
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer({ apiKeys }), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it('asks for the key, and then says which models to start', async () => {
    const { page, close } = await open(browser, server.address, 'generate');
    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByLabel('API key').fill(apiKeys[0]!);
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByText('No model here writes text').waitFor();
    expect(await page.getByText('weft serve --model').isVisible()).toBe(true);
    await page.getByRole('link', { name: 'Training' }).click();
    await page.getByText('No run yet').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await close();
  });

  it('says that the server is away, and finds it again', async () => {
    const { page, close } = await open(browser, server.address, 'sentiment');
    await page.route('**/v1/models', (route) => route.abort());
    await page.reload();
    await page.getByText('The server does not answer.').waitFor();
    expect(await page.getByText('Start it with “weft serve”').isVisible()).toBe(true);
    expect(await seriousFindings(page)).toEqual([]);
    await page.unroute('**/v1/models');
    await page.route('**/v1/models', (route) => route.fulfill({ json: { data: [sorter] } }));
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Judge' }).waitFor();
    await close();
  });

  const sorter = { id: 'sorter', weft: { state: 'ready', tasks: [], explain: ['sentiment', 'generate'] } };

  it('says how long to wait when the server is full', async () => {
    const { page, close } = await open(browser, server.address, 'sentiment');
    await page.route('**/v1/models', (route) => route.fulfill({ json: { data: [sorter] } }));
    const body = { error: { message: 'the queue is full', code: 'queue_full' } };
    await page.route('**/explain/sentiment', (route) =>
      route.fulfill({ status: 429, headers: { 'retry-after': '3' }, json: body }),
    );
    await page.reload();
    await page.getByRole('button', { name: 'Judge' }).click();
    await page.getByText('The queue is full.').waitFor();
    expect(await page.getByText('Try again in 3 s.').isVisible()).toBe(true);
    await close();
  });

  it('keeps what was written when the worker is lost in the middle', async () => {
    const { page, close } = await open(browser, server.address, 'generate');
    await page.route('**/v1/models', (route) => route.fulfill({ json: { data: [sorter] } }));
    const events = [
      'event: start\ndata: {"model":"sorter","random":false,"prompt":[]}',
      'event: token\ndata: {"index":0,"id":1,"text":" once","probability":0.5,"alternatives":[]}',
      'event: error\ndata: {"error":{"message":"the worker was lost","code":"worker_lost"}}',
    ];
    await page.route('**/explain/generate', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: `${events.join('\n\n')}\n\n` }),
    );
    await page.reload();
    await page.getByRole('button', { name: 'Write' }).click();
    await page.getByText('The worker was lost.').waitFor();
    expect(await tokensOf(page).allTextContents()).toEqual(['once']);
    expect(await page.getByRole('button', { name: 'Try again' }).isVisible()).toBe(true);
    await close();
  });
});
