import * as tf from '@tensorflow/tfjs';
import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';

await tf.setBackend('cpu');
const config = t5ConfigSchema.parse({
  vocab_size: 30,
  d_model: 16,
  d_kv: 4,
  d_ff: 16,
  num_layers: 1,
  num_heads: 4,
});
const model = new T5ForConditionalGeneration(config, { seed: 1 });
const { loss } = model.forward({ inputIds: [[3, 4, 1]], labels: [[5, 1]] });
const [ids] = await model.generate([[3, 4, 1]], { maxNewTokens: 3 });
if (ids![0] !== 0) throw new Error(`begins with ${ids![0]}`);
console.log('ok', loss!.dataSync()[0], ids);
