import * as tf from '@tensorflow/tfjs';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';

await tf.setBackend('cpu');
const config = gpt2ConfigSchema.parse({ n_layer: 2, n_embd: 16, n_head: 2, vocab_size: 50, n_positions: 16 });
const model = new GPT2LMHeadModel(config, { seed: 1 });
const inputIds = [[1, 2, 3]];
const { loss, logits } = model.forward({ inputIds, labels: inputIds });
const [ids] = await model.generate(inputIds, { maxLength: 10 });
if (logits.shape.join() !== '1,3,50' || ids!.length !== 10) throw new Error('wrong shapes');
console.log('ok', loss!.dataSync()[0], ids);
