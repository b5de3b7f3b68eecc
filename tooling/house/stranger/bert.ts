import * as tf from '@tensorflow/tfjs';
import { BertForSequenceClassification, bertConfigSchema } from '@weft/bert';

await tf.setBackend('cpu');
const config = bertConfigSchema.parse({
  vocab_size: 40,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
  num_labels: 3,
});
const model = new BertForSequenceClassification(config, { seed: 1 });
const { loss, logits } = model.forward({ inputIds: [[1, 2, 3]], labels: [2] });
if (logits.shape.join() !== '1,3') throw new Error(`shape ${logits.shape}`);
console.log('ok', loss!.dataSync()[0]);
