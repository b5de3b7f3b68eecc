import type { KernelConfig } from '@tensorflow/tfjs';
import { kernels } from '@weft/attention';
import { kernel } from '../native/kernel.js';
import { linear } from './linear.js';
import { batchMatMul, fusedMatMul } from './mat-mul.js';
import { quantizedLinear } from './quantized-linear.js';
import { argMax, topK } from './selection.js';

/** Every kernel that runs in C++, by the name under which tfjs or weft calls it. */
export const registrations: KernelConfig[] = [
  kernel('BatchMatMul', batchMatMul),
  kernel('_FusedMatMul', fusedMatMul),
  kernel('ArgMax', argMax),
  kernel('TopK', topK),

  kernel(kernels.LINEAR, linear),
  kernel(kernels.QUANTIZED_LINEAR, quantizedLinear),
];
