// Takes the README's pictures of the page: node e2e/pictures.mjs <address> <folder>
// The server should have a trained classifier and watch a run that is under way.
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [address = 'http://127.0.0.1:8080', folder = '.'] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.WEFT_CHROMIUM ?? '/usr/bin/chromium' });

async function picture(name, view, colorScheme, height, prepare) {
  const viewport = { width: 1200, height };
  const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
  await page.goto(`${address}/#/${view}`);
  await prepare(page);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
}

await picture('page-attention', 'attention', 'light', 1080, async (page) => {
  const models = page.getByRole('combobox', { name: 'Model' });
  const names = await models.getByRole('option').allTextContents();
  await models.selectOption({ index: names.length - 1 }); // encoders come after decoders, and look both ways
  await page.getByRole('button', { name: 'Look' }).click();
  await page.getByText('Answered by').waitFor();
  await page.getByRole('radio', { name: 'Layer 3, head 5' }).click();
  await page.locator('.lines-from .lines-token').nth(9).click();
  await page.evaluate('scrollTo(0, 0)');
});
await picture('page-training', 'training', 'dark', 820, async (page) => {
  // Speed is measured between lines that were seen to come.
  const speed = page.getByRole('slider', { name: 'Speed by step' });
  const seen = new Set();
  while (seen.size < Number(process.env.LINES ?? 3)) {
    await page.waitForTimeout(2000);
    const text = await speed.getAttribute('aria-valuetext');
    if (text.startsWith('step')) seen.add(text);
  }
});
await browser.close();
