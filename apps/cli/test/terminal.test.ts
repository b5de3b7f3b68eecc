import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HubServer } from '../../../packages/checkpoint/test/hub-server.js';
import { bin, fixture, weft } from './weft.js';

const tiny = fixture('gpt2/fixtures/tiny');
const columns = 80;
const ESC = '\u001b';

/** util-linux's, which gives a command a terminal of its own; other systems' script takes other options. */
const hasScript =
  /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '') &&
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-terminal-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Shown {
  code: number | null;
  /** All that the terminal was sent, escapes included. */
  raw: string;
  /** The states that one line went through, and the lines that stayed, without escapes. */
  states: string[];
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Runs weft in a terminal of 80 columns, and presses Ctrl-C there when it first shows `pressAt`. */
function inTerminal(
  args: string[],
  env: Record<string, string | undefined> = {},
  pressAt?: RegExp,
): Promise<Shown> {
  const command = `stty cols ${columns} rows 24; exec ${[process.execPath, bin, ...args].map(quote).join(' ')}`;
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, join(folder, 'typescript')], {
      env: {
        ...process.env,
        ...{ HF_HUB_OFFLINE: '1', TERM: 'xterm-256color', SHELL: '/bin/sh' },
        ...{ CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
      },
    });
    let raw = '';
    let pressed = false;
    child.stdout.on('data', (chunk: Buffer) => {
      raw += chunk.toString();
      if (!pressAt?.test(raw) || pressed) return;
      pressed = true;
      child.stdin.write('\u0003');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, raw, states: statesOf(raw) }));
  });
}

function statesOf(raw: string): string[] {
  const escapes = new RegExp(`${ESC}\\[[?0-9;]*[A-Za-z]|${ESC}[78]`, 'g');
  return raw
    .split(new RegExp(`${ESC}\\[\\d*G|[\\r\\n]+`))
    .map((part) => part.replace(escapes, ''))
    .filter((part) => part.trim() !== '');
}

const text = Array.from(
  { length: 120 },
  (_, i) =>
    `The weaver threw shuttle number ${i % 7} across the loom and sang of the ${['sea', 'hill', 'moon'][i % 3]}.`,
).join('\n\n');

const pretrain = (out: string, ...more: string[]): string[] => [
  ...['pretrain', '--data', join(folder, 'text.txt'), '--output-dir', join(folder, out)],
  ...['--vocab-size', '300', '--layers', '1', '--width', '32', '--heads', '2', '--context', '32'],
  ...['--held-out', '0.1', '--logging-steps', '5', ...more],
];

describe.skipIf(!hasScript)(
  'in a terminal (skipped where script of util-linux is missing or has no terminal to give)',
  () => {
    it('colours there, and not in a pipe', async () => {
      const shown = await inTerminal(['inspect', tiny]);
      expect(shown.code).toBe(0);
      expect(shown.raw).toContain(`${ESC}[1m`);
      const plain = await weft(['inspect', tiny]);
      expect(plain.stdout).not.toContain(ESC);
      expect(shown.states.join('\n')).toContain('GPT2LMHeadModel');
      const asked = await inTerminal(['inspect', tiny], { NO_COLOR: '1' });
      expect(asked.raw).not.toContain(`${ESC}[1m`);
    });

    it('draws the progress of training in place, within the width', async () => {
      writeFileSync(join(folder, 'text.txt'), text);
      const { code, raw, states } = await inTerminal(pretrain('whole', '--max-steps', '200'));
      expect(code).toBe(0);
      const bars = states.filter((state) => state.startsWith('training '));
      expect(bars.length).toBeGreaterThan(3);
      expect(bars.at(-1)).toMatch(/^training █+ 200\/200 · .* steps\/s · 0 s left · loss \d/);
      for (const bar of bars) expect(bar.length, bar).toBeLessThan(columns);
      // Every state is drawn over the one before: no new line between them.
      const drawn = raw.slice(raw.indexOf('training '), raw.lastIndexOf('training '));
      expect(drawn).not.toContain('\n');
      // The cursor is hidden while it draws, and comes back.
      expect(raw.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(raw.lastIndexOf(`${ESC}[?25l`));
    }, 120_000);

    it('saves at Ctrl-C, says how to go on, gives the cursor back, and goes on', async () => {
      writeFileSync(join(folder, 'text.txt'), text);
      const args = pretrain('stopped', '--max-steps', '5000');
      const stopped = await inTerminal(args, {}, /loss \d/);
      expect(stopped.code).toBe(130);
      expect(stopped.states.join('\n')).toContain('to go on, run the same command with --resume');
      expect(stopped.raw.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(stopped.raw.lastIndexOf(`${ESC}[?25l`));
      const checkpoint = readdirSync(join(folder, 'stopped')).find((name) => name.startsWith('checkpoint-'));
      const step = Number(checkpoint!.split('-')[1]);
      const resumed = await inTerminal(pretrain('stopped', '--max-steps', String(step + 5), '--resume'));
      expect(resumed.code).toBe(0);
      expect(resumed.states.find((state) => state.startsWith('training '))).toContain(
        ` ${step}/${step + 5} `,
      );
      expect(existsSync(join(folder, 'stopped', 'model.safetensors'))).toBe(true);
    }, 120_000);

    it('draws a download in place, with rate and time left', async () => {
      const server = await HubServer.start();
      try {
        server.add('config.json', readFileSync(join(tiny, 'config.json')));
        server.add('model.safetensors', Buffer.alloc(3_000_000, 7), true);
        server.fault = ({ path }, response, content) => {
          if (!path.startsWith('/storage/')) return false;
          response.writeHead(200, { 'Content-Length': content.length });
          const send = (at: number): void => {
            if (at >= content.length) response.end();
            else response.write(content.subarray(at, at + 200_000), () => setTimeout(send, 60, at + 200_000));
          };
          send(0);
          return true;
        };
        const { code, states } = await inTerminal(['download', 'org/model', '-o', join(folder, 'copy')], {
          ...{ HF_ENDPOINT: server.url, HF_HOME: folder, HF_HUB_OFFLINE: undefined, NO_PROXY: '127.0.0.1' },
        });
        expect(code).toBe(0);
        const bars = states.filter((state) => /^model\.safetensors .*░/.test(state));
        expect(bars.length).toBeGreaterThan(2);
        for (const bar of bars) expect(bar.length, bar).toBeLessThan(columns);
        expect(bars.at(-1)).toMatch(/█+░+ +\d+ % of 3\.0 MB · [\d.]+ [kM]B\/s · \d+ s left/);
      } finally {
        await server.stop();
      }
    }, 60_000);
  },
);
