import { type DecodingSession, type GenerativeModel, generate } from '@weft/generation';

// A model that counts: after token n comes n + 1.
const model: GenerativeModel = {
  generationDefaults: {},
  isEncoderDecoder: false,
  startDecoding: (): DecodingSession => ({
    batchSize: 1,
    vocabSize: 10,
    length: 0,
    step: ([row]) => new Float32Array(10).map((_, id) => (id === (row!.at(-1)! + 1) % 10 ? 1 : 0)),
    reorder: () => undefined,
    crop: () => undefined,
    dispose: () => undefined,
  }),
};
const { sequences } = await generate(model, [[3, 4]], { maxLength: 6 });
if (sequences[0]!.join() !== '3,4,5,6,7,8') throw new Error(sequences.join());
console.log('ok', sequences);
