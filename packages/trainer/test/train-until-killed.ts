/** The process that kill.test.ts kills: trains into the folder of its first argument, going on where it stands. */
import * as tf from '@tensorflow/tfjs';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import {
  dataCollatorForLanguageModeling,
  EarlyStoppingCallback,
  listCheckpoints,
  Trainer,
} from '@weft/trainer';

const [, , outputDir = '', maxSteps = '0'] = process.argv;
await tf.setBackend('cpu');

const sizes = {
  vocab_size: 32,
  n_positions: 16,
  n_embd: 16,
  n_layer: 1,
  n_head: 2,
  bos_token_id: 0,
  eos_token_id: 0,
};
using model = new GPT2LMHeadModel(gpt2ConfigSchema.parse(sizes), { seed: 3 });
const examples = Array.from({ length: 26 }, (_, i) => ({
  inputIds: Array.from({ length: 4 + ((i * 5) % 11) }, (_, t) => 2 + ((i * 7 + t * 3) % 29)),
}));
const trainer = new Trainer({
  model,
  args: {
    outputDir,
    maxSteps: Number(maxSteps),
    perDeviceTrainBatchSize: 4,
    gradientAccumulationSteps: 2,
    learningRate: 1e-2,
    weightDecay: 0.01,
    lrSchedulerType: 'cosine',
    warmupSteps: 3,
    groupByLength: true,
    loggingSteps: 3,
    saveStrategy: 'steps',
    saveSteps: 2,
    evalStrategy: 'steps',
    evalSteps: 2,
    loadBestModelAtEnd: true,
    saveTotalLimit: 2,
    disableProgress: true,
  },
  trainDataset: examples,
  evalDataset: examples.slice(0, 6),
  // Random masks beside random order and dropout: all must go on as if nothing had happened.
  dataCollator: dataCollatorForLanguageModeling({
    tokenizer: { padTokenId: 0 },
    maskTokenId: 1,
    vocabSize: 32,
  }),
  callbacks: [
    new EarlyStoppingCallback({ patience: 1000 }),
    { onTrainBegin: () => void process.stdout.write('training\n') },
  ],
});
const goesOn = (await listCheckpoints(outputDir)).length > 0;
await trainer.train({ resumeFromCheckpoint: goesOn });
await trainer.saveModel(`${outputDir}/final`);
