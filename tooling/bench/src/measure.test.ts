import { describe, expect, it } from 'vitest';
import { median } from './measure.js';
import { entries } from './workloads.js';

describe('the benchmark', () => {
  it('takes the middle of its rounds', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('names each workload once', () => {
    const names = entries.map(({ workload }) => workload.id);
    expect(new Set(names).size).toBe(names.length);
  });
});
