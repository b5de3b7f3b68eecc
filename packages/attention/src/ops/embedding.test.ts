import * as tf from '@tensorflow/tfjs';
import { InputError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { testCases } from '../../test/cases.ts';
import { embedding } from './embedding.js';

describe('embedding', () => {
  testCases<{ paddingIndex: number }>('embedding', ({ weight, ids }, { paddingIndex }) =>
    embedding(weight!, ids!, { paddingIndex }),
  );

  it('refuses ids outside the table, and says which', () => {
    tf.tidy(() => {
      const table = tf.zeros([4, 2]);
      expect(() => embedding(table, tf.tensor1d([0, 4], 'int32'))).toThrow(InputError);
      expect(() => embedding(table, tf.tensor1d([0, -1], 'int32'))).toThrow(/-1 at position 1/);
    });
  });
});
