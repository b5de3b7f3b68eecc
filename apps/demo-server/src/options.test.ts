import { ConfigError } from '@weft/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isLoopback, resolveOptions } from './options.js';

afterEach(() => vi.unstubAllEnvs());

describe('resolveOptions', () => {
  it('has safe defaults', () => {
    vi.stubEnv('WEFT_API_KEYS', '');
    expect(resolveOptions({})).toMatchObject({ host: '127.0.0.1', port: 8080, apiKeys: [], rateLimit: 600 });
  });

  it('takes keys from the environment', () => {
    vi.stubEnv('WEFT_API_KEYS', ' first-long-key , second-long-key,');
    expect(resolveOptions({ host: '0.0.0.0' }).apiKeys).toEqual(['first-long-key', 'second-long-key']);
    vi.stubEnv('WEFT_API_KEYS', 'short');
    expect(() => resolveOptions({})).toThrow(ConfigError);
  });

  it('names models by their folder or id, each name once', () => {
    const { models } = resolveOptions({
      models: ['./some/where/tiny/', 'owner/name', { id: 'x', source: 'gpt2' }],
    });
    expect(models.map(({ id }) => id)).toEqual(['tiny', 'owner/name', 'x']);
    expect(() => resolveOptions({ models: ['./a/tiny', './b/tiny'] })).toThrow(/tiny twice/);
  });

  it.each([
    { port: -1 },
    { port: 1.5 },
    { maxBatch: 0 },
    { deadlineMs: Number.NaN },
    { unknown: 1 } as object,
  ])('refuses %o', (options) => {
    expect(() => resolveOptions(options)).toThrow(ConfigError);
  });
});

it('knows loopback from the rest', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])
    expect(isLoopback(host)).toBe(true);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', 'localhost.example.org', '']) {
    expect(isLoopback(host)).toBe(false);
  }
});
