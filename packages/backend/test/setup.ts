import * as tf from '@tensorflow/tfjs';
import { checkBackendName } from '../src/choice/names.js';
import { setBackend } from '../src/choice/set-backend.js';

const name = checkBackendName('WEFT_TEST_BACKEND', process.env.WEFT_TEST_BACKEND ?? 'native');
await setBackend(name);
if (tf.getBackend() !== name) throw new Error(`asked for backend ${name}, got ${tf.getBackend()}`);
