import { describe, expect, it } from 'vitest';
import { barLine } from './progress-bar.js';

describe('a bar of bytes', () => {
  const progress = { label: 'model-00001-of-00002.safetensors', loaded: 40_000_000, total: 100_000_000 };

  it('tells amount, rate and time left', () => {
    expect(barLine(progress, { bytes: 20_000_000, seconds: 2 }, 120)).toMatch(
      /^model-00001-of-00002\.safetensors █+░+ {2}40 % of 100\.0 MB · 10\.0 MB\/s · 6 s left$/,
    );
  });

  it.each([40, 60, 80, 120, 200])('fits into %i columns, the end of the name kept', (columns) => {
    const line = barLine(progress, { bytes: 1e6, seconds: 2000 }, columns);
    if (columns >= 60) expect(line.length).toBeLessThan(columns);
    expect(line).toMatch(/tensors /);
  });

  it('claims no time left before it can know', () => {
    expect(barLine({ ...progress, loaded: 1000 }, { bytes: 1000, seconds: 0.1 }, 80)).not.toMatch(/left/);
    expect(barLine(progress, { bytes: 0, seconds: 10 }, 80)).not.toMatch(/left/);
    expect(barLine({ label: 'empty', loaded: 0, total: 0 }, { bytes: 0, seconds: 0 }, 80)).toMatch(/100 %/);
  });
});
