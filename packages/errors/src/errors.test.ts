import { describe, expect, it } from 'vitest';
import { CheckpointError, DownloadError, isWeftError, ShapeError, WeftError } from './index.js';

const details = { operation: 'read', expected: 'a file', received: 'a folder', remedy: 'name the file' };

describe('WeftError', () => {
  it('says operation, expected, received and remedy in one sentence', () => {
    const error = new WeftError('WEFT_INPUT', details);
    expect(error.message).toBe('read: expected a file, received a folder; name the file');
    expect(error.toJSON()).toMatchObject({ code: 'WEFT_INPUT', ...details });
  });

  it('keeps its cause and the name of its class', () => {
    const cause = new Error('disk');
    const error = new CheckpointError({ ...details, cause, file: 'model.safetensors', keys: ['wte.weight'] });
    expect(error).toBeInstanceOf(WeftError);
    expect(error.name).toBe('CheckpointError');
    expect(error.cause).toBe(cause);
    expect(error.keys).toEqual(['wte.weight']);
  });

  it('is known across duplicate installs, and nothing else is', () => {
    const foreign = Object.assign(new Error('x'), {});
    Object.defineProperty(foreign, Symbol.for('weft.error'), { value: true });
    expect(isWeftError(foreign)).toBe(true);
    for (const other of [new Error('x'), null, undefined, 'text', {}]) expect(isWeftError(other)).toBe(false);
  });
});

describe('ShapeError', () => {
  it('spells both shapes and keeps them as fields', () => {
    const error = new ShapeError({
      operation: 'linear',
      tensor: 'weight',
      expectedShape: ['in', 4],
      receivedShape: [3, 5],
      remedy: 'transpose it',
    });
    expect(error.message).toBe('linear: expected weight of shape [in, 4], received [3, 5]; transpose it');
    expect(error.receivedShape).toEqual([3, 5]);
  });
});

describe('DownloadError', () => {
  it('carries the status', () => {
    expect(new DownloadError({ ...details, status: 404, url: 'http://localhost' }).status).toBe(404);
  });
});
