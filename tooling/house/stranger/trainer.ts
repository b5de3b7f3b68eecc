import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { dataCollatorForLanguageModeling, Trainer } from '@weft/trainer';

await tf.setBackend('cpu');
const config = gpt2ConfigSchema.parse({ n_layer: 1, n_embd: 16, n_head: 2, vocab_size: 12, n_positions: 8 });
const model = new GPT2LMHeadModel(config, { seed: 1 });
const trainer = new Trainer({
  model,
  args: {
    outputDir: await mkdtemp(join(tmpdir(), 'stranger-')),
    maxSteps: 20,
    learningRate: 1e-2,
    saveStrategy: 'no',
    disableProgress: true,
  },
  trainDataset: Array.from({ length: 16 }, () => ({ inputIds: [1, 2, 3, 4, 5, 6] })),
  dataCollator: dataCollatorForLanguageModeling({ tokenizer: {}, mlm: false }),
});
const { trainingLoss } = await trainer.train();
if (!(trainingLoss < Math.log(12))) throw new Error(`it did not learn: ${trainingLoss}`);
console.log('ok', trainingLoss);
