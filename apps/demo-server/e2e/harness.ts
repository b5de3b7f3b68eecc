import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function findBrowser(): string | undefined {
  if (env.WEFT_CHROMIUM) return env.WEFT_CHROMIUM;
  const folders = (env.PATH ?? '').split(delimiter);
  return folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

const executablePath = findBrowser();

/** Why these tests do not run here; undefined where they do. */
export const missing =
  executablePath === undefined
    ? 'no Chromium on the PATH: install one, or name it in WEFT_CHROMIUM'
    : undefined;

// The reporter folds skipped files up and their titles with them.
if (missing !== undefined) process.stderr.write(`The page is not tested here: ${missing}.\n`);

export interface RunningServer {
  address: string;
  /** The folder that the server watches for training runs. */
  watch: string;
  close(): Promise<void>;
}

/** Starts the built server in a process of its own. */
export async function startServer(options: {
  withModels?: boolean;
  apiKeys?: string[];
}): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-e2e-'));
  const watch = mkdtempSync(join(tmpdir(), 'weft-e2e-runs-'));
  const script = fileURLToPath(new URL('serve.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ folder, watch, ...options })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const address = await firstLine(child);
  return {
    address,
    watch,
    async close() {
      child.stdin!.end();
      if (child.exitCode === null) await once(child, 'exit');
      for (const each of [folder, watch]) rmSync(each, { recursive: true, force: true });
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('http')) return line; // the backend may say something first
  }
  throw new Error('the server ended before it listened');
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: executablePath! });

export interface OpenPage {
  page: Page;
  /** What the browser complained of: errors of scripts, of the security policy, of files that are missing. */
  complaints: string[];
  /** Every address that was asked for. */
  requests: string[];
  close(): Promise<void>;
}

/** Opens a view in a fresh profile. */
export async function open(
  browser: Browser,
  address: string,
  view: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(`${address}/#/${view}`);
  return { page, complaints, requests, close: () => context.close() };
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe-core finds that is serious or critical, in a line each. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(axePath, 'utf8'));
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as {
    violations: { impact: string; id: string; help: string; nodes: { html: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]!.html.slice(0, 200)}`);
}

/** The tokens of a view, not the options of its select. */
export const tokensOf = (page: Page): Locator => page.locator('[role=option]');

/** Brings each view to its answer. */
export const answered: Record<string, (page: Page) => Promise<void>> = {
  generate: async (page) => {
    await page.getByRole('slider', { name: 'Temperature' }).fill('0'); // the same text every time
    await ask(page, 'Write');
  },
  sentiment: (page) => ask(page, 'Judge'),
  answers: (page) => ask(page, 'Ask'),
  attention: (page) => ask(page, 'Look'),
  tokens: (page) => page.getByText('Cut by the tokenizer of').waitFor(),
  training: (page) => page.getByRole('slider', { name: 'Loss by step' }).waitFor(),
};

async function ask(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.getByText('Answered by').waitFor();
}
