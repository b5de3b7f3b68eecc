import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { ModelRegistry } from '@weft/model';

await tf.setBackend('cpu');
const folder = join(await mkdtemp(join(tmpdir(), 'stranger-')), 'out');
const config = gpt2ConfigSchema.parse({ n_layer: 1, n_embd: 8, n_head: 2, vocab_size: 20, n_positions: 8 });
await new GPT2LMHeadModel(config).savePretrained(folder);
const registry = new ModelRegistry<GPT2LMHeadModel>('language modelling');
registry.register('gpt2', 'GPT2LMHeadModel', (source, options) =>
  GPT2LMHeadModel.fromPretrained(source, options),
);
const model = await registry.fromPretrained(folder);
console.log('ok', model.config.n_embd);
