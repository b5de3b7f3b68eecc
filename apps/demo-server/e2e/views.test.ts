import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  answered,
  launch,
  missing,
  type OpenPage,
  open,
  type RunningServer,
  startServer,
  tokensOf,
} from './harness.js';

const slow = { timeout: 20_000 };
const textbox = (page: Page, name: string): Locator => page.getByRole('textbox', { name, exact: true });
const title = missing === undefined ? 'the page' : `the page (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(title, () => {
  let server: RunningServer;
  let browser: Browser;
  let opened: OpenPage | undefined;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer({ withModels: true }), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    const { complaints = [], requests = [] } = opened ?? {};
    await opened?.close();
    opened = undefined;
    expect(complaints).toEqual([]);
    // Nothing comes from anywhere but the server itself.
    expect(requests.filter((url) => !url.startsWith(server.address))).toEqual([]);
  });
  const openView = async (view: string): Promise<Page> => {
    opened = await open(browser, server.address, view);
    return opened.page;
  };

  it('writes token by token and shows under the pointer what else was weighed', async () => {
    const page = await openView('generate');
    await answered.generate!(page);
    expect(await page.getByText('Answered by').textContent()).toContain('random-gpt2');
    expect(await page.getByText('Its weights are random').isVisible()).toBe(true);
    const tokens = tokensOf(page);
    expect(await tokens.count()).toBe(48);
    await tokens.nth(5).hover();
    const shares = await page
      .getByRole('list', { name: 'Likeliest tokens here' })
      .locator('.bar-value')
      .allTextContents();
    expect(shares).toHaveLength(8);
    expect(shares[0]).toMatch(/%$/);
  });

  it('shows the same by keyboard, and writes on from an alternative', async () => {
    const page = await openView('generate');
    await answered.generate!(page);
    const list = page.getByRole('listbox', { name: 'Generated tokens' });
    await page.getByRole('button', { name: 'Write' }).focus();
    await page.keyboard.press('Tab'); // into the text: its first token is chosen
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft']) await page.keyboard.press(key);
    const chosen = tokensOf(page).and(page.locator('[aria-selected=true]'));
    expect(await list.getAttribute('aria-activedescendant')).toBe(await chosen.getAttribute('id'));
    expect(await chosen.getAttribute('id')).toBe('written-2');
    const before = await tokensOf(page).allTextContents();

    await page.keyboard.press('Tab'); // out of the text, to the first alternative that was not drawn
    await page.keyboard.press('Enter');
    await page.locator('.token-taken').waitFor();
    await page.getByText('Answered by').waitFor();
    const after = await tokensOf(page).allTextContents();
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after).toHaveLength(3 + 48);
    await list.focus();
    await page.keyboard.press('Escape');
    expect(await tokensOf(page).and(page.locator('[aria-selected=true]')).count()).toBe(0);
  });

  it('stops when asked to', async () => {
    const page = await openView('generate');
    await page.getByRole('slider', { name: 'Length' }).fill('200');
    // The model is quick: the button is pressed by the page itself, as soon as it is there.
    await page.evaluate(`new MutationObserver((_, observer) => {
      const stop = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Stop');
      if (!stop) return;
      observer.disconnect();
      stop.click();
    }).observe(document.body, { childList: true, subtree: true })`);
    await page.getByRole('button', { name: 'Write' }).click();
    await page.getByText('stopped').waitFor();
    expect(await tokensOf(page).count()).toBeLessThan(200);
    await page.getByRole('button', { name: 'Write' }).waitFor();
  });

  it('judges a text and says what each token adds', async () => {
    const page = await openView('sentiment');
    await page.getByRole('button', { name: 'Praise' }).click();
    await page.getByText('Answered by').waitFor();
    const bars = page.getByRole('list', { name: 'Scores of the labels' });
    expect((await bars.locator('.bar-name').allTextContents()).sort()).toEqual(['NEGATIVE', 'POSITIVE']);
    const tokens = tokensOf(page);
    expect(await page.locator('.written').textContent()).toBe(await textbox(page, 'Text').inputValue());
    await tokens.nth(2).click();
    expect(await page.getByText(/Without it, (POSITIVE|NEGATIVE) would/).isVisible()).toBe(true);
    for (const label of await tokens.evaluateAll((all) =>
      all.map((each) => each.getAttribute('aria-label')),
    )) {
      expect(label).toMatch(/speaks (for|against), \d/);
    }
  });

  it('lights the answer in the text, and another when it is chosen', async () => {
    const page = await openView('answers');
    await answered.answers!(page);
    const answers = page.getByRole('group', { name: 'Answer to light up in the text' });
    const texts = await answers.locator('.answer-text').allTextContents();
    expect(texts.length).toBeGreaterThan(1);
    for (const [index, text] of texts.entries()) {
      await answers.getByRole('radio').nth(index).check();
      if (text === 'No answer in this text') expect(await page.locator('mark').count()).toBe(0);
      else expect(await page.locator('mark').textContent()).toBe(text);
    }
    expect(await page.locator('.written').textContent()).toBe(await textbox(page, 'Text').inputValue());
  });

  it('shows attention by layer and head, as lines and as a heat map', async () => {
    const page = await openView('attention');
    await answered.attention!(page);
    const heads = page.getByRole('radiogroup', { name: 'Layer and head' });
    expect(await heads.getByRole('radio').count()).toBe(8);
    await heads.getByRole('radio', { checked: true }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('heading', { name: 'Layer 2, head 2' }).isVisible()).toBe(true);

    const from = page.getByRole('listbox', { name: 'Tokens that look' });
    await from.focus();
    await page.keyboard.press('End');
    const last = tokensOf(page).and(page.locator('[aria-selected=true]'));
    expect(await last.getAttribute('aria-label')).toMatch(/ looks at .+ \d+(\.\d)?%, /);
    const weights = await page.locator('.looks-at .bar-value').allTextContents();
    expect(weights.map(Number.parseFloat)).toEqual([...weights.map(Number.parseFloat)].sort((a, b) => b - a));
    expect(await page.locator('.lines-drawing path').count()).toBeGreaterThan(0);

    await page.locator('.heat-cells').hover({ position: { x: 4, y: 4 } });
    expect(await page.locator('.heat-told').textContent()).toMatch(/looks at .+ with \d+/);
  });

  it('cuts a text into tokens while it is typed', async () => {
    const page = await openView('tokens');
    await page.getByText('Cut by the tokenizer of').waitFor();
    await textbox(page, 'Text').fill('The weft 🧵 runs');
    await page.getByText('15', { exact: true }).waitFor();
    expect(await page.locator('.written').textContent()).toContain('🧵');
    const numbers = await page
      .getByRole('list', { name: 'Tokens with their numbers' })
      .locator('.id-number')
      .allTextContents();
    expect(numbers.length).toBeGreaterThan(3);
    expect(numbers.every((number) => /^\d+$/.test(number))).toBe(true);
    await textbox(page, 'Text').fill('');
    await page.getByText('No text').waitFor();
  });

  it('follows a run while it trains', async () => {
    const folder = join(server.watch, 'moby');
    mkdirSync(folder, { recursive: true });
    const log = (step: number): void => {
      const line = { step, epoch: step / 100, loss: 5 - step / 100, learning_rate: 5e-4, grad_norm: 1 };
      appendFileSync(join(folder, 'train.jsonl'), `${JSON.stringify(line)}\n`);
    };
    for (let step = 10; step <= 100; step += 10) log(step);
    const page = await openView('training');
    const loss = page.getByRole('slider', { name: 'Loss by step' });
    await loss.waitFor();
    expect(await page.getByRole('combobox', { name: 'Run' }).inputValue()).toBe('moby');
    expect(await loss.getAttribute('aria-valuetext')).toBe('step 100: 4');
    log(110);
    await page.getByText('Live', { exact: true }).waitFor();
    await expect.poll(() => loss.getAttribute('aria-valuetext'), slow).toBe('step 110: 3.9');
    log(120); // two lines that were seen to come make a speed
    const speed = page.getByRole('slider', { name: 'Speed by step' });
    await expect.poll(() => speed.getAttribute('aria-valuetext'), slow).toMatch(/^step 120: .+ steps\/s$/);
    await loss.focus();
    await page.keyboard.press('Home');
    expect(await loss.getAttribute('aria-valuetext')).toBe('step 10: 4.9');
    const rate = page.getByRole('slider', { name: 'Learning rate by step' });
    expect(await rate.getAttribute('aria-valuetext')).toBe('step 10: 0.0005'); // one cursor for all charts
    appendFileSync(join(folder, 'train.jsonl'), '{"step":120,"train_runtime":9,"train_loss":4}\n');
    await page.getByText('Finished', { exact: true }).waitFor();
  });

  it('keeps what was typed on the way through the views', async () => {
    const page = await openView('generate');
    await textbox(page, 'Begin with').fill('Once');
    await page.getByRole('link', { name: 'Tokens' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Tokens');
    await expect.poll(() => page.title(), slow).toBe('Tokens · weft');
    await page.goBack();
    expect(await textbox(page, 'Begin with').inputValue()).toBe('Once');
  });
});
