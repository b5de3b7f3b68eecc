import * as tf from '@tensorflow/tfjs';
import { SelfAttention } from '@weft/attention';

await tf.setBackend('cpu');
const attention = new SelfAttention({ embedSize: 16, heads: 4 });
const x = tf.randomNormal([2, 5, 16]);
const mask = tf.linalg.bandPart(tf.ones([5, 5]), -1, 0); // each position sees itself and what came before
const y = attention.forward(x, x, x, mask);
if (y.shape.join() !== '2,5,16') throw new Error(`shape ${y.shape}`);
console.log('ok', attention.numParameters(), 'parameters');
