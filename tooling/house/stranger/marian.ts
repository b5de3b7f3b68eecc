import * as tf from '@tensorflow/tfjs';
import { MarianMTModel, marianConfigSchema } from '@weft/marian';

await tf.setBackend('cpu');
const config = marianConfigSchema.parse({
  vocab_size: 30,
  d_model: 16,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  encoder_ffn_dim: 16,
  decoder_ffn_dim: 16,
  pad_token_id: 29,
  decoder_start_token_id: 29,
});
const model = new MarianMTModel(config, { seed: 1 });
const { loss } = model.forward({ inputIds: [[3, 4, 0]], labels: [[5, 0]] });
const [ids] = await model.generate([[3, 4, 0]], { maxNewTokens: 3 });
if (ids![0] !== 29) throw new Error(`begins with ${ids![0]}`);
console.log('ok', loss!.dataSync()[0], ids);
