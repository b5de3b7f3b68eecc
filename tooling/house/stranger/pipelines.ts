import * as tf from '@tensorflow/tfjs';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { pipeline } from '@weft/pipelines';
import { trainByteLevelBpe } from '@weft/tokenizer';

await tf.setBackend('cpu');
const tokenizer = trainByteLevelBpe(['warp and weft'], { vocabSize: 262 });
const config = gpt2ConfigSchema.parse({ vocab_size: 262, n_positions: 16, n_embd: 8, n_layer: 1, n_head: 2 });
using model = new GPT2LMHeadModel(config, { seed: 1 });
using write = await pipeline('text-generation', model, { tokenizer });
const [first] = await write('warp', { maxNewTokens: 3, doSample: false });
if (!first?.generatedText.startsWith('warp')) throw new Error(`wrote ${first?.generatedText}`);
console.log('ok', write.task, write.modelName);
