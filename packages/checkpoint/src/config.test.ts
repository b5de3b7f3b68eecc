import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, ConfigError } from '@weft/errors';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { writeJsonAtomic } from './atomic.js';
import { parseConfig, readConfig, readJson } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const schema = z.looseObject({
  vocab_size: z.int().positive(),
  n_embd: z.int().default(768),
  activation_function: z.enum(['gelu_new', 'relu']).default('gelu_new'),
});

describe('readConfig', () => {
  it('fills in defaults and keeps keys that the schema does not know, to be written back', async () => {
    const stored = {
      vocab_size: 7,
      n_embd: 8,
      activation_function: 'relu',
      custom: { deep: [1, null] },
      _v: 'x',
    };
    await writeJsonAtomic(join(folder, 'config.json'), stored);
    const config = await readConfig(folder, schema);
    expect(config).toEqual(stored);
    expect(config.n_embd).toBe(8);
    await writeJsonAtomic(join(folder, 'copy/config.json'), config);
    expect(await readJson(join(folder, 'copy/config.json'))).toEqual(stored);
    expect(parseConfig({ vocab_size: 7 }, schema, 'here').n_embd).toBe(768);
  });

  it('lists all keys at fault in one error', () => {
    const bad = { vocab_size: -1, n_embd: 'wide', activation_function: 'swish' };
    try {
      parseConfig(bad, schema, 'config.json');
      expect.fail('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      for (const key of Object.keys(bad)) expect((error as ConfigError).received).toContain(`${key}: `);
    }
    for (const value of [null, [], 'text', 5]) {
      expect(() => parseConfig(value, schema, 'config.json')).toThrow(ConfigError);
    }
  });

  it('says what is no JSON, and what is not there', async () => {
    writeFileSync(join(folder, 'broken.json'), '{"vocab_size": 7,');
    await expect(readJson(join(folder, 'broken.json'))).rejects.toBeInstanceOf(ConfigError);
    await expect(readJson(join(folder, 'none.json'))).rejects.toBeInstanceOf(ConfigError);
    await expect(readConfig(join(folder, 'none'), schema)).rejects.toBeInstanceOf(CheckpointError);
  });
});
