import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, weft } from './weft.js';

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-completion-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scripts = new Map<string, Promise<string>>();

/** The file with a shell's script, written once. */
function script(shell: string): Promise<string> {
  const known = scripts.get(shell);
  if (known) return known;
  const made = weft(['completion', shell]).then(({ code, stdout }) => {
    expect(code).toBe(0);
    const path = join(folder, `weft.${shell}`);
    writeFileSync(path, stdout);
    return path;
  });
  scripts.set(shell, made);
  return made;
}

describe.skipIf(!has('bash'))('completion in bash (skipped where there is none)', () => {
  /** What bash offers after these words; the last one is being typed. */
  async function offered(...words: string[]): Promise<string[]> {
    const path = await script('bash');
    const program = `source ${path}; COMP_WORDS=(weft "$@"); COMP_CWORD=$#; _weft; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { code, stdout, stderr } = await run('bash', ['--norc', '-u', '-c', program, 'bash', ...words]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return stdout.split('\n').filter((word) => word !== '');
  }

  it('offers verbs', async () => {
    expect(await offered('')).toEqual(expect.arrayContaining(['generate', 'download', 'convert', 'help']));
    expect(await offered('do')).toEqual(['download', 'doctor']);
    expect(await offered('tensorflow', '')).toEqual(['link', 'help']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('offers the options of a verb, and those that all have', async () => {
    expect(await offered('convert', '--d')).toEqual(['--dtype', '--debug']);
    expect(await offered('tensorflow', 'link', '--p')).toEqual(['--python']);
    expect(await offered('--v')).toEqual(['--version']);
    // The value of an option is no verb, even if it reads like one.
    expect(await offered('generate', '-m', 'demo', '--gr')).toEqual(['--greedy']);
  });

  it('offers what an option takes, else leaves it to files', async () => {
    expect(await offered('convert', '--dtype', '')).toEqual(['float32', 'float16', 'bfloat16']);
    expect(await offered('convert', '--dtype', '=', 'bf')).toEqual(['bfloat16']);
    expect(await offered('convert', '--dtype', '=')).toHaveLength(3);
    expect(await offered('convert', '--output-dir', '-')).toEqual([]);
    expect(await offered('inspect', '')).toEqual([]);
  });
});

it.skipIf(!has('zsh'))('zsh reads its script (skipped where there is none)', async () => {
  expect(await run('zsh', ['-n', await script('zsh')])).toMatchObject({ code: 0, stderr: '' });
});

it.skipIf(!has('fish'))('fish reads its script (skipped where there is none)', async () => {
  expect(await run('fish', ['--no-config', '--no-execute', await script('fish')])).toMatchObject({
    code: 0,
    stderr: '',
  });
});

describe('completion scripts', () => {
  it('name every verb that the help names', async () => {
    const help = (await weft(['--help'])).stdout;
    const verbs = [...help.matchAll(/^ {2}([a-z][\w-]*) /gm)].map(([, verb]) => verb!);
    expect(verbs.length).toBeGreaterThan(20);
    for (const shell of ['bash', 'zsh', 'fish']) {
      const content = readFileSync(await script(shell), 'utf8');
      for (const verb of verbs) expect(content, shell).toMatch(new RegExp(`[\\s"']${verb}[\\s:"']`));
    }
  });

  it('exist for three shells', async () => {
    const { code, stderr } = await weft(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bash, zsh, fish/);
  });
});
