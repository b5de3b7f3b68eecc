import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { serve } from './serve.mjs';

await tf.setBackend('wasm');
await serve(({ m, k, n, transposeB }) => {
  const a = tf.randomUniform([m, k], -0.5, 0.5);
  const b = tf.randomUniform(transposeB ? [n, k] : [k, n], -0.5, 0.5);
  return async () => {
    const product = tf.matMul(a, b, false, transposeB);
    await product.data();
    product.dispose();
  };
});
