import * as tf from '@tensorflow/tfjs';

// The attention core is tested without the backend package (which stands above it): cpu and wasm come
// from tfjs alone there. Everything above chooses through @weft/backend, as a user does.
const backend = process.env.WEFT_TEST_BACKEND ?? 'cpu';
if (backend === 'native' || backend === 'tensorflow') {
  const { setBackend } = await import('@weft/backend');
  await setBackend(backend);
} else {
  if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend(backend);
}
if (tf.getBackend() !== backend) throw new Error(`asked for backend ${backend}, got ${tf.getBackend()}`);
