import * as tf from '@tensorflow/tfjs';
import { backendReport, setBackend } from '@weft/backend';

const backend = await setBackend('auto');
const product = tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync()[0];
if (product !== 11) throw new Error(`1 * 3 + 2 * 4 gave ${product} on ${backend}`);
const { backends } = await backendReport();
console.log('ok', backend, backends.length);
