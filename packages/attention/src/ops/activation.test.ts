import { describe } from 'vitest';
import { testCases } from '../../test/cases.ts';
import { activation } from './activation.js';
import type { ActivationAttrs } from './kernels.js';

describe('activation', () => {
  testCases<ActivationAttrs>('activation', ({ x }, attrs) => activation(x!, attrs.activation));
});
